"""The variational autoencoder whose posterior is an inverse autoregressive flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from aebench.models.base import register
from aebench.models.distributions import DiagonalGaussian
from aebench.models.flows import FlowPosterior, FlowPosteriorVAE
from aebench.models.seeding import initializer
from aebench.models.streams import stream

OPEN = 2.0  # added to the gates' logits, so that steps start near the identity (paper: 1 to 2)


class MaskedDense(layers.Dense):
    """A dense layer without the connections where `mask`, of its kernel's shape, is 0."""

    def __init__(self, mask: np.ndarray, **options: Any) -> None:
        super().__init__(mask.shape[1], **options)
        self.mask = mask

    def call(self, inputs: Any) -> Any:  # noqa: D102
        return ops.matmul(inputs, self.kernel * ops.cast(self.mask, self.kernel.dtype)) + self.bias


@dataclass(frozen=True)
class GatedStep:
    """y = g x + (1 - g) m, with g and m of each number made from those before it (Kingma et al. 2016, equation 14).

    They come from one hidden layer under masks (Germain et al. 2015).

    Attributes:
        places: of each number of a code in the order, `(latent_dim,)`.
        hidden, output: the layers.
        context: what the image adds to the hidden units, `(batch, width)`.
    """

    places: np.ndarray
    hidden: MaskedDense
    output: MaskedDense
    context: Any

    def _parts(self, x: Any) -> tuple[Any, Any, Any]:
        """g, m and log g."""
        logit, m = ops.split(self.output(ops.elu(self.hidden(x) + self.context)), 2, axis=-1)
        return ops.sigmoid(logit + OPEN), m, -ops.softplus(-logit - OPEN)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """See `flows.Step`."""
        gate, m, log_gate = self._parts(x)
        return gate * x + (1.0 - gate) * m, ops.sum(log_gate, axis=-1)

    def inverse(self, y: Any) -> tuple[Any, Any]:
        """See `flows.Step`; one number after the other."""
        x = y
        for place in range(len(self.places)):
            gate, m, _ = self._parts(x)
            x = ops.where(self.places == place, (y - (1.0 - gate) * m) / gate, x)
        return x, ops.sum(self._parts(x)[2], axis=-1)


@register("iaf-vae", version=1)
class IAFVAE(FlowPosteriorVAE):
    """A VAE whose Gaussian posterior goes through inverse autoregressive flows (Kingma et al. 2016).

    Each of `depth` steps mixes every number of a code with a value made from those before it and from the image (the
    encoder's features, by a linear layer to the hidden units); the order turns round from step to step. Drawing takes
    one pass and brings the density with it; the density of other codes takes one pass for each number, and its training
    never does. The representation, the posterior's `mean`, is where the steps take the Gaussian's mean. The rate is
    estimated at the one code drawn.

    Objective:
        D + β (log N(z_0; m(x), diag s²(x)) - Σ_t Σ_i log g_ti - log p(z_T))
        (D: distortion at z_T; T: depth; g_ti: the gate of number i in step t)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        depth: steps, >= 0; in the paper 2 to 8.
        width: hidden units of each step, of ELU, >= latent_dim; in the paper 320 to 1920.
        **options: see `VAE`.

    Reference:
        Kingma et al. 2016, "Improving Variational Inference with Inverse Autoregressive Flow", NeurIPS,
        arXiv:1606.04934.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, depth: int = 2, width: int = 64, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.depth, self.width = self.count("depth", depth, least=0), self.count("width", width, least=latent_dim)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        seen = np.arange(self.width) % self.latent_dim  # how many numbers, the first ones, a hidden unit may see
        places = np.arange(self.latent_dim)
        self.orders = [places[:: (-1) ** turn] for turn in range(self.depth)]
        self.context_heads = [self.head(f"context_{i}", feature_shape, self.width) for i in range(self.depth)]
        self.hidden = [self._masked(f"hidden_{i}", order[:, None] < seen) for i, order in enumerate(self.orders)]
        outputs = [np.tile(seen[:, None] <= order, 2) for order in self.orders]
        self.outputs_ = [self._masked(f"output_{i}", mask, 0.01) for i, mask in enumerate(outputs)]

    def _masked(self, name: str, mask: np.ndarray, spread: float | None = None) -> MaskedDense:
        kernel = initializer(self.seed, name)
        if spread is not None:
            kernel = keras.initializers.RandomNormal(stddev=spread, seed=stream(self.seed, f"weights/{name}"))
        layer = MaskedDense(mask, kernel_initializer=kernel, dtype=self.variable_dtype, name=name)
        layer.build((None, mask.shape[0]))
        return layer

    def encode(self, images: Any, training: bool = False) -> FlowPosterior:  # noqa: D102
        features = self.features(images, training)
        base = DiagonalGaussian(self.mean_head(features), self.log_var_head(features))
        contexts = [head(features) for head in self.context_heads]
        parts = zip(self.orders, self.hidden, self.outputs_, contexts, strict=True)
        return FlowPosterior(base, [GatedStep(*part) for part in parts])
