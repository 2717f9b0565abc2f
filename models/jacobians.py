"""Squared norms of the Jacobians of chains of layers, in operations that every backend has and can vectorise.

A layer's derivative takes a tangent t to s * (W t): W is what the layer does without bias and activation, and the slope
s of its activation follows from its output y, as 1 - y² does for tanh.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from aebench.models.residual import Residual, single

SLOPES: dict[str, Callable[[Any], Any] | None] = {
    "linear": None,
    "relu": lambda y: ops.cast(y > 0.0, y.dtype),
    "tanh": lambda y: 1.0 - y**2,
    "sigmoid": lambda y: y * (1.0 - y),
    "softplus": lambda y: -ops.expm1(-y),
    "elu": lambda y: ops.where(y > 0.0, 1.0, y + 1.0),
}
_IN_ORDER = (layers.Flatten, layers.Reshape, layers.Activation)  # they leave all numbers in their places
_LINEAR = (layers.Cropping2D, layers.ZeroPadding2D, layers.AveragePooling2D, layers.Cropping1D)
_CONVOLUTIONS, _TRANSPOSED = (layers.Conv1D, layers.Conv2D), (layers.Conv1DTranspose, layers.Conv2DTranspose)
_KNOWN = (*_IN_ORDER, *_LINEAR, layers.Dense, *_CONVOLUTIONS, *_TRANSPOSED)


def chain(trunk: Any) -> list[Any]:
    """The layers of an encoder or a decoder, each of which takes the output of the one before.

    Raises:
        ValueError: it is no `Sequential` model.
    """
    if not isinstance(trunk, keras.Sequential):
        raise ValueError(f"the {trunk.name} must be a `Sequential` model. Received: {type(trunk).__name__}")
    return list(trunk.layers)


def differentiable(trunk: Any) -> list[Any]:
    """The same, if their derivatives are known here.

    Raises:
        ValueError: it is no `Sequential` model, or a layer or its activation is of a kind that isn't known.
    """
    for layer in single(chain(trunk)):
        if not isinstance(layer, _KNOWN):
            known = ", ".join(kind.__name__ for kind in _KNOWN)
            raise ValueError(f"layers of the {trunk.name} must be of {known}. Received: {type(layer).__name__}")
        if _activation(layer) not in SLOPES:
            known = ", ".join(SLOPES)
            raise ValueError(f"activations of the {trunk.name} must be of {known}. Received: {_activation(layer)}")
    return chain(trunk)


def squared_jacobian(chain: list[Any], inputs: Any, noise: keras.random.SeedGenerator) -> Any:
    """‖∂y/∂x‖², the sum of the squares of all partial derivatives, for each input.

    Exact for dense layers. Where others are among them, it is the unbiased estimate ‖(∂y/∂x) v‖² along one direction v
    of random signs for each input (Hutchinson 1989), by an exact derivative.

    Args:
        chain: layers from x to y; see `differentiable`.
        inputs: x, `(batch, ...)`.
        noise: for the directions.

    Returns:
        `(batch,)`, or `(1,)` where it is the same for all inputs.
    """
    steps, dense = [], True
    value = inputs
    for layer in chain:
        value, step = _step(layer, value)
        steps.append(step)
        dense &= isinstance(layer, _IN_ORDER) or (isinstance(layer, layers.Dense) and len(value.shape) == 2)
    return _exact(*_blocks(steps, math.prod(inputs.shape[1:]))) if dense else _estimate(steps, inputs, noise)


def _step(layer: Any, value: Any) -> tuple[Any, tuple[Any, Any]]:
    """A layer's output, and the layer with the slope of its activation there: of a residual block, its own steps."""
    if isinstance(layer, Residual):
        steps = []

        def applied(part: Any, inner: Any) -> Any:
            output, step = _step(part, inner)
            steps.append(step)
            return output

        return layer.applied(value, applied), (layer, steps)
    output, slope = layer(value), SLOPES[_activation(layer)]
    return output, (layer, slope and slope(ops.cast(output, layer.variable_dtype)))


