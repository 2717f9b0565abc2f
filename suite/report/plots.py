"""Plots of one board (one data set, one likelihood): means with their spread over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from suite.compare import Configuration, mean_curve
from suite.metrics import METRICS
from suite.report.canvas import Plot, canvas, latent_axis, legend_right, svg_uri
from suite.report.look import GREY, Look, Looks
from suite.report.numbers import ARROWS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REFERENCES = {
    "silhouette_pixels": ("raw pixels", "-"),
    "silhouette_pca": ("PCA", "--"),
    "silhouette_untrained": ("untrained encoder", ":"),
}
CURVES = {"objective": "objective, own β", "distortion": "distortion D", "rate": "rate R"}
_BARS = "Points are means, bars ± 1 sd over seeds."
_MOST_POINTS = 60

Board = Sequence[Configuration]


def board_plots(board: Board, looks: Looks) -> list[Plot]:
    """Every plot that the board has numbers for, in the page's order."""
    makers = (elbo, rate_distortion, reconstruction, silhouette, learning_curves)
    return [plot for maker in makers if (plot := maker(board, looks)) is not None]


def elbo(board: Board, looks: Looks) -> Plot | None:
    """ELBO over latent size, one line a setting."""
    return _over_latent_size(board, looks, "elbo_nats", "ELBO over latent size",
                             f"{_BARS} A model without a posterior has no ELBO and is not shown.")  # fmt: skip


def reconstruction(board: Board, looks: Looks) -> Plot | None:
    """Reconstruction error over latent size, one line a setting."""
    return _over_latent_size(board, looks, "recon_mse", "Reconstruction over latent size",
                             f"{_BARS} Decoded from the posterior mean.")  # fmt: skip


def silhouette(board: Board, looks: Looks) -> Plot | None:
    """Silhouette over latent size with one dot a seed and the three references."""
    scored = _scored(board, "silhouette")
    if not scored:
        return None
    with canvas(8.2, 4.2) as (figure, [[axes]]):
        for look, items, offset in _series(scored, looks):
            _line(axes, look, items, "silhouette", offset, bars=False)
            for item in items:
                seeds = list(item.values("silhouette").values())
                axes.plot([item.latent_dim * offset] * len(seeds), seeds, ".", color=look.colour, alpha=0.45, ms=4)
        for metric, (name, style) in REFERENCES.items():
            _reference(axes, scored, metric, name, style)
        _finish(axes, board, "silhouette")
        legend_right(figure, axes)
        return Plot(
            title="Class separation over latent size",
            caption="Large points are means, small ones single seeds. Grey: the same measure on raw pixels, on as "
            "many principal components, and on encoders before training (mean over all runs of that latent size).",
            alt=_alt(scored, "silhouette", looks),
            src=svg_uri(figure),
            width=820,
        )


def rate_distortion(board: Board, looks: Looks) -> Plot | None:
    """Distortion against rate, with lines of equal ELBO and each latent size's path over the settings."""
    scored = _scored(board, "rate_nats")
    if not scored:
        return None
    with canvas(8.2, 4.8) as (figure, [[axes]]):
        for size in sorted({item.latent_dim for item in scored}):
            _path(axes, [item for item in scored if item.latent_dim == size], looks)
        _mark(axes, scored, looks)
        _iso_elbo(axes, [_mean(item, "rate_nats") + _mean(item, "distortion_nats") for item in scored])
        axes.set_xlabel("rate R (nats/image)")
        axes.set_ylabel("distortion D (nats/image) ↓")
        legend_right(figure, axes)
        return Plot(
            title="Rate against distortion",
            caption="Each point is a configuration's mean; a grey path joins the settings of one latent size, whose "
            "marker it has. Along a dotted line the ELBO is the one written at its end; down and left is better.",
            alt="Rate–distortion plane of " + _names(scored, looks),
            src=svg_uri(figure),
            width=820,
        )


def learning_curves(board: Board, looks: Looks) -> Plot | None:
    """Objective, distortion and rate over epochs on training and validation, one column a latent size."""
    trained = [item for item in board if mean_curve(item.usable, "objective")]
    sizes = sorted({item.latent_dim for item in trained})
    if not trained:
        return None
    with canvas(2.0 + 2.9 * len(sizes), 7.0, len(sizes), len(CURVES)) as (figure, grid):
        for curve, row in zip(CURVES, grid, strict=True):
            for size, axes in zip(sizes, row, strict=True):
                _curves(axes, [item for item in trained if item.latent_dim == size], looks, curve)
        for size, axes in zip(sizes, grid[0], strict=True):
            axes.set_title(f"latent size {size}")
        for words, row in zip(CURVES.values(), grid, strict=True):
            row[0].set_ylabel(f"{words} (nats)")
        for axes in grid[-1]:
            axes.set_xlabel("epoch")
        legend_right(figure, max((axes for axes in grid[0]), key=lambda axes: len(axes.lines)))
        return Plot(
            title="Learning curves",
            caption="Means over seeds; solid on validation, dashed on training; epochs on a log axis. The vertical "
            "axis leaves out the first epochs' heights. Objectives of different β are not comparable.",
            alt="Objective, distortion and rate per epoch of " + _names(trained, looks),
            src=svg_uri(figure),
            width=int(100 * (2.0 + 2.9 * len(sizes))),
        )


def _over_latent_size(board: Board, looks: Looks, metric: str, title: str, caption: str) -> Plot | None:
    scored = _scored(board, metric)
    if not scored:
        return None
    with canvas(8.2, 4.0) as (figure, [[axes]]):
        for look, items, offset in _series(scored, looks):
            _line(axes, look, items, metric, offset)
        _finish(axes, board, metric)
        legend_right(figure, axes)
        alt = _alt(scored, metric, looks)
        return Plot(title=title, caption=caption, alt=alt, src=svg_uri(figure), width=820)


