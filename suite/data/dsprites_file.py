"""dSprites as published (Matthey et al. 2017): the combinations that `dsprites` draws anew, in the published pixels."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Final

import numpy as np

from aebench.data import combinations
from aebench.data.dataset import Array, Published
from aebench.data.dsprites import FACTORS, SIDE
from aebench.errors import UserError

# One colour, then shape, scale, orientation, x and y: the file has every combination once, the last changing fastest.
LEVELS: Final = (1, 3, 6, 40, 32, 32)
ARRAYS: Final = ("imgs", "latents_values")
_TOGETHER: Final = 4096  # images read at once: the whole array has 3 GB


def is_published(names: Collection[str]) -> bool:
    """Whether an npz with arrays of these names is the published file."""
    return set(ARRAYS) <= set(names)


def read(path: Path) -> Published:
    """Takes the same combinations of the published file as `dsprites` has, in the same order.

    Args:
        path: of `dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz`.

    Returns:
        `(n, 64, 64, 1)` of 0 and 1, and each image's shape, scale, orientation, x and y.

    Raises:
        UserError: its arrays have other shapes, types or values than the published ones.
    """
    chosen = np.ravel_multi_index(tuple(combinations.draw(LEVELS[1:]).T), LEVELS[1:])
    count = int(np.prod(LEVELS))
    with zipfile.ZipFile(path) as archive:
        values = _rows(archive, "latents_values", (count, len(LEVELS)), np.dtype("<f8"), chosen, path)
        images = _rows(archive, "imgs", (count, SIDE, SIDE), np.dtype("|u1"), chosen, path)
    _check(images, values, path)
    known = values[:, 1:] - [1.0, 0.0, 0.0, 0.0, 0.0]  # shapes are counted from 1 there
    return combinations.publish(images[..., np.newaxis], 1.0, known, FACTORS)


def _rows(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic], rows: Array, path: Path
) -> Array:
    """Some rows of an array in an npz, without the others ever being held together."""
    with archive.open(f"{name}.npy") as file:
        found_shape, by_columns, found_dtype = _header(file)
        if (found_shape, by_columns, found_dtype) != (shape, False, dtype):
            raise UserError(
                f"{name} in {path} is {found_dtype} {found_shape}; dSprites as published has {dtype} {shape}"
            )
        found, order = np.empty((len(rows), *shape[1:]), dtype), np.argsort(rows)
        size = int(np.prod(shape[1:])) * dtype.itemsize
        for start in range(0, shape[0], _TOGETHER):
            part = np.frombuffer(file.read(size * min(_TOGETHER, shape[0] - start)), dtype).reshape(-1, *shape[1:])
            low, high = np.searchsorted(rows[order], [start, start + len(part)])
            found[order[low:high]] = part[rows[order[low:high]] - start]
    return found


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)


def _check(images: Array, values: Array, path: Path) -> None:
    """Every factor has to have its published number of values, and pixels have to be 0 or 1."""
    levels = tuple(len(np.unique(column)) for column in values.T)
    if levels != LEVELS:
        raise UserError(f"latents_values in {path} have {levels} values; dSprites as published has {LEVELS}")
    if images.max() > 1:
        raise UserError(f"imgs in {path} go up to {images.max()}; dSprites as published has 0 and 1")
