"""The VAE whose rate cannot fall below a committed one."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import register
from aebench.models.distributions import DiagonalGaussian
from aebench.models.vae import VAE

NEWTON_STEPS = 6  # from this start, relative errors of the root are below float32's for any rate


@register("delta-vae", version=1)
class DeltaVAE(VAE):
    """VAE whose posterior family keeps a distance from the prior, so that its rate is at least δ (Razavi et al. 2019).

    No posterior is wider than σ_u < 1, at which a dimension costs δ / d nats with its mean at 0: every image pays δ,
    whatever the encoder does, and has reason to use what it pays for. Of the paper this is the idea for independent
    latent variables under N(0, I), and the half of that family with narrow posteriors: wider ones whose means are kept
    away from 0 are left out. Its own models have an autoregressive prior over sequences of codes.

    Objective:
        D + β KL(q(z|x) || p(z)),  log σ²(x) = log σ_u² - softplus(h(x)),  (σ_u² - log σ_u² - 1) / 2 = δ / d

    Args:
        latent_dim: numbers in a code, d >= 1.
        delta: committed rate of an image in nats, finite and >= 0; in the paper set by its prior's correlation.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        **options: see `VAE`.

    Reference:
        Razavi, van den Oord, Poole & Vinyals 2019, "Preventing Posterior Collapse with δ-VAEs", ICLR,
        arXiv:1901.03416.
    """

    def __init__(self, latent_dim: int, *, delta: float = 5.0, beta: float = 1.0, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.delta = self.scalar("delta", delta)

    def encode(self, images: Any, training: bool = False) -> DiagonalGaussian:  # noqa: D102
        features = self.features(images, training)
        widest = widest_log_var(self.delta / self.latent_dim)
        return DiagonalGaussian(self.mean_head(features), widest - ops.softplus(self.log_var_head(features)))


def widest_log_var(rate: Any) -> Any:
    """The v <= 0 at which KL(N(0, e^v) || N(0, 1)) = (e^v - v - 1) / 2 is this `rate` in nats, by Newton's method."""
    below = 2.0 * ops.sqrt(rate) + 2.0 * rate  # -v is less: steps on a convex function come down to it
    for _ in range(NEWTON_STEPS):
        slope = ops.maximum(-ops.expm1(-below), 1e-6)
        below = below - (ops.expm1(-below) + below - 2.0 * rate) / slope
    return -below
