"""Residual blocks, as one layer of a `Sequential`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras

from aebench.models.seeding import initializer


@keras.saving.register_keras_serializable(package="aebench")
class Residual(keras.layers.Layer):
    """x + f(x), f a chain of layers whose output has the shape of its input (He et al. 2016).

    Args:
        parts: the layers of f, in order.
    """

    def __init__(self, parts: list[keras.layers.Layer], **options: Any) -> None:
        super().__init__(**options)
        self.layers = list(parts)

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        shape = input_shape
        for part in self.layers:
            if not part.built:
                part.build(shape)
            shape = part.compute_output_shape(shape)
        if tuple(shape) != tuple(input_shape):
            raise ValueError(f"the parts of a `Residual` must keep the shape. Received: {input_shape} to {shape}")

    def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: ARG002
        """The inputs and what the parts make of them, added."""
        return self.applied(inputs, lambda part, value: part(value))

    def applied(self, inputs: Any, apply: Callable[[Any, Any], Any]) -> Any:
        """The same, each part applied by `apply(part, value)`."""
        value = inputs
        for part in self.layers:
            value = apply(part, value)
        return inputs + value

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:  # noqa: D102
        return input_shape

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {**super().get_config(), "parts": [keras.saving.serialize_keras_object(part) for part in self.layers]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Residual:  # noqa: D102
        parts = [keras.saving.deserialize_keras_object(part) for part in config["parts"]]
        return cls(**{**config, "parts": parts})


def single(layers: Iterable[Any]) -> Iterator[Any]:
    """The layers of a chain, those inside of residual blocks in place of the blocks."""
    for layer in layers:
        yield from single(layer.layers) if isinstance(layer, Residual) else [layer]


def residual_block(filters: int, seed: int, name: str) -> list[keras.layers.Layer]:
    """x + f(x), f two convolutions, each after a ReLU (He et al. 2016, figure 4e, without its normalisation)."""
    layer = name.replace("/", "_")
    parts = [
        part
        for at in "ab"
        for part in (
            keras.layers.Activation("relu", name=f"{layer}_relu_{at}"),
            keras.layers.Conv2D(
                filters, 3, padding="same", kernel_initializer=initializer(seed, f"{name}/{at}"), name=f"{layer}_{at}"
            ),
        )
    ]
    return [Residual(parts, name=layer), keras.layers.Activation("relu", name=f"{layer}_relu")]
