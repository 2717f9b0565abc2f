"""Codes that are words of a book, one for each latent variable, and a prior over which words stand together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from aebench.models.discrete import gumbel
from aebench.models.seeding import initializer


class Codebook(keras.layers.Layer):
    """Words `(words, width)` that follow the outputs nearest to them; a code is several words side by side.

    Args:
        words: how many.
        width: numbers in a word.
        seed: of the run.
        decay: of the moving averages.
        smoothing: Laplace's, added to each word's share of all choices.
        dead: a word whose share is below this part of an even one starts anew, on an output of the batch.
    """

    def __init__(
        self,
        words: int,
        width: int,
        seed: int,
        *,
        decay: float = 0.99,
        smoothing: float = 1e-6,
        dead: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.count, self.width = words, width
        self.decay, self.smoothing, self.dead = decay, smoothing, dead
        start = initializer(seed, "words")((words, width))
        for name, value in (("words", start), ("sums", start / words), ("shares", ops.full((words,), 1.0 / words))):
            weight = self.add_weight(name=name, shape=value.shape, trainable=False, autocast=False)
            weight.assign(value)
            setattr(self, name, weight)
        self.built = True

    def indices(self, codes: Any) -> Any:
        """The words nearest to each part of `codes` `(batch, variables * width)`: `(batch, variables)` int32."""
        words = ops.convert_to_tensor(self.words)
        parts = ops.reshape(ops.stop_gradient(codes), (-1, codes.shape[-1] // self.width, self.width))
        scores = ops.sum(words**2, axis=1) - 2.0 * ops.matmul(parts, ops.transpose(words))
        return ops.top_k(-scores, 1)[1][..., 0]  # `argmin` of floats cannot be vectorised on TensorFlow

    def code(self, indices: Any) -> Any:
        """The words at `indices` `(batch, variables)` side by side, `(batch, variables * width)`."""
        return ops.reshape(ops.take(self.words, indices, axis=0), (-1, indices.shape[1] * self.width))

    def one_hot(self, indices: Any) -> Any:
        """Indices `(...)` as ones among zeros, `(..., words)`."""
        return ops.one_hot(indices, self.count, dtype=self.variable_dtype)

    def follow(self, outputs: Any, indices: Any, noise: keras.random.SeedGenerator) -> None:
        """Moves the words to the moving averages of the outputs that chose them.

        Args:
            outputs: of the encoder, `(batch, variables * width)`.
            indices: which words they chose, `(batch, variables)`.
            noise: for the places of words that start anew.
        """
        parts = ops.reshape(ops.stop_gradient(outputs), (-1, self.width))
        chosen, number = self.one_hot(ops.reshape(indices, (-1,))), ops.cast(ops.shape(parts)[0], self.variable_dtype)
        shares = self._averaged(self.shares, ops.mean(chosen, axis=0))
        sums = self._averaged(self.sums, ops.matmul(ops.transpose(chosen), parts) / number)
        words = sums / ((shares + self.smoothing) / (1.0 + self.count * self.smoothing))[:, None]
        places = keras.random.uniform((self.count,), dtype=self.variable_dtype, seed=noise) * number
        anew = ops.take(parts, ops.cast(ops.minimum(places, number - 1.0), "int32"), axis=0)
        alive = shares >= self.dead / self.count
        self.words.assign(ops.where(alive[:, None], words, anew))
        self.sums.assign(ops.where(alive[:, None], sums, anew / self.count))
        self.shares.assign(ops.where(alive, shares, ops.ones_like(shares) / self.count))

    def _averaged(self, average: Any, now: Any) -> Any:
        return self.decay * ops.convert_to_tensor(average) + (1.0 - self.decay) * now


class Nade(keras.layers.Layer):
    """p(c_1) Π p(c_i | c_1 ... c_i-1) over choices among words, by one hidden layer (Larochelle & Murray 2011).

    Args:
        variables: how many choices, c_1 to c_variables.
        words: among how many each.
        hidden: units through which a choice depends on those before it; 0 leaves them independent.
        seed: of the run.
    """

    def __init__(self, variables: int, words: int, hidden: int, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self.places, self.depends = variables, hidden > 0 and variables > 1
        self.bias = self.add_weight(name="bias", shape=(variables, words), initializer="zeros")
        if self.depends:
            shapes = {"write": (variables - 1, words, hidden), "read": (variables - 1, hidden, words)}
            self.write, self.read = (
                self.add_weight(name=name, shape=shape, initializer=initializer(seed, f"{self.name}/{name}"))
                for name, shape in shapes.items()
            )
            self.start = self.add_weight(name="start", shape=(hidden,), initializer="zeros")
        self.built = True

    def log_prob(self, indices: Any) -> Any:
        """log p of choices `(batch, variables)`, `(batch,)` nats."""
        chosen = ops.one_hot(ops.transpose(indices), self.bias.shape[1], dtype=self.variable_dtype)
        logits = self.logits(chosen)
        return ops.sum(ops.sum(chosen * logits, axis=-1) - ops.logsumexp(logits, axis=-1), axis=0)

    def logits(self, chosen: Any) -> Any:
        """The logits of each word given the choices before it, which are ones among zeros.

        Both are `(variables, batch, words)`.
        """
        bias = ops.expand_dims(self.bias, 1)
        if not self.depends:
            return ops.zeros_like(chosen) + bias
        written = ops.matmul(chosen[:-1], self.write)
        before = np.tril(
            np.ones((self.places - 1, self.places - 1), self.variable_dtype)
        )  # a matrix is faster than cumsum
        hidden = ops.reshape(ops.matmul(before, ops.reshape(written, (self.places - 1, -1))), ops.shape(written))
        later = ops.matmul(ops.relu(self.start + hidden), self.read)
        return bias + ops.pad(later, ((1, 0), (0, 0), (0, 0)))

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` times all choices, one after the other: `(count, variables)` int32."""
        drawn: list[Any] = []
        hidden = ops.zeros((count, 1)) + self.start if self.depends else None
        for variable in range(self.places):
            logits = ops.zeros((count, 1)) + self.bias[variable]
            if hidden is not None and variable:
                hidden = hidden + ops.take(self.write[variable - 1], drawn[-1], axis=0)
                logits = logits + ops.matmul(ops.relu(hidden), self.read[variable - 1])
            drawn.append(ops.argmax(logits + gumbel(logits, noise), axis=-1))
        return ops.stack(drawn, axis=1)


