"""The variational autoencoder whose prior lies around the codes of stored training images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from aebench.models.base import Terms, register
from aebench.models.mixtures import GaussianMixture
from aebench.models.vae import VAE


@register("exemplar-vae", version=1)
class ExemplarVAE(VAE):
    """A VAE whose prior is a Gaussian around the code of each stored training image (Norouzi et al. 2020).

    The images stored, the exemplars, are `components` of those that `adapt` is given, over again where these are
    fewer; the variance around their codes is one number, learned. In training no exemplar may explain itself. A model
    is not told which image it sees, so each exemplar that could be the image is left out: grey ones are stored and
    encoded as they are, while an image may be drawn from its grey values, and could be where no pixel says otherwise.

    Deviations from the paper: `components` exemplars instead of all training images, all at every step instead of the
    nearest ones.

    Objective:
        D + β (log q(z|x) - log 1/|E_x| Σ_{e in E_x} N(z; m(e), s² I))
        (D: distortion; z: the code drawn; m: the posterior's mean; E_x: exemplars that cannot be x, or all outside
        of training)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1, after a warm-up (`rate_warmup`).
        components: exemplars, >= 2; in the paper all training images, 25,000 of them a step. 1000 at most are offered.
        **options: see `VAE`.

    Reference:
        Norouzi, Fleet & Norouzi 2020, "Exemplar VAE: Linking Generative Models, Nearest Neighbor Retrieval, and Data
        Augmentation", NeurIPS, arXiv:2004.04795.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, components: int = 500, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.components = self.count("components", components, least=2)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        shape = (self.components, math.prod(self.image_shape))
        self.exemplars = self.add_weight(name="exemplars", shape=shape, trainable=False, initializer="zeros")
        self.prior_log_var = self.add_weight(name="prior_log_var", shape=(), initializer="zeros")

    def adapt(self, images: Any, mean: Any = None) -> None:
        """Stores the exemplars too; see `Autoencoder.adapt`."""
        super().adapt(images, mean)
        stored = np.resize(np.asarray(images, "float32"), (self.components, *self.image_shape))
        self.exemplars.assign(stored.reshape(self.components, -1))

    @property
    def prior(self) -> GaussianMixture:  # noqa: D102
        centres = self.encode(ops.reshape(self.exemplars, (-1, *self.image_shape))).mean
        equal = ops.full((self.components,), -math.log(self.components), dtype=centres.dtype)
        return GaussianMixture(centres, self.prior_log_var + ops.zeros_like(centres), equal)

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        posterior = self.encode(images, training=training)
        codes, prior = posterior.sample(self.noise), self.prior
        if training:
            prior = GaussianMixture(prior.mean, prior.log_var, self.leave_one_out(images))
        distortion = self.distortion(images, codes, training=training)
        rate = posterior.log_prob(codes) - prior.log_prob(codes)
        return Terms(objective=distortion + self.annealed(self.beta, training) * rate, distortion=distortion, rate=rate)

    def leave_one_out(self, images: Any) -> Any:
        """Log-weights of the exemplars for each image, `(batch, components)`, alike but -inf of what could be it.

        A draw of an exemplar's pixels is 0 where it is 0 and 1 where it is 1. All are kept where none would be left.
        """
        pixels = ops.reshape(ops.cast(images, self.variable_dtype), (-1, self.exemplars.shape[1]))
        black, white = (ops.cast(ops.equal(self.exemplars, value), pixels.dtype) for value in (0.0, 1.0))
        against = ops.matmul(pixels, ops.transpose(black)) + ops.matmul(1.0 - pixels, ops.transpose(white))
        kept = against > 0.0
        kept = ops.logical_or(kept, ops.logical_not(ops.any(kept, axis=1, keepdims=True)))
        count = ops.sum(ops.cast(kept, pixels.dtype), axis=1, keepdims=True)
        return ops.where(kept, -ops.log(count), -float("inf"))
