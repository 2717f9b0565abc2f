"""The variational autoencoder with two stochastic layers whose posterior goes down the same way as its prior."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from aebench.models.base import register
from aebench.models.distributions import DiagonalGaussian, gaussian_kl
from aebench.models.hierarchical_vae import HierarchicalVAE
from aebench.models.hierarchy import TopDownPosterior, gaussian


def precision_weighted(one: DiagonalGaussian, other: DiagonalGaussian) -> DiagonalGaussian:
    """The Gaussian proportional to the product of both: precisions add up and weight the means (equations 17, 18)."""
    log_precision = ops.logaddexp(-one.log_var, -other.log_var)
    share = ops.exp(-one.log_var - log_precision)
    return DiagonalGaussian(share * one.mean + (1.0 - share) * other.mean, -log_precision)


@register("ladder-vae", version=1)
class LadderVAE(HierarchicalVAE):
    """A hierarchical VAE whose posterior of z1 joins the image's word with the prior's (Sønderby et al. 2016).

    The encoder's features give a Gaussian over z1 and, through two more layers of tanh, q(z2|x). Then q(z1|z2, x) is
    the product of that Gaussian and p(z1|z2), weighted by precision: what the upper layer already tells, the lower one
    need not correct, and the upper layer is used where `HierarchicalVAE` leaves it idle. The model of images is the
    same. Deviations from the paper: two layers instead of up to five, no batch normalization; its warm-up is
    `rate_warmup`.

    Objective:
        D + β (log q(z2|x) - log p(z2) + log q(z1|z2, x) - log p(z1|z2))      (D: distortion; z1, z2: the code drawn)

    Args:
        latent_dim: numbers in z1, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1, after a warm-up over 200 epochs of 2000.
        top: numbers in z2, >= 1; in the paper 32 above 64.
        hidden: units of each layer between z1 and z2, >= 1; in the paper 256 above 512.
        **options: see `VAE`.

    Reference:
        Sønderby et al. 2016, "Ladder Variational Autoencoders", NeurIPS, arXiv:1602.02282.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, top: int = 4, hidden: int = 100, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, top=top, hidden=hidden, **options)

    def read_by_top(self, feature_shape: tuple[int | None, ...]) -> int:
        """All of the encoder's features."""
        return int(feature_shape[-1] or 0)

    def encode(self, images: Any, training: bool = False) -> TopDownPosterior:  # noqa: D102
        features = self.features(images, training)
        seen = DiagonalGaussian(self.mean_head(features), self.log_var_head(features))
        prior = self.prior
        below = lambda top: precision_weighted(seen, prior.below(top))  # noqa: E731
        return TopDownPosterior(gaussian(self.up(features)), below, self.latent_dim)

    def diagnostics(self, images: Any, noise: keras.random.SeedGenerator) -> dict[str, Any]:  # noqa: ARG002
        """KL(q(z2|x) || p(z2))."""
        top = self.encode(images).top
        return {"top_rate_nats": gaussian_kl(top.mean, top.log_var)}
