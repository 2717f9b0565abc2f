"""Structural similarity of images."""

from __future__ import annotations

from typing import Any

from keras import ops


def structural_similarity(images: Any, others: Any) -> Any:
    """Mean SSIM of pairs of images in [0, 1] over windows of 7x7 pixels, or as large as fit (Wang et al. 2004).

    Uniform windows and sample variances, as in scikit-image's default.

    Args:
        images, others: `(n, height, width, channels)`.

    Returns:
        `(n,)`; 1 for equal images.
    """
    side = min(7, *images.shape[1:3])
    side -= 1 - side % 2
    unbiased = side**2 / max(side**2 - 1, 1)
    mean, other = (ops.average_pool(each, side, strides=1) for each in (images, others))
    products = ((images, images, mean * mean), (others, others, other * other), (images, others, mean * other))
    variance, other_variance, covariance = (
        unbiased * (ops.average_pool(a * b, side, strides=1) - of_means) for a, b, of_means in products
    )
    small, smaller = 0.01**2, 0.03**2
    alike = (2.0 * mean * other + small) * (2.0 * covariance + smaller)
    return ops.mean(alike / ((mean**2 + other**2 + small) * (variance + other_variance + smaller)), axis=(1, 2, 3))
