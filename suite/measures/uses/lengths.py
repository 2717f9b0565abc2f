"""What compressors make of images: lengths in bits, by libraries that everybody has."""

from __future__ import annotations

import io

import numpy as np


def png_bits(images: np.ndarray, binary: bool) -> np.ndarray:
    """The length of each image as an optimised PNG of its own, header and all.

    Args:
        images: `(n, height, width, channels)` within 0 and 1; rounded to 255 steps unless they are binary.
        binary: whether pixels are 0 or 1: one bit each before compression.

    Returns:
        `(n,)` bits.
    """
    return np.array([8.0 * len(_encoded(picture, binary, "PNG", optimize=True)) for picture in flattened(images)])


def flattened(images: np.ndarray) -> np.ndarray:
    """Bytes as image formats take them: `(n, height, width)`, or with three channels behind.

    Other numbers of channels lie side by side.
    """
    levels = np.rint(255.0 * np.clip(images, 0.0, 1.0)).astype(np.uint8)
    count, height, width, channels = levels.shape
    return np.asarray(levels if channels == 3 else levels.reshape(count, height, width * channels))


def _encoded(picture: np.ndarray, binary: bool, kind: str, **options: object) -> bytes:
    from PIL import Image

    image = Image.fromarray(picture)
    stream = io.BytesIO()
    (image.convert("1") if binary and picture.ndim == 2 else image).save(stream, kind, **options)
    return stream.getvalue()
