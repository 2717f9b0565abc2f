"""Scatter: test images as points in a plane of the latent space, drawn as SVG that needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 1000  # of the drawing, in its own units
_MARGIN = 30


@dataclass(frozen=True, kw_only=True)
class Series:
    """The points of one class.

    Attributes:
        index: of the class; decides its colour.
        path: SVG path data, one dot a point, in the order of the explored images.
        name: of the class, to be written at (`x`, `y`), the median of its points; empty without classes.
    """

    index: int
    path: str
    name: str
    x: int
    y: int


def class_order(labels: npt.NDArray[Any] | None, count: int) -> npt.NDArray[np.intp]:
    """The order in which images are explored: by class, inside a class as in the split."""
    return np.arange(count) if labels is None else np.argsort(labels, kind="stable")


def scatter(points: npt.NDArray[Any], labels: npt.NDArray[Any] | None, names: Sequence[str]) -> tuple[Series, ...]:
    """Points in a square of `SIDE` units, both axes on one scale, the second upwards.

    Args:
        points: `(n, 2)`, finite, in `class_order`.
        labels: `(n,)` ascending, or `None`.
        names: of the classes; short ones are written out, of others the number.

    Returns:
        One series a class, in the order of the points.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    unit = (SIDE - 2 * _MARGIN) / max(float((high - low).max()), 1e-9)
    apart = (points - (low + high) / 2.0) * unit * np.array([1.0, -1.0])
    drawn = (SIDE / 2 + apart).round().astype(int)
    groups = [(0, drawn)] if labels is None else [(int(label), drawn[labels == label]) for label in np.unique(labels)]
    return tuple(_series(index, own, names) for index, own in groups)


def _series(index: int, points: npt.NDArray[np.intp], names: Sequence[str]) -> Series:
    x, y = np.median(points, axis=0).round().astype(int).tolist()
    name = names[index] if index < len(names) else ""
    path = "".join(f"M{x} {y}h0" for x, y in points.tolist())
    return Series(index=index, path=path, name=name if len(name) <= 2 else str(index), x=x, y=y)
