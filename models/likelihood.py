"""What a likelihood p(x|z) is: what a decoder's output means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops


def per_image_sum(values: Any) -> Any:
    """Sums `(batch, ...)` over everything but the batch: `(batch,)`."""
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def inside(pixel_mean: np.ndarray) -> np.ndarray:
    """Means a little inside (0, 1), as in Burda et al.'s code: border pixels are always 0."""
    clipped: np.ndarray = np.clip(pixel_mean, 1e-3, 1.0 - 1e-3)
    return clipped


class Likelihood(keras.layers.Layer):
    """p(x | parameters), factorised over pixels.

    Class attributes:
        takes: the kinds of values that it has a density for.
        levels: how many values a pixel may have, as far apart from 0 to 1; 0 where any may occur.
        numbered: the argument that a number behind the name sets, as `categorical-17`; empty without one.
        exponential_family: whether log p(x|z) = Σ x η(z) - A(z) + log h(x), which `natural` and `log_base` tell.
    """

    takes: tuple[str, ...]
    levels: int = 0
    numbered: str = ""
    exponential_family: bool = False

    def encoded(self, images: Any) -> Any:
        """What the encoder network sees of images `(batch, *image_shape)`; as they are, unless a subclass says more."""
        return images

    def parameter_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The decoder's output for one image; that of the image, unless a subclass says more."""
        return image_shape

    def log_prob(self, images: Any, parameters: Any) -> Any:
        """log p(x|z) of images `(batch, *image_shape)`, `(batch,)` nats; parameters `(batch, *parameter_shape)`."""
        raise NotImplementedError

    def natural(self, parameters: Any) -> tuple[Any, Any]:
        """Natural parameters η, `(batch, *image_shape)`, and the log-partition A, `(batch,)`, of an exponential family.

        With them, log p(x|z) of many images under many codes is one product of matrices.
        """
        raise NotImplementedError

    def log_base(self, images: Any) -> Any:
        """log h(x), the part of log p(x|z) that no code changes, `(batch,)` nats, of an exponential family."""
        raise NotImplementedError

    def mean(self, parameters: Any) -> Any:
        """E[x|z]: the expected image, `(batch, *image_shape)`."""
        raise NotImplementedError

    def initial_bias(self, pixel_mean: np.ndarray) -> np.ndarray:
        """Decoder output, of the `parameter_shape`, at which the expected image is the training mean."""
        raise NotImplementedError


def bisected(mean_at: Callable[[np.ndarray], Any], target: np.ndarray, reach: float) -> np.ndarray:
    """Where a rising function `mean_at` is `target`, elementwise, between -reach and reach."""
    low, high = np.full_like(target, -reach), np.full_like(target, reach)
    for _ in range(60):
        middle = (low + high) / 2.0
        below = ops.convert_to_numpy(mean_at(middle)) < target
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return low
