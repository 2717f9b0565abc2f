"""The importance-weighted autoencoder."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from aebench.models.base import Terms, register
from aebench.models.distributions import DiagonalGaussian
from aebench.models.vae import VAE


@register("iwae", version=1)
class IWAE(VAE):
    """A VAE trained on the bound of k weighted codes an image (Burda, Grosse and Salakhutdinov 2016, equation 8).

    Minimises -log 1/k Σ p(x|z_i) (p(z_i) / q(z_i|x))^β over codes z_1 ... z_k drawn from the posterior, at β = 1
    unless told otherwise; k = 1 is the VAE, with its rate estimated at the code.

    Args:
        latent_dim: numbers in a code, >= 1.
        k: codes drawn for each image, >= 1.
        **options: see `VAE`.
    """

    def __init__(self, latent_dim: int, *, k: int = 5, **options: Any) -> None:
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        super().__init__(latent_dim, **options)
        self.k = k

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {**super().get_config(), "k": self.k}

    def terms(self, images: Any, training: bool = False) -> Terms:
        """The bound; distortion is a mean over the codes, rate in closed form."""
        one = self.encode(images, training=training)
        posterior = DiagonalGaussian(ops.repeat(one.mean, self.k, axis=0), ops.repeat(one.log_var, self.k, axis=0))
        codes = posterior.sample(self.noise)
        distortions = self.distortion(ops.repeat(images, self.k, axis=0), codes, training=training)
        log_ratios = self.prior.log_prob(codes) - posterior.log_prob(codes)
        log_weights = ops.reshape(self.annealed(self.beta, training) * log_ratios - distortions, (-1, self.k))
        return Terms(
            objective=math.log(self.k) - ops.logsumexp(log_weights, axis=1),
            distortion=ops.mean(ops.reshape(distortions, (-1, self.k)), axis=1),
            rate=self.rate(one, one.mean),
        )
