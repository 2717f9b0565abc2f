"""Draws from proposals that are fitted to images, and their densities, in backend operations."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from aebench.measures.proposals import DEGREES, FAR
from aebench.models.distributions import DiagonalGaussian


class Fitted:
    """t-distributions around and as wide as `Proposals` say: their tails are heavier than a Gaussian prior's.

    So weights are bounded, and have a variance, where densities p(x|z) are and the prior's tails are a Gaussian's.

    Args:
        posterior: the encoder's, diagonal Gaussian.
        shift, factor: as in `Proposals`, `(n, code_dim)` and `(n, code_dim, code_dim)`.

    Attributes:
        sd: of the posterior, `(n, code_dim)`.
    """

    def __init__(self, posterior: DiagonalGaussian, shift: Any, factor: Any) -> None:
        self.mean, self.sd = posterior.mean, ops.exp(0.5 * posterior.log_var)
        self.shift, self.factor = (ops.cast(array, self.mean.dtype) for array in (shift, factor))
        log_sds = ops.log(ops.diagonal(self.factor, axis1=1, axis2=2)) + 0.5 * posterior.log_var
        self.log_scale = ops.sum(log_sds, axis=1)

    def at(self, points: Any) -> Any:
        """The codes at `points` `(n, code_dim)`, of which there may also be one for all."""
        return self.mean + self.sd * (self.shift + ops.sum(self.factor * points[:, None], axis=2))

    def drawn(self, noise: keras.random.SeedGenerator) -> tuple[Any, Any]:
        """A code for each image, `(n, code_dim)`, and the logarithm of its density, `(n,)`."""
        count, size = self.mean.shape
        share, width = FAR
        points = keras.random.normal((count, size), dtype=self.mean.dtype, seed=noise)
        uniform = keras.random.uniform((count, DEGREES // 2 + 1), 1e-7, 1.0, dtype=self.mean.dtype, seed=noise)
        chi_squared = -2.0 * ops.log(ops.prod(uniform[:, 1:], axis=1))
        points = points * (ops.where(uniform[:, 0] < share, width, 1.0) * ops.sqrt(DEGREES / chi_squared))[:, None]
        return self.at(points), self.log_prob_at(points)

    def log_prob_at(self, points: Any) -> Any:
        """The logarithm of the density of the codes at `points` `(n, code_dim)`: `(n,)`."""
        share, width = FAR
        squared, size = ops.sum(points**2, axis=1), points.shape[1]
        near = math.log(1.0 - share) + _log_t(squared, size)
        far = math.log(share) - size * math.log(width) + _log_t(squared / width**2, size)
        return ops.logaddexp(near, far) - self.log_scale


class AsEncoded:
    """The encoder's own posteriors, whatever they are."""

    def __init__(self, posterior: Any) -> None:
        self.posterior = posterior

    def drawn(self, noise: keras.random.SeedGenerator) -> tuple[Any, Any]:
        """As that of `Fitted`."""
        codes = self.posterior.sample(noise)
        return codes, self.posterior.log_prob(codes)


def _log_t(squared: Any, size: int) -> Any:
    """The logarithm of the density of a standard t-distribution of `size` numbers whose squares sum to `squared`."""
    gammas = math.lgamma((DEGREES + size) / 2) - math.lgamma(DEGREES / 2)
    falls = 0.5 * (DEGREES + size) * ops.log1p(squared / DEGREES)
    return gammas - size / 2 * math.log(DEGREES * math.pi) - falls