def _activation(layer: Any) -> str:
    return str(layer.get_config().get("activation", "linear"))


def _blocks(steps: list[Any], size: int) -> tuple[list[Any], list[Any]]:
    """Matrices B and slopes s of dense steps from inputs of `size` numbers, ∂y/∂x = (B0 diag(s1) B1 ... diag(sm) Bm)ᵀ.

    Args:
        steps: layers and the slopes of their activations, `None` where that is 1.
        size: of an input.
    """
    blocks: list[Any] = []
    slopes: list[Any] = []
    block = None
    for layer, slope in steps:
        if isinstance(layer, layers.Dense):
            kernel, size = ops.convert_to_tensor(layer.kernel), layer.units
            block = kernel if block is None else ops.matmul(block, kernel)
        if slope is not None:
            blocks.append(ops.eye(size) if block is None else block)
            slopes.append(ops.reshape(slope, (-1, size)))
            block = None
    return [*blocks, ops.eye(size) if block is None else block], slopes


def _exact(blocks: list[Any], slopes: list[Any]) -> Any:
    """‖B0 diag(s1) B1 ... diag(sm) Bm‖² for slopes `(batch, units)`, from the side that has fewer rows."""
    if blocks[-1].shape[1] < blocks[0].shape[0]:
        blocks, slopes = [ops.transpose(block) for block in reversed(blocks)], slopes[::-1]
    if not slopes:
        return ops.reshape(ops.sum(blocks[0] ** 2), (1,))
    if len(slopes) == 1:  # sᵀ (B0ᵀB0 * B1B1ᵀ) s needs no matrix for each image
        both = ops.matmul(ops.transpose(blocks[0]), blocks[0]) * ops.matmul(blocks[1], ops.transpose(blocks[1]))
        return ops.sum(ops.matmul(slopes[0], both) * slopes[0], axis=1)
    rows = blocks[0][None] * slopes[0][:, None]
    for block, slope in zip(blocks[1:-1], slopes[1:], strict=True):
        rows = ops.tensordot(rows, block, axes=1) * slope[:, None]
    return ops.sum(ops.tensordot(rows, blocks[-1], axes=1) ** 2, axis=(1, 2))


def _estimate(steps: list[Any], inputs: Any, noise: keras.random.SeedGenerator) -> Any:
    draws = keras.random.uniform(ops.shape(inputs), dtype="float32", seed=noise)
    tangents = _pushed(steps, ops.where(draws < 0.5, -1.0, 1.0))
    return ops.sum(tangents**2, axis=tuple(range(1, len(tangents.shape))))


def _pushed(steps: list[Any], tangents: Any) -> Any:
    """What the steps' derivatives make of tangents `(batch, ...)`."""
    for layer, slope in steps:
        if isinstance(layer, Residual):
            tangents = tangents + _pushed(slope, tangents)
            continue
        tangents = _through(layer, ops.cast(tangents, layer.variable_dtype))
        tangents = tangents if slope is None else tangents * slope
    return tangents


def _through(layer: Any, tangents: Any) -> Any:
    """What a layer makes of tangents `(batch, ...)` without its bias and activation."""
    if isinstance(layer, layers.Activation):
        return tangents
    if isinstance(layer, layers.Dense):
        return ops.matmul(tangents, layer.kernel)
    if not isinstance(layer, (*_CONVOLUTIONS, *_TRANSPOSED)):
        return layer.call(tangents)
    how = {name: getattr(layer, name) for name in ("strides", "padding", "data_format", "dilation_rate")}
    if isinstance(layer, _CONVOLUTIONS):
        return ops.conv(tangents, layer.kernel, **how)
    return ops.conv_transpose(tangents, layer.kernel, output_padding=layer.output_padding, **how)
