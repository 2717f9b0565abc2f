"""Metrics over latent size, one line a setting: means, their intervals and every seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aebench.analysis.configurations import Board
from aebench.measures.classes.family import references_of
from aebench.page.canvas import HALF, Plot, canvas, latent_axis, legend_right
from aebench.page.look import GREY, Look, Looks
from aebench.page.plots.marks import INTERVAL, axis_label, bars, by_size, half_width, mean, octaves_apart, scored, told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = ("-", "--", ":")  # of references, in their order
_SEEDS = f"{INTERVAL}, small dots single seeds."
_HEIGHT = 4.2


def elbo(board: Board, looks: Looks) -> Plot | None:
    """ELBO over latent size."""
    caption = f"{_SEEDS} A model without a posterior has no ELBO and is not shown."
    return _over_latent_size(board, looks, "elbo_nats", "elbo", "ELBO over latent size", caption)


def reconstruction(board: Board, looks: Looks) -> Plot | None:
    """Reconstruction error over latent size."""
    caption = f"{_SEEDS} Decoded from the posterior mean."
    return _over_latent_size(board, looks, "recon_mse", "reconstruction", "Reconstruction over latent size", caption)


def silhouette(board: Board, looks: Looks) -> Plot | None:
    """Silhouette over latent size with its three references."""
    caption = (
        f"{_SEEDS} Grey: the same measure on raw pixels, on as many principal components, and on encoders before "
        "training (mean over all runs of that latent size)."
    )
    title = "Class separation over latent size"
    references = dict(zip(references_of("silhouette").items(), _STYLES, strict=True))
    named = {metric: (name, style) for (metric, name), style in references.items()}
    return _over_latent_size(board, looks, "silhouette", "silhouette", title, caption, named)


def _over_latent_size(
    board: Board,
    looks: Looks,
    metric: str,
    key: str,
    title: str,
    caption: str,
    references: dict[str, tuple[str, str]] | None = None,
) -> Plot | None:
    shown = scored(board, metric)
    if not shown:
        return None
    with canvas(HALF, _HEIGHT) as (figure, [[axes]]):
        for look, items, factor in octaves_apart(shown, looks):
            _line(axes, look, items, metric, factor)
        for reference, (name, style) in (references or {}).items():
            _reference(axes, shown, reference, name, style)
        latent_axis(axes, sorted({item.latent_dim for item in board}))
        axes.set_ylabel(axis_label(metric))
        legend_right(figure, axes)
        return Plot(key=key, title=title, caption=caption, alt=told(shown, metric, looks), figure=figure)


def _line(axes: Axes, look: Look, items: Board, metric: str, factor: float) -> None:
    """One series: its means over latent size joined, with bars, and a dot for each seed."""
    sizes = [item.latent_dim * factor for item in items]
    values = [mean(item, metric) for item in items]
    seeds = [(size, value) for size, item in zip(sizes, items, strict=True) for value in item.values(metric).values()]
    axes.plot(*zip(*seeds, strict=True), ".", color=look.colour, alpha=0.45, markersize=3.5, markeredgewidth=0)
    bars(axes, sizes, values, [half_width(item.summaries[metric]) for item in items], look.colour)
    axes.plot(sizes, values, color=look.colour, marker=look.marker, linestyle=look.line, label=look.name)


def _reference(axes: Axes, board: Board, metric: str, name: str, style: str) -> None:
    found = {size: [value for item in items for value in item.values(metric).values()]
             for size, items in by_size(board).items()}  # fmt: skip
    known = {size: float(np.mean(values)) for size, values in found.items() if values}
    if not known:
        return
    axes.plot(list(known), list(known.values()), style, color=GREY, label=name, linewidth=1.3, zorder=1)
    if len(known) == 1:
        axes.axhline(next(iter(known.values())), color=GREY, linestyle=style, linewidth=1.3, zorder=1)
