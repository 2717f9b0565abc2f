"""Principal components of images."""

from __future__ import annotations

import numpy as np


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
