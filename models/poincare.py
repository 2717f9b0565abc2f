"""Distributions over the Poincaré ball: points nearer than 1/√c to 0, in a space of constant curvature -c.

With A = 1 - c|m|², B = 1 - c|z|² and x = √(c |z - m|² / AB), the distance of z from m is 2 asinh(x) / √c, and all else
is written without a division by c or by the distance: at c = 0 it is Euclidean space in half units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from aebench.models.distributions import gaussian_log_prob

EDGE = 1e-5  # points stay this share of the radius inside, where float32 still tells distances: up to 12.2 / √c from 0


def _dot(a: Any, b: Any) -> Any:
    return ops.sum(a * b, axis=-1, keepdims=True)


def _over_root(function: Any, squares: Any, quadratic: float, quartic: float) -> Any:
    """function(r) / r at r² = `squares`; by its series 1 + quadratic r² + quartic r⁴ near 0."""
    small = squares < 1e-2
    root = ops.sqrt(ops.where(small, ops.ones_like(squares), squares))
    series = 1.0 + squares * (quadratic + squares * quartic)
    return ops.where(small, series, function(root) / root)


def inside(points: Any, curvature: Any) -> Any:
    """Points `(batch, n)`, those at or beyond the edge of the ball drawn in along their radius."""
    squares, most = curvature * _dot(points, points), (1.0 - EDGE) ** 2
    beyond = squares > most
    return points * ops.where(beyond, (1.0 - EDGE) * ops.rsqrt(ops.where(beyond, squares, 1.0)), 1.0)


def walk(start: Any, velocity: Any, curvature: Any) -> Any:
    """Where the geodesic from `start` ends that is as long as `velocity`, in an orthonormal frame there.

    exp_m(v / λ_m) = m ⊕ tanh(√c |v| / 2) v / (√c |v|), with λ_m = 2 / (1 - c|m|²); all `(batch, n)`.
    """
    squares = 0.25 * curvature * _dot(velocity, velocity)
    step = inside(0.5 * velocity * _over_root(ops.tanh, squares, -1.0 / 3.0, 2.0 / 15.0), curvature)
    inner, start_square, step_square = _dot(start, step), _dot(start, start), _dot(step, step)
    along = 1.0 + 2.0 * curvature * inner
    moved = (along + curvature * step_square) * start + (1.0 - curvature * start_square) * step
    return inside(moved / (along + curvature**2 * start_square * step_square), curvature)


def velocity(start: Any, end: Any, curvature: Any) -> tuple[Any, Any]:
    """The inverse of `walk`, `(batch, n)`, and x² of the two points, `(batch, 1)`: λ_m log_m(z)."""
    apart = end - start
    square, at_start = _dot(apart, apart), 1.0 - curvature * _dot(start, start)
    both = at_start * (1.0 - curvature * _dot(end, end))
    x_square = curvature * square / both
    heading = at_start * apart - curvature * square * start  # -m ⊕ z, up to a factor
    factor = 2.0 * _over_root(ops.arcsinh, x_square, -1.0 / 6.0, 3.0 / 40.0)
    return factor * heading * ops.rsqrt(both * (both + curvature * square)), x_square


@dataclass(frozen=True)
class WrappedNormal:
    """N(0, diag exp(log_var)) in the frame at `mean`, wrapped along geodesics; all `(batch, latent_dim)`."""

    mean: Any
    log_var: Any
    curvature: Any

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """Points `(batch, latent_dim)`, differentiable in mean, log-variance and curvature."""
        epsilon = keras.random.normal(ops.shape(self.mean), dtype=self.mean.dtype, seed=noise)
        return walk(self.mean, ops.exp(0.5 * self.log_var) * epsilon, self.curvature)

    def log_prob(self, z: Any) -> Any:
        """Log-density of the points' numbers `(batch, latent_dim)`, `(batch,)` nats (Mathieu et al. 2019, section 3.2).

        Wrapping by r = √c distance thins out by (r / sinh r)^(n-1), with sinh r = 2x√(1 + x²), and one unit of the
        numbers is 2 / (1 - c|z|²) of length.
        """
        there, x_square = velocity(self.mean, z, self.curvature)
        ratio = _over_root(ops.arcsinh, x_square, -1.0 / 6.0, 3.0 / 40.0)
        thinning = ops.log(ratio[:, 0]) - 0.5 * ops.log1p(x_square[:, 0])
        units = math.log(2.0) - ops.log(1.0 - self.curvature * _dot(z, z)[:, 0])
        size = z.shape[-1]
        return gaussian_log_prob(there, 0.0, self.log_var) + (size - 1) * thinning + size * units


@dataclass(frozen=True)
class WrappedStandardNormal:
    """The prior: N(0, I) in the frame at 0, wrapped along geodesics."""

    latent_dim: int
    curvature: Any

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` points, `(count, latent_dim)`."""
        return self._like(ops.zeros((count, self.latent_dim))).sample(noise)

    def log_prob(self, z: Any) -> Any:
        """Log-density of the points' numbers `(batch, latent_dim)`, `(batch,)` nats."""
        return self._like(ops.zeros_like(z)).log_prob(z)

    def _like(self, zeros: Any) -> WrappedNormal:
        return WrappedNormal(zeros, zeros, self.curvature)
