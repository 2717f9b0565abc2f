"""The variational autoencoder whose prior is a learned flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from aebench.models.base import register
from aebench.models.dense import dense_network
from aebench.models.distributions import StandardNormal
from aebench.models.flows import FlowPrior
from aebench.models.vae import VAE


@dataclass(frozen=True)
class AffineCoupling:
    """y = x where `kept` is 1, else x exp(s) + t, with s and t of the kept part (Dinh et al. 2017, equation 9).

    Attributes:
        kept: 0 or 1 for each number of a code, `(latent_dim,)`.
        network: `(batch, latent_dim)` to s before its tanh, and t, side by side.
    """

    kept: Any
    network: Any

    def _scale_and_shift(self, x: Any) -> tuple[Any, Any]:
        raw, shift = ops.split(self.network(x * self.kept), 2, axis=-1)
        return (1.0 - self.kept) * ops.tanh(raw), (1.0 - self.kept) * shift

    def forward(self, x: Any) -> tuple[Any, Any]:
        """See `flows.Step`."""
        log_scale, shift = self._scale_and_shift(x)
        return x * ops.exp(log_scale) + shift, ops.sum(log_scale, axis=-1)

    def inverse(self, y: Any) -> tuple[Any, Any]:
        """See `flows.Step`."""
        log_scale, shift = self._scale_and_shift(y)
        return (y - shift) * ops.exp(-log_scale), ops.sum(log_scale, axis=-1)


@register("flow-prior-vae", version=1)
class FlowPriorVAE(VAE):
    """A VAE whose prior is N(0, I) pushed through a learned RealNVP (Huang et al. 2017; Dinh et al. 2017).

    Each of `depth` affine couplings scales and shifts every other number of a code by what a small network makes of the
    rest, in turns; its log-scale is held in -1 to 1 by tanh. Density and samples are both exact and take one pass. The
    rate is estimated at the one code drawn. It is a stronger prior than a mixture of as many weights where codes lie
    along curved sheets. In one dimension the couplings have nothing to go by: they scale and shift, no more.

    Objective:
        D + β (log q(z|x) - log N(f⁻¹(z); 0, I) + log|det df/du|)      (D: distortion; z: the code drawn; f: the flow)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0; in the papers 1.
        depth: couplings, >= 0; in the papers 4 to 8 (even, so that all numbers are changed alike).
        width: hidden ReLU units of each coupling's network, >= 1; in the papers hundreds, for images.
        **options: see `VAE`.

    Reference:
        Huang et al. 2017, "Learnable Explicit Density for Continuous Latent Space and Variational Inference",
        arXiv:1710.02248; Dinh, Sohl-Dickstein & Bengio 2017, "Density Estimation using Real NVP", ICLR,
        arXiv:1605.08803.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, depth: int = 4, width: int = 64, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.depth, self.width = self.count("depth", depth, least=0), self.count("width", width)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        sizes = (self.latent_dim, self.width, 2 * self.latent_dim)
        own = {"seed": self.seed, "dtype": self.variable_dtype}
        self.couplings = [dense_network(f"coupling_{i}", sizes, "relu", last=0.01, **own) for i in range(self.depth)]

    @property
    def prior(self) -> FlowPrior:  # noqa: D102
        places = np.arange(self.latent_dim)
        kept = [ops.convert_to_tensor((places + turn) % 2, self.variable_dtype) for turn in range(self.depth)]
        steps = [AffineCoupling(*pair) for pair in zip(kept, self.couplings, strict=True)]
        return FlowPrior(StandardNormal(self.latent_dim), steps)
