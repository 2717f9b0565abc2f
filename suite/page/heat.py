"""Heat maps of vectors: a row a vector, a cell a column, coloured by how far it is from the data's mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from aebench.page.sheets import Pixels, Sheet, in_rows, sheet
from aebench.records.kept import Figures

Arrays = dict[str, npt.NDArray[Any]]
REACH = 3.0  # standard deviations at which colours end
_CELLS = 20  # columns in a row that is one pixel high; longer rows are higher, so that a map stays no strip
_SHOWN = 25  # rows of data beside as many samples
_MAP = "RdBu_r"  # told apart by colour-blind readers too


def cells(vectors: npt.NDArray[Any], arrays: Arrays) -> Pixels:
    """Vectors `(..., columns)` as colours `(..., columns, 3)` uint8, to `REACH` on either side of the data's mean."""
    import matplotlib

    mean, spread = _place(arrays)
    shares = np.clip((np.nan_to_num(vectors) - mean) / spread / REACH, -1.0, 1.0) * 0.5 + 0.5
    return np.asarray(matplotlib.colormaps[_MAP](shares, bytes=True)[..., :3])


def _place(arrays: Arrays) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    data = arrays[Figures.EMBEDDING_IMAGES].astype("float64")
    spread = data.std(axis=0)
    return data.mean(axis=0), np.where(spread > 0, spread, 1.0)


def maps(vectors: npt.NDArray[Any], arrays: Arrays) -> Pixels:
    """Vectors `(n, rows, columns)` as `n` heat maps, `(n, height, columns, 3)` uint8."""
    return np.repeat(cells(vectors, arrays), max(1, round(vectors.shape[-1] / _CELLS)), axis=1)


def _sheet(vectors: npt.NDArray[Any], arrays: Arrays, across: int) -> Sheet:
    """Heat maps of `(n, rows, columns)`, so many side by side."""
    return sheet(in_rows(maps(vectors, arrays), across), exact=True)


def reconstructions(arrays: Arrays) -> Sheet:
    """The first test rows, and on their right what becomes of them."""
    return _sheet(np.stack([arrays[Figures.ORIGINALS], arrays[Figures.RECONSTRUCTIONS]]), arrays, 2)


def prior_samples(arrays: Arrays) -> Sheet:
    """Test rows, and on their right as many samples, both in the order of the data's first principal component."""
    samples = arrays[Figures.PRIOR_SAMPLES][:_SHOWN]
    data = arrays[Figures.EMBEDDING_IMAGES]
    data = data[np.linspace(0, len(data) - 1, len(samples)).round().astype(int)]
    mean, spread = _place(arrays)
    axis = np.linalg.svd((arrays[Figures.EMBEDDING_IMAGES] - mean) / spread, full_matrices=False)[2][0]
    ordered = [part[np.argsort(((np.nan_to_num(part) - mean) / spread) @ axis)] for part in (data, samples)]
    return _sheet(np.stack(ordered), arrays, 2)


def paths(name: str, arrays: Arrays) -> Sheet:
    """Each path `(steps, columns)` as a heat map of its own, a row a step."""
    return _sheet(arrays[name], arrays, 2)


def rows(name: str, arrays: Arrays) -> Sheet:
    """All vectors `(n, columns)` in one heat map."""
    return _sheet(arrays[name][None], arrays, 1)
