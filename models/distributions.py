"""Posteriors and priors over codes; every log-density is one value per image, in nats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import keras
from keras import ops


def gaussian_log_prob(z: Any, mean: Any, log_var: Any) -> Any:
    """log N(z; mean, diag exp(log_var)), summed over latent dimensions.

    Args:
        z, mean, log_var: `(batch, latent_dim)`, or shapes that broadcast to it.

    Returns:
        `(batch,)` nats.
    """
    return -0.5 * ops.sum((z - mean) ** 2 * ops.exp(-log_var) + log_var + math.log(2.0 * math.pi), axis=-1)


def gaussian_kl(mean: Any, log_var: Any) -> Any:
    """KL(N(mean, diag exp(log_var)) || N(0, I)), summed over latent dimensions.

    Args:
        mean, log_var: `(batch, latent_dim)`.

    Returns:
        `(batch,)` nats. Kingma & Welling 2014, appendix B.
    """
    return 0.5 * ops.sum(mean**2 + ops.exp(log_var) - log_var - 1.0, axis=-1)


class Posterior(Protocol):
    """What `Autoencoder.encode` returns: for each image a distribution over codes, or a single code."""

    @property
    def mean(self) -> Any:
        """`(batch, latent_dim)`: the representation of each image."""

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """One code for each image, `(batch, latent_dim)`, differentiable in the posterior's parameters."""


@dataclass(frozen=True)
class DiagonalGaussian:
    """N(mean, diag exp(log_var)) for each image; both `(batch, latent_dim)`."""

    mean: Any
    log_var: Any

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """Reparameterised sample `(batch, latent_dim)` (Kingma & Welling 2014, section 2.4)."""
        epsilon = keras.random.normal(ops.shape(self.mean), dtype=self.mean.dtype, seed=noise)
        return self.mean + ops.exp(0.5 * self.log_var) * epsilon

    def log_prob(self, z: Any) -> Any:
        """log q(z|x) for codes `(batch, latent_dim)`, `(batch,)` nats."""
        return gaussian_log_prob(z, self.mean, self.log_var)

    @property
    def dimension(self) -> int:
        """How many numbers say where a code lies."""
        return int(self.mean.shape[-1])

    @property
    def tail(self) -> None:
        """Degrees of freedom that a t-distribution at most may have to cover every density on these codes; any here."""

    def at(self, points: Any) -> tuple[Any, Any]:
        """Codes at points in units of this distribution, `(batch, dimension)`, and the log-volume of a unit there."""
        return self.mean + ops.exp(0.5 * self.log_var) * points, 0.5 * ops.sum(self.log_var, axis=-1)


@dataclass(frozen=True)
class PointCode:
    """One code for each image and no density: what an autoencoder without a posterior encodes to."""

    mean: Any

    def sample(self, noise: keras.random.SeedGenerator) -> Any:  # noqa: ARG002 (a point has no noise)
        """The code itself, `(batch, latent_dim)`."""
        return self.mean


@dataclass(frozen=True)
class StandardNormal:
    """The prior N(0, I) over codes of `latent_dim` numbers."""

    latent_dim: int

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` codes, `(count, latent_dim)`."""
        return keras.random.normal((count, self.latent_dim), seed=noise)

    def log_prob(self, z: Any) -> Any:
        """log p(z) for codes `(batch, latent_dim)`, `(batch,)` nats."""
        return gaussian_log_prob(z, ops.zeros_like(z), ops.zeros_like(z))
