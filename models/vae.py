"""The variational autoencoder, with a weight on its rate."""

from __future__ import annotations

from typing import Any

from aebench.models.base import Autoencoder, Terms, register
from aebench.models.distributions import DiagonalGaussian, StandardNormal, gaussian_kl


@register("vae", version=1)
class VAE(Autoencoder):
    """Gaussian posterior, standard normal prior; minimises distortion + β rate (Kingma & Welling 2014).

    At β = 1 the objective is the negative ELBO, a bound on -log p(x): what to start from where likelihood, samples or
    smooth codes matter. Any other value makes it a β-VAE (Higgins et al. 2017): above 1 codes are simpler and images
    blurred, below 1 the reverse, and 0 is an autoencoder with noise.

    Objective:
        D + β KL(q(z|x) || p(z))      (D: distortion -log p(x|z) at a drawn code, in nats)

    Args:
        latent_dim: numbers in a code, >= 1; in the paper 2 to 200.
        beta: weight β of the rate, finite and >= 0; in the paper 1, in that of the β-VAE 1 to 250.
        **options: see `Autoencoder`.

    Reference:
        Kingma & Welling 2014, "Auto-Encoding Variational Bayes", ICLR, arXiv:1312.6114.
        Higgins et al. 2017, "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework", ICLR.
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
