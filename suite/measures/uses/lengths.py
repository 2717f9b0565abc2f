"""What compressors make of images: lengths in bits, by libraries that everybody has."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

import numpy as np

QUALITIES: Final = (1, 3, 5, 10, 20, 30, 50, 70, 85, 95)  # of JPEG
_HIGHEST: Final = 65_000  # rows of a picture, less than what JPEG allows
_BLOCK: Final = 8
_LEAST_ERROR: Final = 1e-9


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


def png_strip_bits(images: np.ndarray, binary: bool) -> float:
    """The length of an optimised PNG of all images below each other, bits an image; see `png_bits`."""
    return sum(8.0 * len(_encoded(strip, binary, "PNG", optimize=True)) for strip in _strips(images)) / len(images)


def jpeg_curve(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What JPEGs of all images below each other take, and how far they are off, at several qualities.

    Images are filled up to whole blocks of eight pixels by their last row, so that no block holds two of them.

    Args:
        images: `(n, height, width, channels)` within 0 and 1.

    Returns:
        Bits an image and mean squared error per pixel, both `(qualities,)`, errors falling.
    """
    height = images.shape[1]
    filled = np.pad(images, ((0, 0), (0, -height % _BLOCK), (0, 0), (0, 0)), mode="edge")
    found = []
    for quality in QUALITIES:
        coded = [_encoded(strip, False, "JPEG", quality=quality, subsampling=0) for strip in _strips(filled)]
        restored = np.concatenate([_decoded(one) for one in coded]).reshape(filled.shape)[:, :height] / 255.0
        found.append((8.0 * sum(map(len, coded)) / len(images), float(np.mean((restored - images) ** 2))))
    bits, errors = np.array(found).T
    return bits, np.minimum.accumulate(errors)


def jpeg_bits(curve: tuple[np.ndarray, np.ndarray], error: float) -> float:
    """Bits an image that JPEG takes to come as near as an error; those of the worst, or best, quality beyond the curve.

    Between two qualities it is read off a line of bits against the logarithm of the error.
    """
    bits, errors = curve
    return float(np.interp(-np.log(max(error, _LEAST_ERROR)), -np.log(np.maximum(errors, _LEAST_ERROR)), bits))


def _strips(images: np.ndarray) -> Iterator[np.ndarray]:
    """All images below each other, in as few pictures as formats allow."""
    pictures, most = flattened(images), max(1, _HIGHEST // images.shape[1])
    for start in range(0, len(pictures), most):
        yield np.concatenate([*pictures[start : start + most]])


def _decoded(coded: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(coded)), dtype="float64")
