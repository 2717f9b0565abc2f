"""Plots of one board (one data set, one likelihood): means over seeds with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from aebench.analysis.configurations import Board, Configuration
from aebench.page.canvas import Plot
from aebench.page.look import Look, Looks
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


def board_plots(board: Board, looks: Looks, first: Sequence[Configuration] = ()) -> list[Plot]:
    """Every plot that the board has numbers for, in the page's order.

    Args:
        board: configurations of one data set and one likelihood.
        looks: names and colours.
        first: what is shown before all others where a plot cannot show all, such as winners.
    """
    shown, series = thinned(board, looks, first), looks.series(board)
    plots = [plot for maker in _MAKERS if (plot := maker(shown, looks)) is not None]
    if len(shown) == len(board):
        return plots
    count = len(looks.series(shown))
    told = f" Shown: {count} of {len(series)} settings, the winners among them; the table has all."
    return [replace(plot, caption=plot.caption + told) for plot in plots]


def thinned(board: Board, looks: Looks, first: Sequence[Configuration] = ()) -> Board:
    """Configurations of at most `MOST_SERIES` settings: those of `first`, plain variants, then others evenly spaced."""
    series = looks.series(board)
    if len(series) <= MOST_SERIES:
        return board
    ids = {item.id for item in first}
    wanted = [look for look, items in series.items() if ids & {item.id for item in items}]
    plain = [look for look, items in series.items() if look not in wanted and any(item.plain for item in items)]
    rest = [look for look in series if look not in wanted and look not in plain]
    kept: set[Look] = set()
    for group in (wanted, plain, rest):
        room = min(MOST_SERIES - len(kept), len(group))
        kept |= {group[at] for at in np.linspace(0, len(group) - 1, room).round().astype(int).tolist()}
    return [item for item in board if looks.by_id[item.id] in kept]
