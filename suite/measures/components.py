"""Principal components of images."""

from __future__ import annotations

import numpy as np


def projections(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images of both splits on all principal components of the training images, the largest first.

    Args:
        train, test: `(n, *image_shape)`.

    Returns:
        `(n_train, components)` and `(n_test, components)`, as many as there are pixels or training images.
    """
    from sklearn.decomposition import PCA

    flat_train, flat_test = train.reshape(len(train), -1), test.reshape(len(test), -1)
    pca = PCA(min(flat_train.shape), svd_solver="covariance_eigh").fit(flat_train)
    return np.asarray(pca.transform(flat_train)), np.asarray(pca.transform(flat_test))


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
