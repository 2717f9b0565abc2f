"""Plots of one board (one data set, one likelihood): means over seeds with their 95 % intervals."""

from __future__ import annotations

from suite.report.canvas import Plot
from suite.report.look import Looks
from suite.report.plots.curves import learning_curves, path_entropy
from suite.report.plots.lines import elbo, reconstruction, silhouette
from suite.report.plots.maps import maps
from suite.report.plots.marks import Board
from suite.report.plots.pareto import non_dominated, pareto
from suite.report.plots.planes import rate_distortion
from suite.report.plots.profiles import by_class, kl_spectrum

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


def board_plots(board: Board, looks: Looks) -> list[Plot]:
    """Every plot that the board has numbers for, in the page's order.

    Args:
        board: configurations of one data set and one likelihood.
        looks: names and colours.
    """
    return [plot for maker in _MAKERS if (plot := maker(board, looks)) is not None]
