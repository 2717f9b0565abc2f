"""Pareto fronts: what can only be had at the price of something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aebench.analysis.configurations import Board, Configuration
from aebench.analysis.numbers import significant
from aebench.measures import METRICS
from aebench.page.canvas import WIDE, Plot, canvas, legend_right
from aebench.page.look import Looks
from aebench.page.plots.marks import INTERVAL, Floats, axis_label, keys, mean, scored
from aebench.page.plots.naming import name_points
from aebench.page.plots.planes import marked
from aebench.records.rates import rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPEED = "train_images_per_s"
_PANEL_WIDTH = 6.2
_LEGEND_WIDTH = 1.7


@dataclass(frozen=True, kw_only=True)
class Trade:
    """Two metrics, and the direction in which each is wished for: +1 for more, -1 for less."""

    x: str
    y: str
    signs: tuple[int, int]
    title: str


TRADES = (
    Trade(x="rate_nats", y="recon_mse", signs=(-1, -1), title="Reconstruction and rate"),
    Trade(x="recon_mse", y="silhouette", signs=(-1, 1), title="Silhouette and reconstruction"),
    Trade(x="elbo_nats", y="silhouette", signs=(1, 1), title="Silhouette and ELBO"),
    Trade(x=SPEED, y="recon_mse", signs=(1, -1), title="Reconstruction and training speed"),
)


def pareto(board: Board, looks: Looks) -> Plot | None:
    """One panel a pair of metrics: every configuration, and those that no other beats in both."""
    trades = [trade for trade in TRADES if _can_be_drawn(board, trade)]
    if not trades:
        return None
    columns = len(trades) if len(trades) < 4 else 2
    rows = -(-len(trades) // columns)
    width = min(WIDE, columns * _PANEL_WIDTH + _LEGEND_WIDTH)
    with canvas(width, 4.4 * rows, columns, rows) as (figure, grid):
        panels = [axes for row in grid for axes in row]
        for trade, axes in zip(trades, panels, strict=False):
            _panel(axes, scored(board, trade.x, trade.y), looks, trade)
        for axes in panels[len(trades) :]:
            axes.set_axis_off()
        keys(panels[0], board, looks)
        legend_right(figure, panels[0])
        figure.draw_without_rendering()  # the layout must be known before names find their places
        for trade, axes in zip(trades, panels, strict=False):
            _name_front(axes, scored(board, trade.x, trade.y), looks, trade)
        return Plot(
            key="pareto",
            title="Pareto fronts",
            caption=_caption(trades),
            alt=" ".join(_told(scored(board, trade.x, trade.y), looks, trade) for trade in trades),
            figure=figure,
        )


def non_dominated(points: Sequence[Sequence[float]] | Floats, signs: Sequence[int]) -> list[int]:
    """Indices of the points that no other beats: nowhere worse and somewhere better.

    Args:
        points: `(n, k)`.
        signs: `(k,)`, +1 where more is better, -1 where less is.

    Returns:
        Indices in the order of the first coordinate, then of the others; equal points are all kept.
    """
    wished = np.asarray(points, "float64").reshape(-1, len(signs)) * np.asarray(signs, "float64")
    kept = [
        at
        for at, point in enumerate(wished)
        if not ((wished >= point).all(axis=1) & (wished > point).any(axis=1)).any()
    ]
    return sorted(kept, key=lambda at: tuple(points[at]))


def _can_be_drawn(board: Board, trade: Trade) -> bool:
    """Two configurations at least, and speeds only where they can be compared."""
    return len(scored(board, trade.x, trade.y)) > 1 and (trade.x != SPEED or _comparable_speeds(board))


def _comparable_speeds(board: Board) -> bool:
    """Whether all runs tell their speed, from one device, and runs that differ in scalars and seed alone agree."""
    runs = [record for item in board for record in item.usable]
    groups: dict[tuple[str, ...], list[float]] = {}
    for run in runs:
        speed, spec = run.metrics.get(SPEED), run.spec
        if speed is None or run.environment.device != runs[0].environment.device:
            return False
        group = (spec.variant, str(spec.options), str(spec.latent_dim), spec.network, spec.precision, spec.backend)
        groups.setdefault(group, []).append(speed)
    return not any(rate(speeds).wide for speeds in groups.values())


def _front(shown: Board, trade: Trade) -> list[int]:
    return non_dominated([(mean(item, trade.x), mean(item, trade.y)) for item in shown], trade.signs)


def _panel(axes: Axes, shown: Board, looks: Looks, trade: Trade) -> None:
    from matplotlib.ticker import EngFormatter

    marked(axes, shown, looks, trade.x, trade.y)
    front = [shown[at] for at in _front(shown, trade)]
    across, up = [mean(item, trade.x) for item in front], [mean(item, trade.y) for item in front]
    # The corner of a step is what the two points beside it can do at most, both together.
    steps = "steps-post" if trade.signs[0] < 0 else "steps-pre"
    axes.plot(across, up, color="#4b5563", linewidth=1.0, drawstyle=steps, zorder=1)
    axes.set_title(trade.title)
    axes.set_xlabel(_label(trade.x, trade.signs[0]))
    axes.set_ylabel(_label(trade.y, trade.signs[1]))
    if trade.x == SPEED:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _name_front(axes: Axes, shown: Board, looks: Looks, trade: Trade) -> None:
    places = [(mean(item, trade.x), mean(item, trade.y)) for item in shown]
    name_points(axes, {places[at]: _name(shown[at], looks) for at in _front(shown, trade)}, places)


def _name(item: Configuration, looks: Looks) -> str:
    return f"{looks.by_id[item.id].name}, {item.latent_dim}"


def _label(metric: str, sign: int) -> str:
    return axis_label(metric, "higher" if sign > 0 else "lower")


def _caption(trades: Sequence[Trade]) -> str:
    speed = (
        " Training speed is that of the whole cohort that a run was trained in, and larger cohorts are faster; "
        "Throughput has the speeds of single models."
    )
    return (
        f"{INTERVAL}. The line joins the configurations that no other beats in both (each named with its latent size); "
        "of the others, at least one is better in one and no worse in the other. By means alone: where bars overlap, "
        f"the front may be another's.{speed if any(trade.x == SPEED for trade in trades) else ''}"
    )


def _told(shown: Board, looks: Looks, trade: Trade) -> str:
    front = ", ".join(
        f"{looks.title(shown[at])} ({significant(mean(shown[at], trade.x))}, {significant(mean(shown[at], trade.y))})"
        for at in _front(shown, trade)
    )
    return f"{METRICS[trade.x].label} against {METRICS[trade.y].label}, not beaten in both: {front}."
