"""The VAE with Laplace posteriors."""

from __future__ import annotations

from typing import Any

from aebench.models.base import register
from aebench.models.distributions import StandardNormal
from aebench.models.heavy_tails import Laplace, StandardLaplace
from aebench.models.vae import VAE

PRIORS = ("normal", "laplace")


@register("laplace-vae", version=1)
class LaplaceVAE(VAE):
    """VAE with Laplace posteriors, under a normal or a Laplace prior (as in Shi et al. 2019).

    A Laplace distribution has a peak and heavier tails than a Gaussian, and an axis-parallel shape, which may align
    factors with dimensions. Under N(0, I) its rate is never below 0.072 nats a dimension. Shi et al. have it in VAEs of
    several kinds of data, with a Laplace prior and with posterior scales that sum to d; here the scales are free.

    Objective:
        D + β KL(q(z|x) || p(z)), in closed form under either prior

    Args:
        latent_dim: numbers in a code, >= 1.
        prior: `"normal"`, N(0, I), or `"laplace"`, Laplace(0, 1) in every dimension; in the paper the latter.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        **options: see `VAE`.

    Reference:
        Shi, Siddharth, Paige & Torr 2019, "Variational Mixture-of-Experts Autoencoders for Multi-Modal Deep Generative
        Models", NeurIPS, arXiv:1911.03393.
    """

    def __init__(self, latent_dim: int, *, prior: str = "laplace", beta: float = 1.0, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.prior_name = self.choice("prior", prior, PRIORS)

    @property
    def prior(self) -> Any:  # noqa: D102
        return StandardNormal(self.latent_dim) if self.prior_name == "normal" else StandardLaplace(self.latent_dim)

    def encode(self, images: Any, training: bool = False) -> Laplace:  # noqa: D102
        features = self.features(images, training)
        return Laplace(self.mean_head(features), self.log_var_head(features))

    def rate(self, posterior: Any, codes: Any) -> Any:  # noqa: ARG002, D102
        return posterior.kl_from_normal() if self.prior_name == "normal" else posterior.kl_from_laplace()
