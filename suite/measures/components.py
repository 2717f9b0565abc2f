"""Principal components of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.decomposition import PCA


def pca(images: np.ndarray, components: int | None = None) -> PCA:
    """The first principal components of images, or all; of images that are all alike, any.

    Args:
        images: `(n, *image_shape)`.
        components: how many; as many as there are pixels or images, if that is less.
    """
    from sklearn.decomposition import PCA

    flat = images.reshape(len(images), -1)
    count = min(flat.shape) if components is None else min(components, *flat.shape)
    with np.errstate(invalid="ignore"):  # which share of no variance each has
        return PCA(count, svd_solver="covariance_eigh").fit(flat)


def projections(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images of both splits on all principal components of the training images, the largest first.

    Args:
        train, test: `(n, *image_shape)`.

    Returns:
        `(n_train, components)` and `(n_test, components)`, as many as there are pixels or training images.
    """
    found = pca(train)
    first, second = (np.asarray(found.transform(part.reshape(len(part), -1))) for part in (train, test))
    return first, second


def principal_components(train: np.ndarray, test: np.ndarray, components: int) -> np.ndarray:
    """Test images on the first principal components of the training images.

    Args:
        train, test: `(n, *image_shape)`.
        components: how many; no more than there are pixels.

    Returns:
        `(n_test, components)`.
    """
    return np.asarray(pca(train, components).transform(test.reshape(len(test), -1)))
