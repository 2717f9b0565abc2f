"""Laplace and Student-t distributions over codes; every log-density is one value per image, in nats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops


def laplace_noise(shape: tuple[Any, ...], noise: keras.random.SeedGenerator, dtype: Any = None) -> Any:
    """Draws from Laplace(0, 1): the difference of two exponential ones, finite for every uniform number in [0, 1)."""
    exponential = -ops.log1p(-keras.random.uniform((2, *shape), dtype=dtype, seed=noise))
    return exponential[0] - exponential[1]


def student_noise(shape: tuple[Any, ...], degrees: int, noise: keras.random.SeedGenerator, dtype: Any = None) -> Any:
    """Draws from Student's t: a normal number over the root mean square of `degrees` others."""
    normal = keras.random.normal((degrees + 1, *shape), dtype=dtype, seed=noise)
    return normal[0] / ops.sqrt(ops.mean(normal[1:] ** 2, axis=0))


def laplace_log_prob(z: Any, mean: Any, log_scale: Any) -> Any:
    """log Laplace(z; mean, exp(log_scale)), summed over latent dimensions: `(batch,)` nats."""
    return -ops.sum(ops.abs(z - mean) * ops.exp(-log_scale) + log_scale + math.log(2.0), axis=-1)


def student_log_prob(z: Any, mean: Any, log_scale: Any, degrees: int) -> Any:
    """log of Student's t of this mean, scale exp(log_scale) and `degrees`, summed over latent dimensions."""
    constant = math.lgamma(0.5 * degrees + 0.5) - math.lgamma(0.5 * degrees) - 0.5 * math.log(math.pi * degrees)
    distance = (z - mean) ** 2 * ops.exp(-2.0 * log_scale) / degrees
    return ops.sum(constant - log_scale - 0.5 * (degrees + 1) * ops.log1p(distance), axis=-1)


def student_entropy(degrees: int) -> float:
    """Entropy of Student's t of scale 1, in nats.

    (ν + 1)/2 (ψ((ν + 1)/2) - ψ(ν/2)) + log(√ν B(ν/2, 1/2)), where that difference of digamma functions, d(ν), is
    2 log 2 at ν = 1, and d(ν + 1) = 2/ν - d(ν).
    """
    difference = 2.0 * math.log(2.0)
    for place in range(1, degrees):
        difference = 2.0 / place - difference
    log_beta = math.lgamma(0.5 * degrees) + math.lgamma(0.5) - math.lgamma(0.5 * degrees + 0.5)
    return 0.5 * (degrees + 1) * difference + 0.5 * math.log(degrees) + log_beta


@dataclass(frozen=True)
class Laplace:
    """Independent Laplace distributions for each image, of this mean and variance; both `(batch, latent_dim)`."""

    mean: Any
    log_var: Any

    @property
    def log_scale(self) -> Any:
        """log b: the variance is 2 b²."""
        return 0.5 * (self.log_var - math.log(2.0))

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """Reparameterised sample `(batch, latent_dim)`."""
        return self.mean + ops.exp(self.log_scale) * laplace_noise(ops.shape(self.mean), noise, self.mean.dtype)

    def log_prob(self, z: Any) -> Any:
        """log q(z|x) for codes `(batch, latent_dim)`, `(batch,)` nats."""
        return laplace_log_prob(z, self.mean, self.log_scale)

    def kl_from_normal(self) -> Any:
        """KL(q || N(0, I)), `(batch,)` nats; a dimension of it is at least (log π - 1) / 2 = 0.072."""
        return 0.5 * ops.sum(self.mean**2 + ops.exp(self.log_var) - self.log_var + math.log(math.pi) - 2.0, axis=-1)

    def kl_from_laplace(self) -> Any:
        """KL(q || Laplace(0, 1)), `(batch,)` nats."""
        size, scale = ops.abs(self.mean), ops.exp(self.log_scale)
        return ops.sum(size + scale * ops.exp(-size / scale) - self.log_scale - 1.0, axis=-1)


@dataclass(frozen=True)
class StudentT:
    """Independent Student-t distributions for each image, of this mean and variance, both `(batch, latent_dim)`.

    Attributes:
        degrees: of freedom, >= 3, for there to be a variance.
    """

    mean: Any
    log_var: Any
    degrees: int

    @property
    def log_scale(self) -> Any:
        """log s: the variance is s² ν / (ν - 2)."""
        return 0.5 * (self.log_var + math.log((self.degrees - 2) / self.degrees))

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """Reparameterised sample `(batch, latent_dim)`."""
        drawn = student_noise(ops.shape(self.mean), self.degrees, noise, self.mean.dtype)
        return self.mean + ops.exp(self.log_scale) * drawn

    def log_prob(self, z: Any) -> Any:
        """log q(z|x) for codes `(batch, latent_dim)`, `(batch,)` nats."""
        return student_log_prob(z, self.mean, self.log_scale, self.degrees)

    def kl_from_normal(self) -> Any:
        """KL(q || N(0, I)), `(batch,)` nats: E[z²] is known, and so is the entropy."""
        squares = self.mean**2 + ops.exp(self.log_var) + math.log(2.0 * math.pi)
        return ops.sum(0.5 * squares - self.log_scale - student_entropy(self.degrees), axis=-1)


@dataclass(frozen=True)
class StandardLaplace:
    """The prior Laplace(0, 1) over each of `latent_dim` numbers."""

    latent_dim: int

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` codes, `(count, latent_dim)`."""
        return laplace_noise((count, self.latent_dim), noise)

    def log_prob(self, z: Any) -> Any:
        """log p(z) for codes `(batch, latent_dim)`, `(batch,)` nats."""
        return laplace_log_prob(z, ops.zeros_like(z), ops.zeros_like(z))


@dataclass(frozen=True)
class StandardStudentT:
    """The prior Student's t of scale 1 over each of `latent_dim` numbers."""

    latent_dim: int
    degrees: int

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` codes, `(count, latent_dim)`."""
        return student_noise((count, self.latent_dim), self.degrees, noise)

    def log_prob(self, z: Any) -> Any:
        """log p(z) for codes `(batch, latent_dim)`, `(batch,)` nats."""
        return student_log_prob(z, ops.zeros_like(z), ops.zeros_like(z), self.degrees)
