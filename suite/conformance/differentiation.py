"""Losses as pure functions of variables' values, and their gradients, taken alike on every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

Gradients = tuple[float, dict[str, np.ndarray | None]]


def stateless_loss(model: Any, images: Any, variables: Sequence[Any], values: Sequence[Any], **options: Any) -> Any:
    """`compute_loss` as an engine calls it: at given values of the variables, changing none of them."""
    with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)):
        return model.compute_loss(x=images, **options)


def gradients(model: Any, images: Any, **options: Any) -> Gradients:
    """The loss and its gradient for every trainable weight, by path; `None` where a weight isn't used at all.

    Args:
        model: that is built; neither its weights nor its noise are changed.
        images: `(batch, *image_shape)`.
        **options: of `compute_loss`: labels `y`, and `training`.
    """
    weights = model.trainable_weights
    values = [ops.copy(weight.value) for weight in weights]
    loss, found, _ = differentiated(lambda at: (stateless_loss(model, images, weights, at, **options), ()), values)
    arrays = [None if one is None else ops.convert_to_numpy(one) for one in found]
    return float(loss), dict(zip([weight.path for weight in weights], arrays, strict=True))


def differentiated(function: Callable[[list[Any]], tuple[Any, Any]], values: list[Any]) -> tuple[Any, Any, Any]:
    """The scalar of `function(values) -> (scalar, others)`, its gradient for each of the values, and the others."""
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](function, values)


def _tensorflow(function: Callable[..., Any], values: list[Any]) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(values)
        value, others = function(values)
    return value, tape.gradient(value, values), others


def _jax(function: Callable[..., Any], values: list[Any]) -> tuple[Any, Any, Any]:
    import jax

    (value, others), found = jax.value_and_grad(function, has_aux=True)(values)
    return value, found, others


def _torch(function: Callable[..., Any], values: list[Any]) -> tuple[Any, Any, Any]:
    import torch

    leaves = [value.detach().requires_grad_() for value in values]
    value, others = function(leaves)
    return value.detach(), torch.autograd.grad(value, leaves, allow_unused=True), others
