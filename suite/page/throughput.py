"""Plots of throughput: median and quartiles of every timed operation's faster rounds, one plot a device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aebench import backends
from aebench.analysis.numbers import significant
from aebench.analysis.timings import TimedOperation
from aebench.page.canvas import WIDE, Plot, canvas, legend_right
from aebench.page.look import GREY, LINES, MARKERS, Looks
from aebench.page.plots.marks import bars

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Sequence[TimedOperation]
Style = tuple[str, str, str, str]  # label, colour, marker and line
_LEGEND_WIDTH = 2.4
_PANEL_WIDTH = 2.9


def speed_plots(rows: Rows, looks: Looks, page: Rows | None = None) -> list[Plot]:
    """One plot a device, backend and precision; all of the same limits, so that they can be compared.

    Args:
        rows: of one study.
        looks: its colours and markers.
        page: the speeds of all studies on the page, which the limits are to hold; by default `rows`.
    """
    places = dict.fromkeys(row.place for row in rows)
    return [_plot([row for row in rows if row.place == place], page or rows, looks) for place in places]


def _plot(rows: Rows, page: Rows, looks: Looks) -> Plot:
    operations = list(dict.fromkeys(row.operation for row in rows))
    shares = any(row.share_of_peak is not None for row in rows)
    device, backend, precision = rows[0].place
    width = _LEGEND_WIDTH + min(len(operations) * _PANEL_WIDTH, WIDE - _LEGEND_WIDTH)
    with canvas(width, 5.6 if shares else 3.4, len(operations), 1 + shares) as (figure, grid):
        for column, operation in enumerate(operations):
            own = [row for row in rows if row.operation == operation]
            _panel(grid[0][column], own, page, looks)
            grid[0][column].set_title(operation)
            if shares:
                _shares(grid[1][column], own, page, looks)
            grid[-1][column].set_xlabel("batch size")
        for axes_row in grid:
            for axes in axes_row[1:]:
                axes.tick_params(labelleft=False)
        grid[0][0].set_ylabel("images/s ↑")
        if shares:
            grid[1][0].set_ylabel("share of peak (%) ↑")
        legend_right(figure, grid[0][0])
        place = f"{device}, {backends.get(backend).title}, {precision}"
        return Plot(
            key=f"throughput-{re.sub(r'[^a-z0-9]+', '-', '-'.join(rows[0].place).lower()).strip('-')}",
            title=f"Throughput on {place}",
            caption=_caption(rows),
            alt=f"Images per second by batch size on {place}. {_told(rows)}",
            figure=figure,
        )


def _caption(rows: Rows) -> str:
    shares = [row.share_of_peak for row in rows if row.share_of_peak is not None]
    peak = (
        " Below, what the matrix products and convolutions of the operation reach, in % of what large matrix products "
        "reached on the same device in the same process."
    )
    busy = " More than 100 % means that something else slowed the device while its peak was measured."
    return (
        "Median of the faster half of the kept rounds, bars from its first to its third quartile: what else a machine "
        "does makes rounds slower, never faster. Warm-up and compilation are left out, and every round waits for the "
        "device. Scalar settings, such as β, and the seed don't change the speed."
        f"{peak if shares else ''}{busy if max(shares, default=0.0) > 1.0 else ''}"
    )


def _panel(axes: Axes, rows: Rows, page: Rows, looks: Looks) -> None:
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    for (label, colour, marker, line), own in _series(rows, page, looks).items():
        sizes = [row.batch_size for row in own]
        middle, half = [(row.high + row.low) / 2 for row in own], [(row.high - row.low) / 2 for row in own]
        bars(axes, sizes, middle, half, colour)
        axes.plot(sizes, [row.median for row in own], color=colour, marker=marker, linestyle=line, label=label)
    axes.set_yscale("log")
    axes.set_ylim(min(row.low for row in page) / 1.5, max(row.high for row in page) * 1.5)
    axes.yaxis.set_major_locator(LogLocator(numticks=9))
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.yaxis.set_minor_locator(NullLocator())
    _batch_axis(axes, page)


def _shares(axes: Axes, rows: Rows, page: Rows, looks: Looks) -> None:
    for (_, colour, marker, line), own in _series(rows, page, looks).items():
        known = [row for row in own if row.share_of_peak is not None]
        shares = [100.0 * (row.share_of_peak or 0.0) for row in known]
        axes.plot([row.batch_size for row in known], shares, color=colour, marker=marker, linestyle=line)
    axes.set_ylim(0.0, 105.0 * max(row.share_of_peak or 0.0 for row in page))
    _batch_axis(axes, page)


def _series(rows: Rows, page: Rows, looks: Looks) -> dict[Style, list[TimedOperation]]:
    """Rows by label, colour, marker and line; networks and image sizes are named where the page has several."""
    kinds = list(dict.fromkeys((row.network, row.shape) for row in page))
    networks, shapes = ({kind[at] for kind in kinds} for at in (0, 1))
    found: dict[Style, list[TimedOperation]] = {}
    for row in rows:
        extras = [*([row.network] if len(networks) > 1 else []), *([row.shape] if len(shapes) > 1 else [])]
        look = (
            " ".join([f"{row.name}, latent size {row.latent_dim}", *extras]),
            looks.by_variant.get(row.variant, GREY),
            looks.by_latent_dim.get(row.latent_dim, MARKERS[-1]),
            LINES[kinds.index((row.network, row.shape)) % len(LINES)],
        )
        found.setdefault(look, []).append(row)
    return found


def _batch_axis(axes: Axes, page: Rows) -> None:
    from matplotlib.ticker import NullLocator

    sizes = sorted({row.batch_size for row in page})
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes], minor=False)
    axes.xaxis.set_minor_locator(NullLocator())


def _told(rows: Rows) -> str:
    """The range of each operation at its largest batch, in words."""
    largest = max(row.batch_size for row in rows)
    told = []
    for operation in dict.fromkeys(row.operation for row in rows):
        found = [row.median for row in rows if row.operation == operation and row.batch_size == largest]
        if found:
            told.append(f"{operation} {significant(min(found))} to {significant(max(found))}")
    return f"At batch size {largest}: {', '.join(told)} images/s."
