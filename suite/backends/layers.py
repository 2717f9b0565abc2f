"""The layers inside a model, for whoever has to know what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def leaves(layer: Any) -> Iterator[Any]:
    """The layers inside a layer or model that hold no others, itself if it is one."""
    inner = getattr(layer, "layers", None)
    if inner is None:
        yield layer
    else:
        for part in inner:
            yield from leaves(part)


def convolutions(model: Any) -> list[Any]:
    """The convolutional layers inside a model: those of Keras, and others that state their `kernel_size`.

    On a CPU those of many runs at once take twice the time of a loop, and minutes to compile on JAX.
    """
    return [layer for layer in leaves(model) if hasattr(layer, "kernel_size") and layer.trainable_weights]
