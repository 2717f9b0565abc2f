"""Numbers of which a run has several: one a class, one a latent dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aebench.analysis.configurations import Board, Configuration
from aebench.analysis.numbers import ARROWS, number
from aebench.measures import PROFILES
from aebench.page.canvas import WIDE, Plot, canvas, legend_right
from aebench.page.look import GREY, Looks
from aebench.page.plots.marks import INTERVAL, apart, bars, by_size, half_width, mean, means, profile, scored, told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BY_CLASS = ("silhouette_by_class", "recon_mse_by_class")
SPECTRUM = "kl_by_dimension_nats"
# A Gaussian code of one dimension whose mean varies by 0.01, the threshold of activity, and whose codes together are
# N(0, 1), has a KL of -log(1 - 0.01) / 2.
AT_THRESHOLD_NATS = -0.5 * float(np.log(1.0 - 0.01))
_LEAST_NATS = 1e-5  # what is smaller is drawn there: a log axis has no 0


def by_class(board: Board, looks: Looks) -> Plot | None:
    """Silhouette and reconstruction error of each class, one row a latent size."""
    shown = [name for name in BY_CLASS if any(profile(item, name) for item in board)]
    if not shown:
        return None
    sizes = by_size([item for item in board if any(profile(item, name) for name in shown)])
    with canvas(WIDE, 0.8 + 2.1 * len(sizes), len(shown), len(sizes)) as (figure, grid):
        for (size, items), row in zip(sizes.items(), grid, strict=True):
            for name, axes in zip(shown, row, strict=True):
                _classes(axes, items, looks, name)
                axes.set_title(f"latent size {size}")
        for axes in grid[-1]:
            axes.set_xlabel("class")
        legend_right(figure, max(grid[0], key=lambda axes: len(axes.lines)))
        return Plot(
            key="by-class",
            title="Class by class",
            caption=f"{INTERVAL}: the silhouette of each class's test images (left, −1..1), and the reconstruction "
            "error of each class (right).",
            alt=" ".join(_told_classes(board, looks, name) for name in shown),
            figure=figure,
        )


def kl_spectrum(board: Board, looks: Looks) -> Plot | None:
    """KL of each latent dimension in descending order, one panel a latent size, and the number of active units."""
    shown = [item for item in board if profile(item, SPECTRUM)]
    if not shown:
        return None
    sizes, active = by_size(shown), scored(board, "active_units")
    columns = len(sizes) + bool(active)
    width = min(WIDE, 1.8 + 2.8 * columns)
    with canvas(width, 3.6, columns) as (figure, [panels]):
        for (size, items), axes in zip(sizes.items(), panels, strict=False):
            _spectra(axes, items, looks)
            axes.set_title(f"latent size {size}")
        _same_height(panels[: len(sizes)])
        panels[0].set_ylabel("KL (nats)")
        if active:
            _active(panels[-1], active, looks)
        legend_right(figure, max(panels, key=lambda axes: len(axes.lines)))
        return Plot(
            key="kl-spectrum",
            title="KL spectrum and active units",
            caption="KL to the prior of each latent dimension, largest first in each run, then mean over seeds with "
            f"its 95 % t interval; below {_LEAST_NATS:g} nats drawn there. Dotted: {AT_THRESHOLD_NATS:.3f} nats, what "
            "a dimension has whose posterior mean varies by 0.01, the least that counts as active, if its codes "
            "together follow the prior. Right: active units.",
            alt=f"{_told_spectra(shown, looks)} {told(active, 'active_units', looks) if active else ''}".strip(),
            figure=figure,
        )


def spectrum(item: Configuration) -> np.ndarray:
    """`(seeds, latent_dim)`: KL of each dimension in nats, in descending order in each run: they have no names."""
    return -np.sort(-np.asarray(profile(item, SPECTRUM), "float64"), axis=1)


def _classes(axes: Axes, items: Board, looks: Looks, name: str) -> None:
    series = {look: own for look, own in looks.series(items).items() if any(profile(item, name) for item in own)}
    for look, own, shift in apart(series, 0.32):
        for item in own:
            found = means(profile(item, name))
            classes = np.arange(len(found.mean))
            bars(axes, classes + shift, found.mean, found.half, look.colour)
            axes.plot(classes + shift, found.mean, look.marker, color=look.colour, label=look.name, markersize=4.0)
    count = max((len(profile(item, name)[0]) for item in items if profile(item, name)), default=0)
    axes.set_xticks(range(count))
    axes.set_xlim(-0.6, count - 0.4)
    axes.grid(visible=False, axis="x")
    edges = np.repeat(np.arange(count - 1) + 0.5, 3)
    axes.plot(edges, np.tile([0.0, 1.0, np.nan], max(count - 1, 0)), color="#e5e7eb", linewidth=0.8, zorder=0,
              transform=axes.get_xaxis_transform())  # fmt: skip
    about = PROFILES[name]
    axes.set_ylabel(
        f"{about.label.removesuffix(' by class')}\n({about.unit.replace('-1', '−1')}) {ARROWS[about.better]}"
    )


def _spectra(axes: Axes, items: Board, looks: Looks) -> None:
    from matplotlib.ticker import MaxNLocator

    for look, own, shift in apart(looks.series(items), 0.2):
        for item in own:
            found = means(spectrum(item))
            ranks = np.arange(1, len(found.mean) + 1)
            low, high = np.maximum(found.mean - found.half, _LEAST_NATS), found.mean + found.half
            middle = np.maximum(found.mean, _LEAST_NATS)
            bars(axes, ranks + shift, (low + high) / 2, (high - low) / 2, look.colour)
            axes.plot(ranks + shift, middle, color=look.colour, marker=look.marker, linestyle=look.line,
                      label=look.name, markersize=4.0, linewidth=1.0)  # fmt: skip
    axes.axhline(AT_THRESHOLD_NATS, color=GREY, linestyle=":", linewidth=1.2, zorder=1)
    axes.set_xlabel("dimension, by KL")
    axes.set_xlim(0.4, max(item.latent_dim for item in items) + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _same_height(panels: Sequence[Axes]) -> None:
    """One log axis for all panels, written at the first."""
    from matplotlib.ticker import NullLocator

    for axes in panels:
        axes.set_yscale("log")
    top = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(_LEAST_NATS / 1.5, top)
        axes.yaxis.set_minor_locator(NullLocator())
        axes.tick_params(labelleft=axes is panels[0])


def _active(axes: Axes, board: Board, looks: Looks) -> None:
    sizes = list(by_size(board))
    for look, items, shift in apart(looks.series(board), 0.38):
        places = [sizes.index(item.latent_dim) + shift for item in items]
        values = [mean(item, "active_units") for item in items]
        bars(axes, places, values, [half_width(item.summaries["active_units"]) for item in items], look.colour)
        axes.plot(places, values, look.marker, color=look.colour, label=look.name, markersize=4.0)
    axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    axes.set_xlim(-0.5, len(sizes) - 0.5)
    axes.set_title("all latent sizes")
    axes.set_xlabel("latent size")
    axes.set_ylabel("active units")


def _told_classes(board: Board, looks: Looks, name: str) -> str:
    found = {looks.title(item): means(profile(item, name)).mean for item in board if profile(item, name)}
    digits = 3 if PROFILES[name].unit == "-1..1" else 4
    lines = [f"{title}: {_list(values, digits)}" for title, values in found.items()]
    return f"{PROFILES[name].label} ({PROFILES[name].unit}). {'; '.join(lines)}."


def _told_spectra(board: Board, looks: Looks) -> str:
    lines = [f"{looks.title(item)}: {_list(spectrum(item).mean(axis=0), 3)}" for item in board]
    return f"KL by dimension (nats), descending. {'; '.join(lines)}."


def _list(values: Sequence[float] | np.ndarray, decimals: int) -> str:
    return ", ".join(number(float(value), decimals) for value in values)
