"""A Keras model whose settings are checked when it is made, and saved with it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import keras


class Configured(keras.Model):
    """What every variant makes its own settings with.

    Attributes:
        scalars: values of the settings that `scalar` has made, by name.
        options: those that `count` and `choice` have.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)
        self.scalars: dict[str, float] = {}
        self.options: dict[str, int | str] = {}

    def scalar(self, name: str, value: float, *, most: float = math.inf) -> keras.Variable:
        """A scalar hyper-parameter, and its entry in `get_config`.

        It is a non-trainable weight, so that runs that differ in it alone can share one compiled program.

        Raises:
            ValueError: it is negative, not finite, or above `most`.
        """
        if not 0.0 <= value < math.inf:
            raise ValueError(f"`{name}` must be finite and at least 0. Received: {name}={value}")
        if value > most:
            raise ValueError(f"`{name}` must be at most {most:g}. Received: {name}={value}")
        self.scalars[name] = value
        initial = keras.initializers.Constant(value)
        return self.add_weight(name=name, shape=(), trainable=False, initializer=initial)

    def count(self, name: str, value: int, *, least: int = 1) -> int:
        """A setting that is a whole number and changes the program's shape, and its entry in `get_config`.

        Raises:
            ValueError: it is below `least`.
        """
        if value < least:
            raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}")
        self.options[name] = value
        return value

    def choice(self, name: str, value: str, known: Iterable[str]) -> str:
        """A setting that is one of the `known` words, and its entry in `get_config`.

        Raises:
            ValueError: it is none of them.
        """
        if value not in known:
            raise ValueError(f"`{name}` must be one of {', '.join(known)}. Received: {name}={value!r}")
        self.options[name] = value
        return value

    def get_config(self) -> dict[str, Any]:
        """The name, and every setting that was made here."""
        return {"name": self.name, **self.scalars, **self.options}
