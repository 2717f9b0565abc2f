"""Plots of one board (one data set, one likelihood): means over seeds with their 95 % intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aebench.analysis.configurations import Board
from aebench.page.canvas import Plot
from aebench.page.look import Looks
from aebench.page.plots.curves import learning_curves, path_entropy
from aebench.page.plots.lines import elbo, reconstruction, silhouette
from aebench.page.plots.maps import maps
from aebench.page.plots.pareto import non_dominated, pareto
from aebench.page.plots.planes import rate_distortion
from aebench.page.plots.profiles import by_class, kl_spectrum

__all__ = ["board_plots", "non_dominated"]

_MAKERS = (
    elbo,
    rate_distortion,
    reconstruction,
    silhouette,
    pareto,
    maps,
    kl_spectrum,
    by_class,
    path_entropy,
    learning_curves,
)


MOST_SERIES = 14  # settings that a plot can tell apart


def board_plots(board: Board, looks: Looks) -> list[Plot]:
    """Every plot that the board has numbers for, in the page's order.

    Args:
        board: configurations of one data set and one likelihood.
        looks: names and colours.
    """
    shown, series = thinned(board, looks), looks.series(board)
    plots = [plot for maker in _MAKERS if (plot := maker(shown, looks)) is not None]
    if len(shown) == len(board):
        return plots
    told = f" Shown: {len(looks.series(shown))} of {len(series)} settings, evenly spaced; the table has all."
    return [replace(plot, caption=plot.caption + told) for plot in plots]


def thinned(board: Board, looks: Looks) -> Board:
    """Configurations of at most about `MOST_SERIES` settings: evenly spaced, and always plain variants."""
    series = looks.series(board)
    kept = set(np.linspace(0, len(series) - 1, min(len(series), MOST_SERIES)).round().astype(int).tolist())
    return [item for at, items in enumerate(series.values()) for item in items if at in kept or item.plain]
