"""Sprites in the manner of dSprites (Matthey et al. 2017), drawn anew from its table of factors.

The factors and their values are the published ones; the shapes are our own, of the same mean area, so that images are
like the published ones and not the same to the pixel.
"""

from __future__ import annotations

import numpy as np

from aebench.data import combinations
from aebench.data.dataset import Array, Published
from aebench.records.record import Factor

SIDE = 64
SHAPES = ("square", "ellipse", "heart")
SCALES = np.linspace(0.5, 1.0, 6)
# As published, first and last value are the same turn.
ORIENTATIONS = np.linspace(0.0, 2.0 * np.pi, 40)
POSITIONS = np.linspace(0.0, 1.0, 32)
AREA = 294.0  # pixels of a shape at scale 1: the mean pixel is then the published set's, .0425
_FIRST, _STEP = 16.0, 31.0  # the centre's pixel at position 0, and how far it is from there to position 1
_ELONGATION = 2.0  # of the ellipse's axes
_HEART_AREA = 3.6620  # inside (x² + y² - 1)³ = x² y³
_TOGETHER = 1000  # images drawn at once

FACTORS = (
    Factor(name="shape", kind="categorical", levels=3, value_names=SHAPES),
    Factor(name="scale", kind="ordered", levels=6),
    Factor(
        name="orientation",
        kind="periodic",
        unit="radians",
        levels=40,
        period=2.0 * np.pi,
        symmetries={"square": np.pi / 2.0, "ellipse": np.pi},
    ),
    Factor(name="x", kind="ordered", levels=32),
    Factor(name="y", kind="ordered", levels=32),
)
_VALUES = (np.arange(3.0), SCALES, ORIENTATIONS, POSITIONS, POSITIONS)


def draw() -> Published:
    """A fixed sample of the 737,280 images.

    Returns:
        `(n, 64, 64, 1)` of 0 and 1, and each image's shape, scale, orientation, x and y.
    """
    values = _sample()
    images = np.concatenate([render(part) for part in _parts(values)])
    return combinations.publish(images, 1.0, values, FACTORS)


def draw_small() -> Published:
    """The same sample at half the size, each pixel the mean of four.

    Returns:
        `(n, 32, 32, 1)` of 0 to 4, and the same factors.
    """
    values = _sample()
    images = np.concatenate([_halved(render(part)) for part in _parts(values)])
    return combinations.publish(images, 4.0, values, FACTORS)


def _sample() -> Array:
    chosen = combinations.draw([len(values) for values in _VALUES])
    return np.stack([values[chosen[:, at]] for at, values in enumerate(_VALUES)], axis=1)


def _parts(values: Array) -> list[Array]:
    return [values[start : start + _TOGETHER] for start in range(0, len(values), _TOGETHER)]


def _halved(images: Array) -> Array:
    pairs = images.reshape(len(images), SIDE // 2, 2, SIDE // 2, 2, 1)
    return np.asarray(pairs.sum(axis=(2, 4), dtype=np.uint8))


def render(values: Array) -> Array:
    """Draws sprites; a pixel is 1 if its centre is inside the shape.

    Args:
        values: `(n, 5)` shape (0 square, 1 ellipse, 2 heart), scale, orientation in radians, x and y from 0 to 1.

    Returns:
        `(n, 64, 64, 1)` uint8 of 0 and 1; y grows downwards.
    """
    shape, scale, orientation, x, y = values.T[:, :, None, None]
    pixels = np.arange(SIDE, dtype=np.float64)
    across, down = pixels[None, None, :] - (_FIRST + _STEP * x), pixels[None, :, None] - (_FIRST + _STEP * y)
    cos, sin = np.cos(orientation), np.sin(orientation)
    # In the sprite's own coordinates, upright and with unit area.
    size = scale * np.sqrt(AREA)
    u, v = (cos * across + sin * down) / size, (cos * down - sin * across) / size
    inside = np.select([shape == 0, shape == 1, shape == 2], [_square(u, v), _ellipse(u, v), _heart(u, v)])
    return inside.astype(np.uint8)[..., np.newaxis]


def _square(u: Array, v: Array) -> Array:
    return np.asarray(np.maximum(np.abs(u), np.abs(v)) <= 0.5)


def _ellipse(u: Array, v: Array) -> Array:
    return np.asarray(np.pi * (u**2 / _ELONGATION + v**2 * _ELONGATION) <= 1.0)


def _heart(u: Array, v: Array) -> Array:
    side, up = u * np.sqrt(_HEART_AREA), -v * np.sqrt(_HEART_AREA)
    return np.asarray((side**2 + up**2 - 1.0) ** 3 <= side**2 * up**3)
