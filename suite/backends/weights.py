"""A run's weights as plain arrays by name, and the way into and out of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Weights = Mapping[str, np.ndarray]


def names(model: Any) -> list[str]:
    """The names of the model's weights, scalars included: their paths inside the model, in Keras's order."""
    return [str(weight.path).split("/", 1)[-1] for weight in model.weights]


def get_weights(model: Any) -> dict[str, np.ndarray]:
    """The model's weights by name, copied."""
    import keras

    values = [np.array(keras.ops.convert_to_numpy(weight.value)) for weight in model.weights]
    return dict(zip(names(model), values, strict=True))


def set_weights(model: Any, weights: Weights) -> None:
    """Gives the model these weights.

    Raises:
        KeyError: a weight of the model is not among them.
    """
    for name, weight in zip(names(model), model.weights, strict=True):
        weight.assign(weights[name])
