"""Choices among categories: how one is drawn, and how many are in use."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def gumbel(like: Any, noise: keras.random.SeedGenerator) -> Any:
    """Gumbel noise of the shape of `like`: logits plus it are largest at a category with that one's probability."""
    smallest = 1e-37  # above 0, whose logarithm has no finite value
    uniform = keras.random.uniform(ops.shape(like), minval=smallest, dtype=like.dtype, seed=noise)
    return -ops.log(-ops.log(uniform))


def perplexity(frequencies: Any) -> Any:
    """exp of the entropy of `frequencies` `(variables, categories)`, mean over the variables: a scalar."""
    safe = ops.where(frequencies > 0.0, frequencies, ops.ones_like(frequencies))
    return ops.mean(ops.exp(-ops.sum(frequencies * ops.log(safe), axis=-1)))
