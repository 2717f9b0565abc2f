"""Metrics over latent size and setting as heat maps, with their intervals written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aebench.analysis.configurations import Board
from aebench.analysis.numbers import decimals_of, number
from aebench.measures import METRICS
from aebench.page.canvas import SMALL, WIDE, Plot, canvas
from aebench.page.look import Looks
from aebench.page.plots.marks import Floats, by_size, half_width, mean, scored, told, unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAPPED = ("elbo_nats", "recon_mse", "silhouette", "active_units", "prior_recognisable")
_CELL_WIDTH = 0.78
_CELL_HEIGHT = 0.44
_NAMES_WIDTH = 1.1
_PADDING = 0.25
_HEAD_HEIGHT = 1.0
_DARK, _LIGHT, _FAINT = "#1c2128", "#ffffff", "#4b5563"
_WORDS = {"higher": "higher is better", "lower": "lower is better", None: "neither is better"}


def maps(board: Board, looks: Looks) -> Plot | None:
    """One panel a metric: rows are variants with their settings, columns latent sizes."""
    shown = [metric for metric in MAPPED if len(scored(board, metric)) > 1]
    if not shown:
        return None
    series, sizes = list(looks.series(board)), list(by_size(board))
    width = max(len(sizes), 3) * _CELL_WIDTH + _PADDING
    columns = min(len(shown), max(1, int((WIDE - _NAMES_WIDTH) / width)))
    rows = -(-len(shown) // columns)
    height = len(series) * _CELL_HEIGHT + _HEAD_HEIGHT
    with canvas(_NAMES_WIDTH + columns * width, rows * height, columns, rows) as (figure, grid):
        _draw(grid, board, looks, shown)
        return Plot(
            key="maps",
            title="Metrics over latent size and setting",
            caption="Means over seeds, and below them ± half the width of their 95 % t interval. The lighter, the "
            "better; where neither direction is better, the lighter, the more.",
            alt=". ".join(told(board, metric, looks) for metric in shown),
            figure=figure,
        )


def _draw(grid: Sequence[Sequence[Axes]], board: Board, looks: Looks, shown: Sequence[str]) -> None:
    panels = [axes for row in grid for axes in row]
    for metric, axes in zip(shown, panels, strict=False):
        _panel(axes, board, looks, metric)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    for row in grid:
        for axes in row[1:]:
            axes.set_yticklabels([])


def _panel(axes: Axes, board: Board, looks: Looks, metric: str) -> None:
    import seaborn

    series, sizes = list(looks.series(board)), list(by_size(board))
    values, words = _cells(board, looks, metric)
    better = METRICS[metric].better
    seaborn.heatmap(
        values, ax=axes, cmap="cividis_r" if better == "lower" else "cividis", cbar=False, linewidths=1.0,
        linecolor="white", xticklabels=[str(size) for size in sizes], yticklabels=[look.name for look in series],
    )  # fmt: skip
    axes.set_facecolor("#e5e7eb")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.set_yticklabels(axes.get_yticklabels(), rotation=0)
    axes.set_xlabel("latent size")
    axes.set_title(f"{METRICS[metric].label}\n")
    words_above = "; ".join(filter(None, [unit(metric), _WORDS[better]]))
    axes.text(0.0, 1.01, words_above, transform=axes.transAxes, va="bottom", fontsize=SMALL)
    _annotate(axes, values, words)


def _cells(board: Board, looks: Looks, metric: str) -> tuple[Floats, dict[tuple[int, int], tuple[str, str]]]:
    """Means by row and column, NaN where there is none, and the two lines that each cell says."""
    series, sizes = looks.series(board), list(by_size(board))
    values = np.full((len(series), len(sizes)), np.nan)
    words: dict[tuple[int, int], tuple[str, str]] = {}
    decimals = max(decimals_of(item.summaries[metric] for item in board) - 1, 0)  # cells are narrow
    for row, items in enumerate(series.values()):
        for item in scored(items, metric):
            cell = row, sizes.index(item.latent_dim)
            half = half_width(item.summaries[metric])
            values[cell] = mean(item, metric)
            words[cell] = number(values[cell], decimals), _spread(half, decimals)
    return values, words


def _spread(half: float | None, decimals: int) -> str:
    """`± 0.02`; nothing where there is no interval or all seeds agree."""
    if not half:
        return ""
    least = 10.0**-decimals
    return f"± {number(half, decimals)}" if half >= least / 2.0 else f"± <{number(least, decimals)}"


def _annotate(axes: Axes, values: Floats, words: dict[tuple[int, int], tuple[str, str]]) -> None:
    """Writes each cell's two lines in black or white, whichever stands out more."""
    from matplotlib.cm import ScalarMappable

    colours = ScalarMappable(axes.collections[0].norm, axes.collections[0].cmap)
    for row, column in np.argwhere(np.isnan(values)):
        axes.text(column + 0.5, row + 0.5, "n/a", ha="center", va="center", color=_FAINT)
    for (row, column), (first, second) in words.items():
        colour = _readable_on([float(part) for part in colours.to_rgba(values[row, column])])
        lift = 0.16 if second else 0.0
        axes.text(column + 0.5, row + 0.5 - lift, first, ha="center", va="center", color=colour)
        if second:
            axes.text(column + 0.5, row + 0.75, second, ha="center", va="center", color=colour, fontsize=7.0)


def _readable_on(ground: Sequence[float]) -> str:
    """Dark or light, by which has the larger contrast ratio (WCAG 2.2, relative luminance)."""
    from matplotlib.colors import to_rgb

    own = _luminance(ground)
    dark, light = (_luminance(to_rgb(colour)) for colour in (_DARK, _LIGHT))
    return _LIGHT if (light + 0.05) / (own + 0.05) > (own + 0.05) / (dark + 0.05) else _DARK


def _luminance(colour: Sequence[float]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
