"""Panels: series as lines, a small plot each, which then stand in rows as images do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from aebench.page.look import class_colours
from aebench.page.sheets import Images, Sheet, in_rows, sheet
from aebench.records.kept import Figures

Arrays = dict[str, npt.NDArray[Any]]
WIDTH, HEIGHT = 120, 66  # of a panel, in pixels: two for each of the page's
ACROSS = 5  # panels in a row
GAP = 5  # pixels between them
BEYOND = 0.002  # so that a few large values leave the others their room
_LINE = 2.0  # pixels
_PAPER, _BEHIND = "#f3f4f6", "#9aa0aa"


def panels(series: npt.NDArray[Any], arrays: Arrays, behind: npt.NDArray[Any] | None = None) -> Images:
    """Series `(..., time steps, channels)` as plots `(..., HEIGHT, WIDTH, 3)` uint8, each channel in its colour.

    Time goes to the right, values upwards, in the range of the test series; what lies beyond is at the edge.

    Args:
        series: in the units that models see.
        arrays: the run's figures, whose test series give the range.
        behind: series that are drawn below them in grey, of the same shape.
    """
    paper = np.broadcast_to(_rgb(_PAPER), (*series.shape[:-2], HEIGHT, WIDTH, 3)).copy()
    colours = [_rgb(colour) for colour in class_colours(series.shape[-1])]
    if behind is not None:
        _draw(paper, behind, [_rgb(_BEHIND)] * len(colours), arrays)
    _draw(paper, series, colours, arrays)
    return np.asarray((255.0 * paper).round(), np.uint8)


def _rgb(colour: str) -> npt.NDArray[np.float32]:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.float32) / np.float32(255.0)


def scale(arrays: Arrays) -> tuple[float, float]:
    """The bottom and the top of every panel: what `BEYOND` of the test series' values are below, and above."""
    low, high = (float(end) for end in np.quantile(arrays[Figures.EMBEDDING_IMAGES], [BEYOND, 1.0 - BEYOND]))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _draw(
    paper: npt.NDArray[np.float32], series: npt.NDArray[Any], colours: list[npt.NDArray[np.float32]], arrays: Arrays
) -> None:
    low, high = scale(arrays)
    heights = np.clip((np.nan_to_num(series.astype(np.float32)) - low) / (high - low), 0.0, 1.0)
    lines = _LINE + (1.0 - heights) * (HEIGHT - 2.0 * _LINE)
    for channel, colour in enumerate(colours):
        share = _covered(lines[..., channel])[..., None]
        paper *= 1.0 - share
        paper += share * colour


def _covered(line: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How much of each pixel a line `(..., time steps)` of heights in pixels covers, `(..., HEIGHT, WIDTH)`.

    Each column of pixels is filled from the lowest to the highest place that the line has in it, so that of many time
    steps none is lost.
    """
    steps = line.shape[-1]
    finer = -(-steps // WIDTH)  # places in a column
    places = np.linspace(0.0, steps - 1.0, WIDTH * finer + 1)
    before = np.minimum(places.astype(int), max(steps - 2, 0))
    after = np.minimum(before + 1, steps - 1)
    share = (places - before).astype(np.float32)
    at = line[..., before] * (1.0 - share) + line[..., after] * share
    columns = np.stack([at[..., shift : shift + WIDTH * finer : finer] for shift in range(finer + 1)])
    top, bottom = columns.min(axis=0) - _LINE / 2.0, columns.max(axis=0) + _LINE / 2.0
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None]
    inside = np.minimum(bottom[..., None, :], rows + 1.0) - np.maximum(top[..., None, :], rows)
    return np.asarray(np.clip(inside, 0.0, 1.0), np.float32)


def reconstructions(arrays: Arrays) -> Sheet:
    """The first test series in grey, and over each what becomes of it."""
    drawn = panels(arrays[Figures.RECONSTRUCTIONS], arrays, behind=arrays[Figures.ORIGINALS])
    return sheet(in_rows(drawn, ACROSS), gap=GAP)


def several(name: str, arrays: Arrays) -> Sheet:
    """All series `(n, time steps, channels)`."""
    return sheet(in_rows(panels(arrays[name], arrays), ACROSS), gap=GAP)


def paths(name: str, arrays: Arrays) -> Sheet:
    """Each path `(steps, time steps, channels)` a row of `ACROSS` of its steps, from end to end."""
    chosen = np.linspace(0, arrays[name].shape[1] - 1, ACROSS).round().astype(int)
    return sheet(list(panels(arrays[name][:, chosen], arrays)), gap=GAP)
