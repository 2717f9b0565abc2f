"""Choices among categories: how they are drawn, what they cost, and how many are in use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops


def gumbel(like: Any, noise: keras.random.SeedGenerator) -> Any:
    """Gumbel noise of the shape of `like`: logits plus it are largest at a category with that one's probability."""
    half_a_step = 2.0**-24  # in place of 0, which float32 draws once in 2^23
    uniform = keras.random.uniform(ops.shape(like), minval=half_a_step, dtype=like.dtype, seed=noise)
    return -ops.log(-ops.log1p(-uniform))  # exact where the noise is large, whose differences matter


def perplexity(frequencies: Any) -> Any:
    """exp of the entropy of `frequencies` `(variables, categories)`, mean over the variables: a scalar."""
    safe = ops.where(frequencies > 0.0, frequencies, ops.ones_like(frequencies))
    return ops.mean(ops.exp(-ops.sum(frequencies * ops.log(safe), axis=-1)))


@dataclass(frozen=True)
class Categorical:
    """Independent categorical variables for each image.

    Attributes:
        logits: `(batch, latent_dim, categories)`.
        temperature: of the relaxed samples, differentiable in the logits; without one samples are one-hot.
    """

    logits: Any
    temperature: Any | None = None

    @property
    def mean(self) -> Any:
        """Each category's probability, `(batch, latent_dim * categories)`."""
        return self._flat(ops.softmax(self.logits, axis=-1))

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """Choices, `(batch, latent_dim * categories)`: one-hot by the Gumbel-max trick, or relaxed."""
        scores = self.logits + gumbel(self.logits, noise)
        if self.temperature is not None:
            return self._flat(ops.softmax(scores / self.temperature, axis=-1))
        return self._flat(ops.one_hot(ops.argmax(scores, axis=-1), scores.shape[-1], dtype=scores.dtype))

    def log_prob(self, z: Any) -> Any:
        """log q(z|x) of one-hot choices `(batch, latent_dim * categories)`, `(batch,)` nats."""
        return ops.sum(z * self._flat(ops.log_softmax(self.logits, axis=-1)), axis=-1)

    def kl_from_uniform(self) -> Any:
        """KL(q(z|x) || p(z)) from equal probabilities, `(batch,)` nats."""
        log_probs = ops.log_softmax(self.logits, axis=-1)
        return ops.sum(ops.exp(log_probs) * (log_probs + math.log(self.logits.shape[-1])), axis=(1, 2))

    def _flat(self, values: Any) -> Any:
        return ops.reshape(values, (-1, self.logits.shape[1] * self.logits.shape[2]))


@dataclass(frozen=True)
class UniformCategories:
    """The prior of `latent_dim` choices, each among `categories` of equal probability."""

    latent_dim: int
    categories: int

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` codes, `(count, latent_dim * categories)`."""
        return Categorical(ops.zeros((count, self.latent_dim, self.categories))).sample(noise)

    def log_prob(self, z: Any) -> Any:
        """log p(z) of one-hot choices, `(batch,)` nats: all alike."""
        return ops.full_like(z[:, 0], -self.latent_dim * math.log(self.categories))
