"""The variational autoencoder, with a weight on its rate."""

from __future__ import annotations

from typing import Any

from aebench.models.base import Autoencoder, Terms, register
from aebench.models.distributions import DiagonalGaussian, StandardNormal, gaussian_kl


@register("vae", version=1)
class VAE(Autoencoder):
    """Gaussian posterior, standard normal prior; minimises distortion + beta * rate.

    At `beta=1` the objective is the negative ELBO (Kingma & Welling 2014); any other value makes it a β-VAE
    (Higgins et al. 2017).

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0.
        **options: see `Autoencoder`.
    """

    has_posterior = True

    def __init__(self, latent_dim: int, *, beta: float = 1.0, **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.beta = self.scalar("beta", beta)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        self.log_var_head = self.head("log_var", feature_shape, self.latent_dim)

    def encode(self, images: Any, training: bool = False) -> Any:  # noqa: D102
        features = self.features(images, training)
        return DiagonalGaussian(self.mean_head(features), self.log_var_head(features))

    def rate(self, posterior: Any, codes: Any) -> Any:
        """KL(q(z|x) || p(z)), `(batch,)` nats: in closed form of Gaussians under N(0, I), else estimated at `codes`."""
        prior = self.prior
        if isinstance(posterior, DiagonalGaussian) and isinstance(prior, StandardNormal):
            return gaussian_kl(posterior.mean, posterior.log_var)
        return posterior.log_prob(codes) - prior.log_prob(codes)

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        posterior = self.encode(images, training=training)
        codes = posterior.sample(self.noise)
        distortion = self.distortion(images, codes, training=training)
        rate = self.rate(posterior, codes)
        return Terms(objective=distortion + self.annealed(self.beta, training) * rate, distortion=distortion, rate=rate)
