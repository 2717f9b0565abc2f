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


def convolutional(model: Any) -> bool:
    """Whether it has convolutions: kernels with more axes than a matrix.

    On a CPU those of many runs at once take twice the time of a loop, and minutes to compile on JAX.
    """
    return any(len(weight.shape) > 2 for layer in leaves(model) for weight in layer.trainable_weights)
