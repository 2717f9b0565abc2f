"""A fully connected decoder as plain arrays, so that other programs, such as a web page, can run it."""

from __future__ import annotations

from typing import Any

import numpy as np

from aebench.backends.weights import Weights, names
from aebench.models.base import Autoencoder
from aebench.records.kept import Figures, decoder_bias, decoder_kernel

ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid")


def dense_decoder(model: Any, weights: Weights) -> dict[str, np.ndarray]:
    """The layers from a code to the parameters of the likelihood.

    Args:
        model: an `Autoencoder` of the run's shape.
        weights: the run's, by name.

    Returns:
        For layer i `decoder_kernel(i)` `(inputs, outputs)` float16 and `decoder_bias(i)` `(outputs,)` float32, and
        `Figures.DECODER_ACTIVATIONS`, a name of `ACTIVATIONS` for each layer; the last layer's outputs are an image's
        parameters, flattened. Nothing if the decoder is not a chain of dense layers, if a pixel takes several
        parameters, or if half floats cannot hold it.
    """
    layers = _chain(model)
    if layers is None:
        return {}
    arrays: dict[str, np.ndarray] = {
        Figures.DECODER_ACTIVATIONS: np.array([layer.activation.__name__ for layer in layers])
    }
    by_path = {str(weight.path): name for name, weight in zip(names(model), model.weights, strict=True)}
    for at, layer in enumerate(layers):
        kernel = weights[by_path[str(layer.kernel.path)]]
        bias = weights[by_path[str(layer.bias.path)]] if layer.use_bias else np.zeros(kernel.shape[1])
        arrays[decoder_kernel(at)] = kernel.astype("float16")
        arrays[decoder_bias(at)] = bias.astype("float32")
    arrays[decoder_bias(len(layers) - 1)] += weights["output_bias"].reshape(-1).astype("float32")
    whole = all(np.isfinite(array).all() for name, array in arrays.items() if name != Figures.DECODER_ACTIVATIONS)
    return arrays if whole else {}


def _chain(model: Any) -> list[Any] | None:
    """The decoder's dense layers in order; `None` if it has others, or if a variant decodes in its own way."""
    from keras import layers

    cls = type(model)
    if (cls.decode, cls.decode_mean) != (Autoencoder.decode, Autoencoder.decode_mean):
        return None
    if model.decoder_width() != model.code_dim:
        return None
    if model.output_bias.shape != model.image_shape:  # a page shows a number a pixel
        return None
    parts = [layer for layer in model.decoder.layers if not isinstance(layer, layers.Reshape)]
    plain = all(isinstance(layer, layers.Dense) and layer.activation.__name__ in ACTIVATIONS for layer in parts)
    return parts if parts and plain else None
