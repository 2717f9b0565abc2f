"""Timings as rows: every timed operation of every configuration, always with the device's name. Imports no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aebench.records.rates import device_name, rate_of, share_of_peak
from aebench.records.record import OperationTiming, TimingRecord
from aebench.records.spec import Precision, variant_label


@dataclass(frozen=True, kw_only=True)
class TimedOperation:
    """One operation of one configuration at one batch size on one device.

    Attributes:
        shape: of the images, `28x28x1`.
        low, median, high: quartiles of images/s over the faster half of the kept rounds.
        share_of_peak: of the device's own matrix products in the same process; `None` where not known.
    """

    name: str
    variant: str
    latent_dim: int
    network: str
    shape: str
    operation: str
    batch_size: int
    device: str
    backend: str
    precision: Precision
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

    @property
    def place(self) -> tuple[str, str, str]:
        """Device, backend and precision: what speeds are compared between."""
        return self.device, self.backend, self.precision


def timed_operations(timings: Sequence[TimingRecord]) -> list[TimedOperation]:
    """One row an operation, slowest changing first: device, backend, precision, operation, variant, sizes."""
    rows = [_timed(record, name, timed) for record in timings for name, timed in record.operations.items()]
    operations = list(dict.fromkeys(row.operation for row in rows))
    return sorted(
        rows,
        key=lambda row: (
            row.place,
            operations.index(row.operation),
            row.name,
            row.latent_dim,
            row.network,
            row.shape,
            row.batch_size,
        ),
    )


def _timed(record: TimingRecord, operation: str, timed: OperationTiming) -> TimedOperation:
    rate, spec = rate_of(timed), record.spec
    return TimedOperation(
        name=variant_label(spec.variant, spec.options),
        variant=spec.variant,
        latent_dim=spec.latent_dim,
        network=spec.network,
        shape="x".join(map(str, spec.image_shape)),
        operation=operation.replace("_", " "),
        batch_size=spec.batch_size,
        device=device_name(record.environment),
        backend=spec.backend,
        precision=spec.precision,
        low=rate.low,
        median=rate.median,
        high=rate.high,
        rounds=rate.count,
        compile_seconds=timed.compile_seconds,
        share_of_peak=share_of_peak(record, operation),
    )
