"""Distributions over directions: points of length 1 in d + 1 numbers, on the sphere S^d of dimension d."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import keras
import numpy as np
from keras import ops

CELLS = 128  # of the grid over the angle to the mean
TAIL = 5.5  # how far the grid reaches, in standard deviations of its own measure: what lies beyond is 1e-7 of all


def log_area(dimension: int) -> float:
    """Logarithm of the area of the sphere S^dimension."""
    half = 0.5 * (dimension + 1)
    return math.log(2.0) + half * math.log(math.pi) - math.lgamma(half)


def direction(vectors: Any) -> Any:
    """Vectors `(batch, n)` at length 1."""
    squares = ops.sum(vectors**2, axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.maximum(squares, 1e-30))


def turned(points: Any, mean: Any) -> Any:
    """Points `(batch, n)` about the first axis turned to lie alike about `mean` `(batch, n)`, of length 1.

    By a Householder reflection of the first axis to the mean or its opposite, whichever is farther from that axis.
    """
    first = ops.where(mean[:, :1] >= 0.0, 1.0, -1.0)
    axis = ops.concatenate([mean[:, :1] + first, mean[:, 1:]], axis=-1)
    along = ops.sum(axis * points, axis=-1, keepdims=True) / (1.0 + ops.abs(mean[:, :1]))
    return first * (axis * along - points)


@cache
def grid(dimension: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Cells of an angle t that is near pi/2 when sin^(d-1) t weighs it: their log masses, middles, width and start."""
    reach = min(0.5 * math.pi, TAIL / math.sqrt(max(dimension - 1, 1)))
    width = 2.0 * reach / CELLS
    middles = 0.5 * math.pi - reach + width * (np.arange(CELLS) + 0.5)
    return (dimension - 1) * np.log(np.sin(middles)) + math.log(width), middles, width, middles[0] - 0.5 * width


@dataclass(frozen=True)
class VonMisesFisher:
    """exp(κ mean·z) up to a factor, for each image, on the sphere S^d.

    All but the mean direction is in the angle to it, whose density is exp(κ cos φ) sin^(d-1) φ. tan(φ/2) = √b tan(t/2),
    Ulrich's envelope with Wood's b, makes t a variable whose density has about the same width for every κ: a fixed grid
    of t gives the normaliser, the KL divergence and the distribution function. Samples invert the latter, linearly in
    each cell, and so are differentiable in κ without rejections (Wood 1994; Davidson et al. 2018, appendix).

    Attributes:
        mean: directions, `(batch, d + 1)`.
        concentration: κ, above 0, `(batch, 1)`.
        skew: b, `(batch, 1)`.
        log_normaliser: of exp(κ (cos φ - 1)) over the sphere, `(batch,)`.
        masses: probabilities of the cells of t, `(batch, cells)`.
    """

    mean: Any
    concentration: Any
    skew: Any
    log_normaliser: Any
    masses: Any

    @classmethod
    def of(cls, mean: Any, concentration: Any) -> VonMisesFisher:
        """That with this mean direction `(batch, d + 1)` and κ `(batch, 1)`."""
        dimension = mean.shape[-1] - 1
        log_cells, middles, *_ = (ops.convert_to_tensor(part, dtype=mean.dtype) for part in grid(dimension))
        skew = dimension / (2.0 * concentration + ops.sqrt(4.0 * concentration**2 + float(dimension) ** 2))
        versine, scale = cls.versine(skew, middles)
        log_masses = log_cells - concentration * versine + dimension * ops.log(scale)
        log_sum = ops.logsumexp(log_masses, axis=-1, keepdims=True)
        masses = ops.exp(log_masses - log_sum)
        return cls(mean, concentration, skew, log_sum[:, 0] + log_area(dimension - 1), masses)

    @staticmethod
    def versine(skew: Any, angle: Any) -> tuple[Any, Any]:
        """1 - cos φ at grid angles t, and dφ/dt = sin φ / sin t; small numbers keep their precision."""
        sine, cosine = ops.sin(0.5 * angle) ** 2, ops.cos(0.5 * angle) ** 2
        whole = cosine + skew * sine
        return 2.0 * skew * sine / whole, ops.sqrt(skew) / whole

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """Directions `(batch, d + 1)`, differentiable in mean and concentration."""
        *_, width, start = grid(self.mean.shape[-1] - 1)
        level = keras.random.uniform(ops.shape(self.concentration), dtype=self.mean.dtype, seed=noise)
        below = ops.cumsum(self.masses, axis=-1) - self.masses
        passed = ops.clip((level - below) / ops.maximum(self.masses, 1e-12), 0.0, 1.0)
        angle = start + width * ops.sum(passed, axis=-1, keepdims=True)
        versine, scale = self.versine(self.skew, angle)
        around = direction(keras.random.normal(ops.shape(self.mean[:, 1:]), dtype=self.mean.dtype, seed=noise))
        return turned(ops.concatenate([1.0 - versine, scale * ops.sin(angle) * around], axis=-1), self.mean)

    def log_prob(self, z: Any) -> Any:
        """Log-density over the sphere of directions `(batch, d + 1)`, `(batch,)` nats. |z - mean|²/2 is 1 - cos φ."""
        return -0.5 * self.concentration[:, 0] * ops.sum((z - self.mean) ** 2, axis=-1) - self.log_normaliser

    @property
    def dimension(self) -> int:
        """How many numbers say where a code lies: the sphere's dimension."""
        return int(self.mean.shape[-1]) - 1

    @property
    def tail(self) -> int:
        """Degrees of freedom that a t-distribution on the plane of `at` at most may have to cover every density.

        They are those of the uniform distribution, which is a t-distribution there.
        """
        return self.dimension

    def at(self, points: Any) -> tuple[Any, Any]:
        """Directions at points `(batch, dimension)` of a plane that touches the sphere at the mean, in units of 1 / √κ.

        By stereographic projection from the opposite point: the whole sphere but that. Also the logarithm of the area
        that a unit of the plane has there, `(batch,)`.
        """
        steps = points * ops.rsqrt(self.concentration)
        quarter = 0.25 * ops.sum(steps**2, axis=-1, keepdims=True)
        flat = ops.concatenate([1.0 - quarter, steps], axis=-1) / (1.0 + quarter)
        area = -self.dimension * (ops.log1p(quarter[:, 0]) + 0.5 * ops.log(self.concentration[:, 0]))
        return turned(flat, self.mean), area

    def kl_from_uniform(self) -> Any:
        """KL from the uniform distribution, `(batch,)` nats: log area - log normaliser - κ E[1 - cos φ]."""
        dimension = self.mean.shape[-1] - 1
        middles = ops.convert_to_tensor(grid(dimension)[1], dtype=self.mean.dtype)
        expected = ops.sum(self.masses * self.versine(self.skew, middles)[0], axis=-1)
        return log_area(dimension) - self.log_normaliser - self.concentration[:, 0] * expected


@dataclass(frozen=True)
class UniformDirections:
    """The prior without a preferred direction on the sphere S^latent_dim."""

    latent_dim: int

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` directions, `(count, latent_dim + 1)`."""
        return direction(keras.random.normal((count, self.latent_dim + 1), seed=noise))

    def log_prob(self, z: Any) -> Any:
        """Log-density over the sphere, `(batch,)` nats: the same everywhere."""
        return ops.full_like(z[:, 0], -log_area(self.latent_dim))
