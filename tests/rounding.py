"""Bounds on what float32 may do to this suite's own measures, beside those that every variant's tests need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import keras
import numpy as np
from scipy.spatial.distance import cdist

from aebench.conformance.rounding import U, bfloat16, relative

__all__ = ["U", "bfloat16", "codes", "float64", "relative", "silhouettes"]


def silhouettes(points: np.ndarray, labels: np.ndarray, moved: float = 0.0) -> np.ndarray:
    """Bound of each point's silhouette s = (b - a) / max(a, b) as float32 makes it out of matrix products.

    |x|² + |y|² - 2xy is off by E = (d + 3) u (|x| + |y|)² and a distance D by E / D, but near 0 by √E: a point is that
    far from itself. The means a and b are off by the mean of these, and s by (δa + δb) / max(a, b).

    Args:
        points: `(n, d)`.
        labels: `(n,)`.
        moved: how far off each coordinate may be, over the largest one of the centred `points`.
    """
    points = points.astype("float64") - points.mean(axis=0, dtype="float64")
    points /= np.abs(points).max()  # as they are scaled before they are rounded to float32
    count, size = points.shape
    norms, apart = np.linalg.norm(points, axis=1), cdist(points, points)
    squares = (size + 3) * U * (norms[:, None] + norms) ** 2
    errors = np.minimum(np.sqrt(squares), squares / np.maximum(apart, 1e-30))
    errors += (count + 4) * U * apart + 2.0 * np.sqrt(size) * (moved + U)
    members = np.unique(labels, return_inverse=True)[1]
    one_hot, rows = np.eye(members.max() + 1)[members], np.arange(count)
    sizes = one_hot.sum(axis=0)
    means, mean_errors = (part @ one_hot / sizes for part in (apart, errors))
    others = sizes[members] / np.maximum(sizes[members] - 1, 1)  # a point is none of its own neighbours
    within, within_error = others * means[rows, members], others * mean_errors[rows, members]
    means[rows, members], mean_errors[rows, members] = np.inf, 0.0
    between, between_error = means.min(axis=1), mean_errors.max(axis=1)
    error = within_error + between_error
    return error / np.maximum(np.maximum(within, between) - error, 1e-30)


def codes(weights: Mapping[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """Bound of each code that an encoder of one hidden layer of ReLU makes: `(n, latent_dim)`.

    Sums over pixels and over units, of numbers without their signs: neither layer makes more of an error.

    Args:
        weights: of the run, by name.
        images: `(n, *image_shape)` in [0, 1].
    """
    sizes = {name: np.abs(value) for name, value in weights.items()}
    pixels = images.reshape(len(images), -1)
    hidden = pixels @ sizes["encoder/hidden_0/kernel"] + sizes["encoder/hidden_0/bias"]
    return relative(pixels.shape[1], hidden.shape[1]) * (hidden @ sizes["mean/kernel"] + sizes["mean/bias"])


@contextmanager
def float64() -> Iterator[None]:
    """Models that are made inside compute in float64: two ways to a number part by 1e-16, and no count of images jumps.

    For what must be the same whichever way it is come to. Programs of measures are the same in either precision.
    """
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        if keras.backend.backend() == "jax":
            import jax

            with jax.enable_x64(True):
                yield
        else:
            yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])
