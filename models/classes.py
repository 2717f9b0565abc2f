"""Codes that hold a class beside numbers: z and the class y as one-hot, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from aebench.models.distributions import DiagonalGaussian, StandardNormal


def one_hot(labels: Any, classes: int) -> Any:
    """`(batch,)` integers as float32 `(batch, classes)`; a row of zeros for -1."""
    return ops.cast(ops.expand_dims(labels, -1) == ops.arange(classes, dtype=labels.dtype), "float32")


def split(codes: Any, classes: int) -> tuple[Any, Any]:
    """z and the class of codes `(batch, latent_dim + classes)`."""
    size = codes.shape[-1] - classes
    return codes[..., :size], codes[..., size:]


@dataclass(frozen=True)
class ClassAndCode:
    """The posterior q(y|x) q(z|x, y).

    Attributes:
        log_probs: log q(y|x), `(batch, classes)`.
        given: q(z|x, y) for classes `(batch, classes)`.
    """

    log_probs: Any
    given: Callable[[Any], DiagonalGaussian]

    @property
    def mean(self) -> Any:
        """The most probable class, and the mean of z under it."""
        return self._with(lambda own: own.mean, self.log_probs)

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """A class by the Gumbel-max trick, and z given it."""
        uniform = keras.random.uniform(ops.shape(self.log_probs), 1e-7, 1.0, dtype="float32", seed=noise)
        return self._with(lambda own: own.sample(noise), self.log_probs - ops.log(-ops.log(uniform)))

    def _with(self, z_of: Callable[[DiagonalGaussian], Any], scores: Any) -> Any:
        chosen = one_hot(ops.argmax(scores, axis=-1), self.log_probs.shape[-1])
        return ops.concatenate([z_of(self.given(chosen)), chosen], axis=-1)

    def log_prob(self, codes: Any) -> Any:
        """log q(y|x) + log q(z|x, y), `(batch,)` nats."""
        z, chosen = split(codes, self.log_probs.shape[-1])
        return ops.sum(chosen * self.log_probs, axis=-1) + self.given(chosen).log_prob(z)


@dataclass(frozen=True)
class UniformClassAndNormal:
    """The prior p(y) p(z): all classes alike, and N(0, I)."""

    latent_dim: int
    classes: int

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` codes, `(count, latent_dim + classes)`."""
        z = StandardNormal(self.latent_dim).sample(count, noise)
        uniform = keras.random.uniform((count,), dtype="float32", seed=noise)
        chosen = ops.minimum(ops.floor(uniform * self.classes), self.classes - 1.0)
        return ops.concatenate([z, one_hot(chosen, self.classes)], axis=-1)

    def log_prob(self, codes: Any) -> Any:
        """log p(y) + log p(z), `(batch,)` nats."""
        return StandardNormal(self.latent_dim).log_prob(split(codes, self.classes)[0]) - math.log(self.classes)
