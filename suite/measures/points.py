"""Points of a latent space, or of pixels, that several families decode; and decoded images as bytes."""

from __future__ import annotations

import numpy as np

STEPS = 11


def straight_lines(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """`STEPS` points from each of `start` to its fellow in `end`, `(..., d)`: `(..., STEPS, d)`."""
    share = np.linspace(0.0, 1.0, STEPS, dtype="float32")[:, None]
    return np.asarray((1.0 - share) * start[..., None, :] + share * end[..., None, :])


def centroids(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean code of each class, `(classes, code_dim)`."""
    return np.stack([codes[labels == label].mean(axis=0) for label in np.unique(labels)])


def pictured(images: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
    """Images `(..., *image_shape)` as they are kept for pictures: as bytes; series and vectors as float32."""
    return as_bytes(images) if len(image_shape) == 3 else np.asarray(images, "float32")


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as uint8; a Gaussian decoder's means beyond that are clipped."""
    return np.asarray((np.clip(np.nan_to_num(images), 0.0, 1.0) * 255.0).round(), "uint8")
