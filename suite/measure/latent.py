"""Class structure and use of the latent space."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from keras import ops

from suite import backend

CHUNK = 1000  # rows of the distance matrix held at once


def silhouette(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Silhouette of each point, Euclidean and exact (Rousseeuw 1987).

    Distances come from matrix products of chunks of rows on the backend; the whole matrix is never held.

    Args:
        points: `(n, d)`.
        labels: `(n,)` integers, at least two different ones.

    Returns:
        `(n,)` in [-1, 1]; 0 for the only point of a class, as in scikit-learn.
    """
    _, members = np.unique(labels, return_inverse=True)
    points = (points - points.mean(axis=0)).astype("float32")  # centred: less cancellation in the products
    one_hot = np.eye(members.max() + 1, dtype="float32")[members]
    everything, classes = ops.convert_to_tensor(points), ops.convert_to_tensor(one_hot)
    starts = range(0, len(points), CHUNK)
    parts = [_class_sums()(everything[start : start + CHUNK], everything, classes) for start in starts]
    sums = np.concatenate([*map(ops.convert_to_numpy, parts)])
    return _from_class_sums(sums.astype("float64"), members, one_hot.sum(axis=0))


@cache
def _class_sums() -> Any:
    def sums(rows: Any, points: Any, one_hot: Any) -> Any:
        squares = ops.sum(rows**2, axis=1, keepdims=True) + ops.sum(points**2, axis=1)[None, :]
        products = ops.matmul(rows, ops.transpose(points))
        return ops.matmul(ops.sqrt(ops.maximum(squares - 2.0 * products, 0.0)), one_hot)

    return backend.compiled(sums)


def _from_class_sums(sums: np.ndarray, members: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Silhouettes from the summed distances of each point to each class, `(n, classes)`."""
    rows = np.arange(len(members))
    own_size = sizes[members]
    within = sums[rows, members] / np.maximum(own_size - 1, 1)
    between = sums / sizes
    between[rows, members] = np.inf
    nearest = between.min(axis=1)
    larger = np.maximum(within, nearest)
    values = np.divide(nearest - within, larger, out=np.zeros_like(within), where=larger > 0)
    return np.where(own_size > 1, values, 0.0)


def mean_silhouette(points: np.ndarray, labels: np.ndarray | None) -> float | None:
    """Mean silhouette of `points` `(n, d)`; `None` without labels, or with fewer than two classes."""
    if labels is None or len(np.unique(labels)) < 2 or not np.isfinite(points).all():
        return None
    return float(silhouette(points, labels).mean())


def active_units(codes: np.ndarray) -> int:
    """Latent dimensions whose posterior mean varies over images by more than 0.01 (Burda et al. 2015, section 5)."""
    return int(np.sum(np.var(codes, axis=0, dtype=np.float64) > 0.01))


def principal_components(train: np.ndarray, test: np.ndarray, components: int) -> np.ndarray:
    """Test images on the first principal components of the training images.

    Args:
        train, test: `(n, *image_shape)`.
        components: how many; no more than there are pixels.

    Returns:
        `(n_test, components)`.
    """
    from sklearn.decomposition import PCA

    flat_train, flat_test = train.reshape(len(train), -1), test.reshape(len(test), -1)
    pca = PCA(min(components, *flat_train.shape), svd_solver="covariance_eigh").fit(flat_train)
    return np.asarray(pca.transform(flat_test))
