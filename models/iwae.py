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
    """A VAE trained on the bound of k weighted codes an image (Burda, Grosse & Salakhutdinov 2016).

    The bound is tighter the more codes there are, and the posterior need not be close to the true one by itself: for
    likelihood, at k times the decoder's cost. k = 1 is the VAE, with its rate estimated at the code. β, 1 in the paper,
    is the power of the ratio of prior to posterior.

    Objective:
        -log 1/k Σ p(x|z_i) (p(z_i) / q(z_i|x))^β      (z_1 ... z_k: codes drawn from q(z|x); equation 8)

    Args:
        latent_dim: numbers in a code, >= 1; in the paper 50.
        k: codes drawn for each image, >= 1; in the paper 1, 5 and 50.
        **options: see `VAE`.

    Reference:
        Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders", ICLR, arXiv:1509.00519.
    """

    def __init__(self, latent_dim: int, *, k: int = 5, **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.k = self.count("k", k)

    @property
    def draws(self) -> int:
        """Codes that are drawn for each image."""
        return self.k

    def terms(self, images: Any, training: bool = False) -> Terms:
        """The bound; distortion is a mean over the codes, rate in closed form."""
        one = self.encode(images, training=training)
        posterior = self.repeated(one)
        log_weights, distortions = self.weigh(images, posterior, posterior.sample(self.noise), training)
        return Terms(
            objective=self.bound(log_weights),
            distortion=ops.mean(distortions, axis=1),
            rate=self.rate(one, one.mean),
        )

    def repeated(self, posterior: DiagonalGaussian) -> DiagonalGaussian:
        """The posterior of every image once for each of its codes: `(batch * draws, latent_dim)`."""
        parts = (posterior.mean, posterior.log_var)
        return DiagonalGaussian(*(ops.repeat(part, self.draws, axis=0) for part in parts))

    def weigh(self, images: Any, posterior: DiagonalGaussian, codes: Any, training: bool) -> tuple[Any, Any]:
        """Log-weights log p(x|z) (p(z) / q(z|x))^β and distortions of all codes, both `(batch, draws)` nats."""
        distortions = self.distortion(ops.repeat(images, self.draws, axis=0), codes, training=training)
        log_ratios = self.prior.log_prob(codes) - posterior.log_prob(codes)
        log_weights = self.annealed(self.beta, training) * log_ratios - distortions
        return ops.reshape(log_weights, (-1, self.draws)), ops.reshape(distortions, (-1, self.draws))

    def bound(self, log_weights: Any) -> Any:
        """What is minimised, `(batch,)` nats, of the log-weights `(batch, draws)`."""
        return math.log(self.k) - ops.logsumexp(log_weights, axis=1)
