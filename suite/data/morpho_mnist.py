"""Morpho-MNIST's measurements of handwritten digits (Castro et al. 2019), taken on MNIST itself.

As there, an image is enlarged four times, cut at half of the full ink, and measured: area; thickness, from the
distances of the centreline to the edge; slant, from second moments; width and height of a parallelogram that leans as
the digit does. What differs: the centreline is where the distance to the edge is largest locally, and no thinned
skeleton.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aebench.data.dataset import Array, Dataset, Published, Split
from aebench.records.record import Factor

ENLARGED = 4
TAILS = 0.02  # of the ink that lies outside the parallelogram, half at each side
_TOGETHER = 500

FACTORS = (
    Factor(name="thickness", kind="ordered", unit="pixels"),
    Factor(name="slant", kind="ordered", unit="radians"),
    Factor(name="width", kind="ordered", unit="pixels"),
    Factor(name="height", kind="ordered", unit="pixels"),
    Factor(name="area", kind="ordered", unit="pixels"),
)


def measured(mnist: Dataset) -> Published:
    """MNIST in its published order, each digit with its measurements.

    Args:
        mnist: cut so that validation is the end of the published training images.

    Returns:
        The same images and labels, with thickness, slant, width, height and area.
    """
    parts = (mnist.train, mnist.validation)
    labels = [part.labels for part in parts if part.labels is not None]
    train = Split(
        images=np.concatenate([part.images for part in parts]),
        labels=np.concatenate(labels) if labels else None,
        maximum=mnist.train.maximum,
    )
    measured_train, measured_test = (
        replace(part, factors=measure(part.pixels()[..., 0])) for part in (train, mnist.test)
    )
    return Published(train=measured_train, test=measured_test, class_names=mnist.class_names, factors=FACTORS)


def measure(images: Array) -> Array:
    """Measures grey images of strokes.

    Args:
        images: `(n, height, width)` in 0..1, ink is 1.

    Returns:
        `(n, 5)` thickness, slant (positive to the right), width, height, area; lengths in pixels of the image. An image
        without ink has 0 in all.
    """
    parts = [images[start : start + _TOGETHER] for start in range(0, len(images), _TOGETHER)]
    return np.concatenate([_measure(part) for part in parts])


def _measure(images: Array) -> Array:
    ink = enlarge(images) >= 0.5
    area = ink.sum(axis=(1, 2)).astype(np.float64)
    x, y = _coordinates(ink, area)
    slant = _slant(ink, x, y)
    upright = x + np.tan(slant)[:, None, None] * y
    width, height = _extent(upright, ink), _extent(np.broadcast_to(y, ink.shape), ink)
    thickness = np.array([_thickness(own) for own in ink])
    found = np.stack([thickness / ENLARGED, slant, width / ENLARGED, height / ENLARGED, area / ENLARGED**2], axis=1)
    return np.where(area[:, None] > 0, found, 0.0)


def enlarge(images: Array) -> Array:
    """Cubic spline interpolation to `ENLARGED` times the size, `(n, h, w)` to `(n, 4 h, 4 w)`."""
    from scipy.ndimage import zoom

    # Interpolation is linear in the image, so two matrices do it for all of them.
    down, across = (
        zoom(np.eye(size), (ENLARGED, 1), order=3, mode="grid-constant", grid_mode=True) for size in images.shape[1:]
    )
    return np.asarray(down @ images.astype(np.float64) @ across.T)


def _coordinates(ink: Array, area: Array) -> tuple[Array, Array]:
    """Distances of all pixels from each image's centre of mass, `(n, 1, w)` and `(n, h, 1)`."""
    _, height, width = ink.shape
    x, y = np.arange(width, dtype=np.float64)[None, None, :], np.arange(height, dtype=np.float64)[None, :, None]
    mass = np.maximum(area, 1.0)[:, None, None]
    return x - (ink * x).sum(axis=(1, 2), keepdims=True) / mass, y - (ink * y).sum(axis=(1, 2), keepdims=True) / mass


def _slant(ink: Array, x: Array, y: Array) -> Array:
    """The angle whose tangent is the horizontal shear, -μ11 / μ02."""
    covariance, variance = (ink * x * y).sum(axis=(1, 2)), (ink * y * y).sum(axis=(1, 2))
    shear = -np.divide(covariance, variance, out=np.zeros_like(variance), where=variance > 0)
    return np.asarray(np.arctan(shear))


def _extent(positions: Array, ink: Array) -> Array:
    """How wide the ink lies along a direction, without its `TAILS`, `(n,)`."""
    tails = (50.0 * TAILS, 100.0 - 50.0 * TAILS)
    ends = [np.percentile(where[own], tails) if own.any() else (0.0, 0.0)
            for where, own in zip(positions, ink, strict=True)]  # fmt: skip
    low, high = np.array(ends).T
    return np.asarray(high - low)


def _thickness(ink: Array) -> float:
    """Twice the mean distance of one image's centreline to the nearest pixel without ink; 0 without any ink."""
    from scipy.ndimage import distance_transform_edt, maximum_filter

    if not ink.any():
        return 0.0
    down, across = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    stroke = np.pad(ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1], 1)  # alone: the rest takes its time
    distance = distance_transform_edt(stroke)
    return 2.0 * float(distance[stroke & (distance == maximum_filter(distance, size=3))].mean())