def _scored(board: Board, metric: str) -> list[Configuration]:
    return [item for item in board if item.summaries[metric].mean is not None]


def _series(board: Board, looks: Looks) -> list[tuple[Look, list[Configuration], float]]:
    """Each series with the factor that sets its points a little aside, so that bars don't hide one another."""
    groups = looks.series(board)
    offsets = 2.0 ** (np.linspace(-0.12, 0.12, len(groups)) if len(groups) > 1 else np.zeros(1))
    return [(look, items, float(offset)) for (look, items), offset in zip(groups.items(), offsets, strict=True)]


def _line(axes: Axes, look: Look, items: Board, metric: str, offset: float, bars: bool = True) -> None:
    sizes = [item.latent_dim * offset for item in items]
    means = [item.summaries[metric].mean or 0.0 for item in items]
    spread = [item.summaries[metric].sd or 0.0 for item in items] if bars else None
    axes.errorbar(sizes, means, spread, color=look.colour, marker=look.marker, linestyle=look.line, label=look.name,
                  capsize=2.5, elinewidth=1.0)  # fmt: skip


def _finish(axes: Axes, board: Board, metric: str) -> None:
    latent_axis(axes, sorted({item.latent_dim for item in board}))
    about = METRICS[metric]
    unit = f" ({about.unit})" if about.unit else ""
    axes.set_ylabel(f"{about.label}{unit} {ARROWS[about.better]}")


def _reference(axes: Axes, board: Board, metric: str, name: str, style: str) -> None:
    found: dict[int, list[float]] = {}
    for item in board:
        found.setdefault(item.latent_dim, []).extend(item.values(metric).values())
    means = {size: float(np.mean(values)) for size, values in sorted(found.items()) if values}
    if means:
        axes.plot(list(means), list(means.values()), style, color=GREY, label=name, linewidth=1.3, zorder=1)
        if len(means) == 1:
            axes.axhline(next(iter(means.values())), color=GREY, linestyle=style, linewidth=1.3, zorder=1)


def _mean(item: Configuration, metric: str) -> float:
    return item.summaries[metric].mean or 0.0


def _path(axes: Axes, items: Board, looks: Looks) -> None:
    ordered = sorted(items, key=lambda item: _mean(item, "rate_nats"))
    rates = [_mean(item, "rate_nats") for item in ordered]
    distortions = [_mean(item, "distortion_nats") for item in ordered]
    size = ordered[0].latent_dim
    axes.plot(rates, distortions, "-", color="#9ca3af", linewidth=1.0, zorder=1)
    axes.plot([], [], looks.by_latent_dim[size], color=GREY, linestyle="none", label=f"latent size {size}")


def _mark(axes: Axes, scored: Board, looks: Looks) -> None:
    named: set[str] = set()
    for look, items in looks.series(scored).items():
        for item in items:
            axes.errorbar(
                _mean(item, "rate_nats"), _mean(item, "distortion_nats"), marker=looks.by_latent_dim[item.latent_dim],
                xerr=item.summaries["rate_nats"].sd, yerr=item.summaries["distortion_nats"].sd, color=look.colour,
                markersize=7, elinewidth=0.8, linestyle="none",
            )  # fmt: skip
        if look.name not in named:
            axes.plot([], [], "s", color=look.colour, label=look.name)
            named.add(look.name)


def _iso_elbo(axes: Axes, costs: Sequence[float]) -> None:
    """Dotted lines D + R = constant through the range of the costs, named by ELBO where they leave the plot."""
    from matplotlib.ticker import MaxNLocator

    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    for cost in MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(min(costs), max(costs)):
        axes.plot([left, right], [cost - left, cost - right], ":", color="#a8afba", linewidth=1.0, zorder=0)
        end = min(right, cost - low)
        if left < end and cost - end < high:
            name = f"{-cost:g} ".replace("-", "−")
            axes.text(end, cost - end, name, color=GREY, fontsize=8, ha="right", va="bottom")
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    axes.grid(visible=False)


def _curves(axes: Axes, items: Board, looks: Looks, curve: str) -> None:
    settled: list[float] = []
    for look, own in looks.series(items).items():
        for item in own:
            for name, style in ((f"val_{curve}", "-"), (curve, "--")):
                values = mean_curve(item.usable, name)
                if values:
                    label = look.name if style == "-" else None
                    _draw_curve(axes, values, look.colour, style, label)
                    settled += values[len(values) // 10 :]
    if settled:
        margin = 0.05 * (max(settled) - min(settled)) or 1.0
        axes.set_ylim(min(settled) - margin, max(settled) + margin)


def _draw_curve(axes: Axes, values: Sequence[float], colour: str, style: str, label: str | None) -> None:
    """Epochs on a log axis, thinned to what the eye can tell apart there."""
    epochs = np.unique(np.geomspace(1, len(values), _MOST_POINTS).round().astype(int))
    axes.plot(epochs, np.asarray(values)[epochs - 1], style, color=colour, label=label, linewidth=1.2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")


def _alt(scored: Board, metric: str, looks: Looks) -> str:
    values = [_mean(item, metric) for item in scored]
    about = METRICS[metric]
    return (
        f"{about.label} over latent size of {_names(scored, looks)}: "
        f"means from {min(values):.4g} to {max(values):.4g} {about.unit}"
    )


def _names(board: Board, looks: Looks) -> str:
    return ", ".join(look.name for look in looks.series(board))
