"""The silhouette of labelled points: exact, by matrix products of chunks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from keras import ops

from aebench import backends

CHUNK = 1000  # rows of the distance matrix held at once


@dataclass(frozen=True, kw_only=True)
class Silhouettes:
    """Silhouettes of labelled points.

    Attributes:
        values: the silhouette of each point, `(n,)` in [-1, 1]; 0 for the only point of a class, as in scikit-learn.
        influence: what each point contributes to the mean of `values`, that on the silhouettes of others included:
            `(n,)`, of the same mean. Their spread tells how far the mean depends on the choice of points.
    """

    values: np.ndarray
    influence: np.ndarray


def silhouettes(points: np.ndarray, labels: np.ndarray) -> Silhouettes:
    """Euclidean and exact (Rousseeuw 1987), with the infinitesimal jackknife of their mean (Jaeckel 1972).

    Distances come from matrix products of chunks of rows on the backend; the whole matrix is never held.

    Args:
        points: `(n, d)`.
        labels: `(n,)` integers, at least two different ones.
    """
    _, members = np.unique(labels, return_inverse=True)
    points = points - points.mean(axis=0, dtype=np.float64)  # centred: less cancellation in the products
    points = (points / max(float(np.abs(points).max()), np.finfo("float64").tiny)).astype("float32")
    one_hot = np.eye(members.max() + 1, dtype="float32")[members]
    sums, sizes = _sums(points, one_hot), one_hot.sum(axis=0, dtype="float64")
    rows = np.arange(len(members))
    own_size = sizes[members]
    within = sums[rows, members] / np.maximum(own_size - 1, 1)
    between = sums / sizes
    between[rows, members] = np.inf
    nearest = between.argmin(axis=1)
    apart = between[rows, nearest]
    larger = np.where(own_size > 1, np.maximum(within, apart), 0.0)
    values = np.divide(apart - within, larger, out=np.zeros_like(within), where=larger > 0)
    # s = (b - a) / max(a, b) grows by weight_a per unit of a point's mean distance a to its own class, and by weight_b
    # per unit of that to the nearest other class
    scale = np.divide(1.0, larger**2, out=np.zeros_like(within), where=larger > 0)
    weight_a = -apart * scale / np.maximum(own_size - 1, 1)
    weight_b = within * scale / sizes[nearest]
    weights = np.zeros_like(sums)
    weights[rows, members] += weight_a
    weights[rows, nearest] += weight_b
    offsets = np.bincount(members, weight_a * within, len(sizes)) + np.bincount(nearest, weight_b * apart, len(sizes))
    on_others = _sums(points, weights.astype("float32"))[rows, members] - offsets[members]
    influence = values + on_others
    return Silhouettes(values=values, influence=influence + values.mean() - influence.mean())


def _sums(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Distances of each point to all, summed with each column of `weights` `(n, classes)`: `(n, classes)` float64."""
    everything, columns = ops.convert_to_tensor(points), ops.convert_to_tensor(weights)
    starts = range(0, len(points), CHUNK)
    parts = [_weighted_sums()(everything[start : start + CHUNK], everything, columns) for start in starts]
    return np.concatenate([*map(ops.convert_to_numpy, parts)]).astype("float64")


@cache
def _weighted_sums() -> Any:
    def sums(rows: Any, points: Any, weights: Any) -> Any:
        squares = ops.sum(rows**2, axis=1, keepdims=True) + ops.sum(points**2, axis=1)[None, :]
        products = ops.matmul(rows, ops.transpose(points))
        return ops.matmul(ops.sqrt(ops.maximum(squares - 2.0 * products, 0.0)), weights)

    return backends.current().compiled(sums)
