"""FLOPs of the timed operations, counted from a model's layers, and the FLOP/s that matrix products reach here.

A multiplication and an addition are two FLOPs. Only matrix products and convolutions count, and each layer is taken to
see each image, or its code, once: of a variant that decodes several codes an image, the numbers are of one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from aebench import backends
from aebench.backends import environment
from aebench.backends.layers import leaves
from aebench.measures.speed.throughput import Operation, time_operation
from aebench.records.spec import Precision

# Edges of the square factors, of which the fastest counts: which it is differs between libraries and caches.
EDGES = {"CPU": (512, 1024, 2048), "GPU": (4096, 8192), "TPU": (4096, 8192)}
_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)


def flops_per_image(model: Any) -> dict[str, float | None]:
    """FLOPs of each operation for one image (for `decode` and `sample`, one code).

    Training takes three times the forward pass: the gradients of a layer's weights and of its input each cost as much
    as its output. The images themselves need no gradient.

    Args:
        model: a built `Autoencoder`; everything in it but `model.decoder` counts to the encoder.

    Returns:
        By operation; `None` where a layer with weights is of a kind that isn't known here.
    """
    try:
        encode = sum(_layer_flops(layer) for layer in model.layers if layer is not model.decoder)
        decode = _layer_flops(model.decoder)
        of_images = sum(_first_flops(model))
    except NotImplementedError:
        return dict.fromkeys(("train_step", "encode", "decode", "sample", "elbo"))
    both = encode + decode
    return {
        "train_step": 3 * both - of_images,
        "encode": encode,
        "decode": decode,
        "sample": decode,
        "elbo": both,
    }


def _first_flops(model: Any) -> Iterator[float]:
    """FLOPs of the layers that see the images: the encoder's first or, where it has none with weights, the heads."""
    trunk = next((flops for layer in leaves(model.encoder) if (flops := _layer_flops(layer))), 0.0)
    if trunk:
        yield trunk
        return
    yield from (_layer_flops(layer) for layer in model.layers if layer not in (model.encoder, model.decoder))


def _layer_flops(layer: Any) -> float:
    """FLOPs of a layer, or of all layers inside it.

    Raises:
        NotImplementedError: it has a matrix of weights and is of no known kind.
    """
    matrices = (leaf for leaf in leaves(layer) if _has_matrix(leaf))
    return float(sum(2 * _positions(leaf) * math.prod(leaf.kernel.shape) for leaf in matrices))


def _has_matrix(layer: Any) -> bool:
    return any(len(weight.shape) > 1 for weight in layer.trainable_weights)


def _positions(layer: Any) -> int:
    """How many times a layer's kernel is applied to an image."""
    shape = tuple((layer.get_build_config() or {}).get("input_shape") or ())
    if isinstance(layer, layers.Dense):
        return math.prod(shape[1:-1])
    if isinstance(layer, _TRANSPOSED):
        return _pixels(layer, shape)
    if isinstance(layer, _CONVOLUTIONS):
        return _pixels(layer, tuple(layer.compute_output_shape(shape)))
    raise NotImplementedError(f"FLOPs of a {type(layer).__name__} are not known")


def _pixels(layer: Any, shape: tuple[int, ...]) -> int:
    return math.prod(shape[1:-1] if layer.data_format == "channels_last" else shape[2:])


@cache
def matmul_flops_per_s(precision: Precision) -> float:
    """FLOP/s of large square matrix products through the Keras backend, in the fastest round of all.

    Measured once in a process; to be called inside `backends.precision(precision)`.
    """
    edges = EDGES[environment.current(keras.backend.backend()).device_kind]
    return max(_product_flops_per_s(edge, "bfloat16" if precision == "bfloat16" else "float32") for edge in edges)


def _product_flops_per_s(edge: int, dtype: str) -> float:
    random = np.random.default_rng(0)
    factors = [ops.cast(random.random((edge, edge), dtype=np.float32), dtype) for _ in range(2)]
    product = backends.current().compiled(ops.matmul)
    timing = time_operation(Operation(name="matmul", images=1, call=lambda: product(*factors)))
    return 2.0 * edge**3 * timing.images / min(timing.seconds)
