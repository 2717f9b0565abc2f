"""Curves: learning over epochs, and what a classifier sees along interpolations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aebench.analysis.configurations import Board
from aebench.analysis.convergence import mean_curve
from aebench.analysis.numbers import number
from aebench.page.canvas import WIDE, Plot, canvas, legend_right
from aebench.page.look import GREY, Looks
from aebench.page.plots.marks import by_size, means, names, profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = {"objective": "objective, own β", "distortion": "distortion D", "rate": "rate R"}
PATH, PATH_IN_PIXELS = "path_entropy_nats", "path_entropy_nats_pixels"
_MOST_POINTS = 32
_PANEL_WIDTH = 2.9
_LEGEND_WIDTH = 2.0


def learning_curves(board: Board, looks: Looks) -> Plot | None:
    """Objective, distortion and rate over epochs on training and validation, one column a latent size."""
    trained = [item for item in board if mean_curve(item.usable, "objective")]
    if not trained:
        return None
    sizes = by_size(trained)
    shown = {name: words for name, words in CURVES.items() if any(mean_curve(item.usable, name) for item in trained)}
    with canvas(panels_width(len(sizes)), 0.4 + 2.2 * len(shown), len(sizes), len(shown)) as (figure, grid):
        for (curve, words), row in zip(shown.items(), grid, strict=True):
            for items, axes in zip(sizes.values(), row, strict=True):
                _curves(axes, items, looks, curve)
            row[0].set_ylabel(f"{words}\n(nats/image)")
        _head(grid, list(sizes), "epoch")
        legend_right(figure, max(grid[0], key=lambda axes: len(axes.lines)))
        return Plot(
            key="learning-curves",
            title="Learning curves",
            caption="Means over seeds; solid on validation, dashed on training; epochs on a log axis. The vertical "
            "axis leaves out the first epochs' heights. Objectives of different β are not comparable.",
            alt=f"{', '.join(shown.values())} per epoch of {names(trained, looks)}. Objective on validation after the "
            f"last epoch (nats/image): {_told_ends(trained, looks)}",
            figure=figure,
        )


def path_entropy(board: Board, looks: Looks) -> Plot | None:
    """The classifier's entropy at each step of interpolations, one panel a latent size, beside paths in pixels."""
    shown = [item for item in board if profile(item, PATH)]
    if not shown:
        return None
    sizes = by_size(shown)
    with canvas(panels_width(len(sizes)), 3.3, len(sizes)) as (figure, grid):
        for items, axes in zip(sizes.values(), grid[0], strict=True):
            _paths(axes, items, looks)
            axes.sharey(grid[0][0])
            axes.tick_params(labelleft=axes is grid[0][0])
            axes.set_xticks([0.0, 0.5, 1.0], ["0", "½", "1"])
        grid[0][0].set_ylabel("entropy (nats)")
        grid[0][0].set_ylim(bottom=0.0)
        _head(grid, list(sizes), "way from one image to the other")
        legend_right(figure, max(grid[0], key=lambda axes: len(axes.lines)))
        return Plot(
            key="path-entropy",
            title="How ambiguous interpolations are",
            caption="Entropy of the classifier's probabilities along straight paths between the codes of pairs of test "
            "images of two classes, mean over pairs and seeds, with bands of the means' 95 % t intervals. Grey: the "
            "same paths between the images' pixels.",
            alt=f"Entropy (nats) at the middle of a path. {_told_middles(shown, looks)}",
            figure=figure,
        )


def panels_width(count: int) -> float:
    """Inches of a figure of so many panels in a row and a legend, never wider than the page."""
    return _LEGEND_WIDTH + min(count * _PANEL_WIDTH, WIDE - _LEGEND_WIDTH)


def _head(grid: Sequence[Sequence[Axes]], sizes: Sequence[int], across: str) -> None:
    for size, axes in zip(sizes, grid[0], strict=True):
        axes.set_title(f"latent size {size}")
    for axes in grid[-1]:
        axes.set_xlabel(across)


def _curves(axes: Axes, items: Board, looks: Looks, curve: str) -> None:
    settled: list[float] = []
    for look, own in looks.series(items).items():
        for item in own:
            for name, style in ((f"val_{curve}", "-"), (curve, "--")):
                values = mean_curve(item.usable, name)
                if values:
                    _draw_curve(axes, values, look.colour, style, look.name if style == "-" else None)
                    settled += values[len(values) // 10 :]
    if settled:
        margin = 0.05 * (max(settled) - min(settled)) or 1.0
        axes.set_ylim(min(settled) - margin, max(settled) + margin)


def _draw_curve(axes: Axes, values: Sequence[float], colour: str, style: str, label: str | None) -> None:
    """Epochs on a log axis, thinned to what the eye can tell apart there; a single one is a point."""
    from matplotlib.ticker import LogLocator, NullLocator

    epochs = np.unique(np.geomspace(1, len(values), _MOST_POINTS).round().astype(int))
    marker = "o" if len(epochs) == 1 else None
    axes.plot(epochs, np.asarray(values)[epochs - 1], style, color=colour, label=label, linewidth=1.2, marker=marker)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())


def _told_ends(board: Board, looks: Looks) -> str:
    ends = [(looks.title(item), mean_curve(item.usable, "val_objective")) for item in board]
    return "; ".join(f"{name}: {number(curve[-1], 1)}" for name, curve in ends if curve)


def _paths(axes: Axes, items: Board, looks: Looks) -> None:
    references = [row for item in items for row in profile(item, PATH_IN_PIXELS)]
    for look, own in looks.series(items).items():
        for item in own:
            found = means(profile(item, PATH))
            along = np.linspace(0.0, 1.0, len(found.mean))
            axes.plot(along, found.mean, look.line, color=look.colour, label=look.name)
            if found.n > 1:
                low, high = found.mean - found.half, found.mean + found.half
                axes.fill_between(along, low, high, color=look.colour, alpha=0.18, linewidth=0)
    if references:
        along = np.linspace(0.0, 1.0, len(references[0]))
        axes.plot(along, references[0], "--", color=GREY, label="in pixels", zorder=1)


def _told_middles(board: Board, looks: Looks) -> str:
    found = [(looks.title(item), means(profile(item, PATH))) for item in board]
    return "; ".join(f"{name}: {number(paths.mean[len(paths.mean) // 2])}" for name, paths in found)
