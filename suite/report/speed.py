"""Throughput: median and quartiles of every timed operation, always with the device's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.rates import device_name, rate_of, share_of_peak
from suite.record import OperationTiming, TimingRecord
from suite.report.canvas import Plot, canvas, legend_right, svg_uri
from suite.report.look import GREY, LINES, MARKERS, Looks
from suite.spec import variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One operation of one configuration at one batch size on one device.

    Attributes:
        low, median, high: quartiles of images/s over the kept rounds.
        share_of_peak: of the device's own matrix products in the same process; `None` where not known.
    """

    name: str
    variant: str
    latent_dim: int
    network: str
    operation: str
    batch_size: int
    device: str
    low: float
    median: float
    high: float
    rounds: int
    compile_seconds: float
    share_of_peak: float | None

    @property
    def spread(self) -> float:
        """Interquartile range over median."""
        return (self.high - self.low) / self.median


def speeds(timings: Sequence[TimingRecord]) -> list[Speed]:
    """One row an operation, slowest changing first: device, operation, variant, latent size, batch size."""
    rows = [_speed(record, name, timed) for record in timings for name, timed in record.operations.items()]
    operations = list(dict.fromkeys(row.operation for row in rows))
    return sorted(
        rows,
        key=lambda row: (
            row.device,
            operations.index(row.operation),
            row.name,
            row.latent_dim,
            row.batch_size,
        ),
    )


def speed_plots(rows: Sequence[Speed], looks: Looks) -> list[Plot]:
    """One plot a device, one panel an operation."""
    return [_plot([row for row in rows if row.device == device], device, looks)
            for device in dict.fromkeys(row.device for row in rows)]  # fmt: skip


def _speed(record: TimingRecord, operation: str, timed: OperationTiming) -> Speed:
    rate, spec = rate_of(timed), record.spec
    return Speed(
        name=variant_label(spec.variant, {}, spec.options),
        variant=spec.variant,
        latent_dim=spec.latent_dim,
        network=spec.network,
        operation=operation.replace("_", " "),
        batch_size=spec.batch_size,
        device=device_name(record.environment),
        low=rate.low,
        median=rate.median,
        high=rate.high,
        rounds=rate.count,
        compile_seconds=timed.compile_seconds,
        share_of_peak=share_of_peak(record, operation),
    )


def _plot(rows: Sequence[Speed], device: str, looks: Looks) -> Plot:
    operations = list(dict.fromkeys(row.operation for row in rows))
    with canvas(2.0 + 2.9 * len(operations), 3.4, len(operations)) as (figure, [panels]):
        for operation, axes in zip(operations, panels, strict=True):
            _panel(axes, [row for row in rows if row.operation == operation], looks)
            axes.set_title(operation)
        panels[0].set_ylabel("images/s ↑")
        legend_right(figure, panels[0])
        return Plot(
            title=f"Throughput on {device}",
            caption="Median of the kept rounds, bars from the first to the third quartile. Warm-up and compilation are "
            "left out, and every round waits for the device. β and seed don't change the speed.",
            alt=f"Images per second over batch size of {', '.join(operations)} on {device}",
            src=svg_uri(figure),
            width=int(100 * (2.0 + 2.9 * len(operations))),
        )


def _panel(axes: Axes, rows: Sequence[Speed], looks: Looks) -> None:
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    networks = list(dict.fromkeys(row.network for row in rows))
    series: dict[tuple[str, str, int, str], list[Speed]] = {}
    for row in rows:
        series.setdefault((row.name, row.variant, row.latent_dim, row.network), []).append(row)
    for (name, variant, size, network), own in series.items():
        axes.errorbar(
            [row.batch_size for row in own], [row.median for row in own],
            [[row.median - row.low for row in own], [row.high - row.median for row in own]],
            color=looks.by_variant.get(variant, GREY), marker=looks.by_latent_dim.get(size, MARKERS[-1]),
            linestyle=LINES[networks.index(network) % len(LINES)], capsize=2.5, elinewidth=1.0,
            label=" ".join([name, f"latent size {size}", *([network] if len(networks) > 1 else [])]),
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    sizes = sorted({row.batch_size for row in rows})
    axes.set_xticks(sizes, [str(size) for size in sizes], minor=False)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("batch size")
