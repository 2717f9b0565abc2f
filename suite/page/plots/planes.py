"""The rate–distortion plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aebench.analysis.configurations import Board
from aebench.analysis.numbers import number
from aebench.page.canvas import HALF, SMALL, Plot, canvas, legend_right
from aebench.page.look import GREY, Looks
from aebench.page.plots.marks import INTERVAL, bars, by_size, half_width, keys, level_bars, mean, scored, told

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def rate_distortion(board: Board, looks: Looks) -> Plot | None:
    """Distortion against rate, with lines of equal ELBO and each latent size's path over the settings."""
    shown = scored(board, "rate_nats", "distortion_nats")
    if not shown:
        return None
    with canvas(HALF, 4.8) as (figure, [[axes]]):
        for items in by_size(shown).values():
            ordered = sorted(items, key=lambda item: mean(item, "rate_nats"))
            axes.plot(*_places(ordered), "-", color="#9ca3af", linewidth=1.0, zorder=1)
        marked(axes, shown, looks, "rate_nats", "distortion_nats")
        keys(axes, shown, looks)
        _iso_elbo(axes, [mean(item, "rate_nats") + mean(item, "distortion_nats") for item in shown])
        axes.set_xlabel("rate R (nats/image)")
        axes.set_ylabel("distortion D (nats/image) ↓")
        legend_right(figure, axes)
        return Plot(
            key="rate-distortion",
            title="Rate against distortion",
            caption=f"{INTERVAL}. A grey path joins the settings of one latent size, whose marker it has. Along a "
            "dotted line the ELBO is the one written at its end; down and left is better.",
            alt=f"{told(shown, 'rate_nats', looks)}. {told(shown, 'distortion_nats', looks)}",
            figure=figure,
        )


def marked(axes: Axes, board: Board, looks: Looks, x: str, y: str) -> None:
    """A point for each configuration, its colour the setting, its marker the latent size, with both intervals."""
    for look, items in looks.series(board).items():
        across, up = [mean(item, x) for item in items], [mean(item, y) for item in items]
        level_bars(axes, across, up, [half_width(item.summaries[x]) for item in items], look.colour)
        bars(axes, across, up, [half_width(item.summaries[y]) for item in items], look.colour)
        for item in items:
            marker = looks.by_latent_dim[item.latent_dim]
            axes.plot(mean(item, x), mean(item, y), marker, color=look.colour, markersize=6.5, zorder=3)


def _places(items: Board) -> tuple[list[float], list[float]]:
    return [mean(item, "rate_nats") for item in items], [mean(item, "distortion_nats") for item in items]


def _iso_elbo(axes: Axes, costs: Sequence[float]) -> None:
    """Dotted lines D + R = constant through the range of the costs, named by ELBO where they leave the plot."""
    from matplotlib.ticker import MaxNLocator

    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    for cost in MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(min(costs), max(costs)):
        axes.plot([left, right], [cost - left, cost - right], ":", color="#a8afba", linewidth=1.0, zorder=0)
        end = min(right, cost - low)
        if left < end and cost - end < high:
            name = f"{number(-cost, 0 if cost == round(cost) else 1)} "
            axes.text(
                end,
                cost - end,
                name,
                color=GREY,
                fontsize=SMALL,
                ha="right",
                va="bottom",
                bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none"},
                zorder=0.5,
            )
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    axes.grid(visible=False)