@dataclass(frozen=True)
class Quantised:
    """The `code` of words nearest to the encoder's `output`, both `(batch, code_dim)`, and the words' `indices`.

    A point mass on a discrete code: its probability there is 1.
    """

    output: Any
    indices: Any
    code: Any

    @property
    def mean(self) -> Any:
        """The code, with the gradient of the encoder's output (straight-through)."""
        return ops.stop_gradient(self.code) + (self.output - ops.stop_gradient(self.output))

    def sample(self, noise: keras.random.SeedGenerator) -> Any:  # noqa: ARG002 (a point has no noise)
        """The code itself."""
        return self.mean

    def log_prob(self, z: Any) -> Any:
        """log q(z|x), `(batch,)` nats: 0 at the code, minus infinity elsewhere."""
        same = ops.all(z == self.code, axis=-1)
        return ops.where(same, ops.zeros_like(z[:, 0]), -float("inf"))


@dataclass(frozen=True)
class WordPrior:
    """Words of a `book` as `choices` makes them."""

    book: Codebook
    choices: Nade

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` codes, `(count, code_dim)`."""
        return self.book.code(self.choices.sample(count, noise))

    def log_prob(self, z: Any) -> Any:
        """log p of the words nearest to codes `(batch, code_dim)`, `(batch,)` nats."""
        return self.choices.log_prob(self.book.indices(z))
