"""Draws from proposals that are fitted to images, and their densities, in backend operations."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from aebench.measures.proposals import DEGREES, FAR


class Fitted:
    """t-distributions around and as wide as `Proposals` say: their tails are heavier than a Gaussian prior's.

    So weights are bounded, and have a variance, where densities p(x|z) are and the prior's tails are a Gaussian's. On a
    sphere, whose plane they are drawn on, they have the degrees of freedom of the uniform distribution at most.

    Args:
        posterior: the encoder's, one that says which code lies `at` a point in its own units.
        shift, factor: as in `Proposals`, `(n, dimension)` and `(n, dimension, dimension)`.
    """

    def __init__(self, posterior: Any, shift: Any, factor: Any) -> None:
        self.posterior, self.dtype = posterior, posterior.mean.dtype
        self.degrees = min(DEGREES, posterior.tail or DEGREES)
        self.shift, self.factor = (ops.cast(array, self.dtype) for array in (shift, factor))
        self.log_scale = ops.sum(ops.log(ops.diagonal(self.factor, axis1=1, axis2=2)), axis=1)

    def own(self, points: Any) -> Any:
        """Standard points `(n, dimension)`, of which there may also be one for all, in the posterior's units."""
        return self.shift + ops.sum(self.factor * points[:, None], axis=2)

    def drawn(self, noise: keras.random.SeedGenerator) -> tuple[Any, Any]:
        """A code for each image, `(n, code_dim)`, and the logarithm of its density, `(n,)`."""
        count, size = self.shift.shape
        share, width = FAR
        points = keras.random.normal((count, size), dtype=self.dtype, seed=noise)
        uniform = keras.random.uniform((count, self.degrees // 2 + 1), 1e-7, 1.0, dtype=self.dtype, seed=noise)
        chi_squared = -2.0 * ops.log(ops.prod(uniform[:, 1:], axis=1))
        if self.degrees % 2:
            chi_squared += keras.random.normal((count,), dtype=self.dtype, seed=noise) ** 2
        far = ops.where(uniform[:, 0] < share, width, 1.0)
        points = points * (far * ops.sqrt(self.degrees / chi_squared))[:, None]
        codes, log_volume = self.posterior.at(self.own(points))
        return codes, self.log_prob_at(points) - log_volume

    def log_prob_at(self, points: Any) -> Any:
        """The logarithm of the density of standard `points` `(n, dimension)` in the posterior's units: `(n,)`."""
        share, width = FAR
        squared, size = ops.sum(points**2, axis=1), points.shape[1]
        near = math.log(1.0 - share) + _log_t(squared, size, self.degrees)
        far = math.log(share) - size * math.log(width) + _log_t(squared / width**2, size, self.degrees)
        return ops.logaddexp(near, far) - self.log_scale


class AsEncoded:
    """The encoder's own posteriors, whatever they are."""

    def __init__(self, posterior: Any) -> None:
        self.posterior = posterior

    def drawn(self, noise: keras.random.SeedGenerator) -> tuple[Any, Any]:
        """As that of `Fitted`."""
        codes = self.posterior.sample(noise)
        return codes, self.posterior.log_prob(codes)


def _log_t(squared: Any, size: int, degrees: int) -> Any:
    """The logarithm of the density of a standard t-distribution of `size` numbers whose squares sum to `squared`."""
    gammas = math.lgamma((degrees + size) / 2) - math.lgamma(degrees / 2)
    falls = 0.5 * (degrees + size) * ops.log1p(squared / degrees)
    return gammas - size / 2 * math.log(degrees * math.pi) - falls
