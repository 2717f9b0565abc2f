"""What a timing's rounds say: quartiles of images/s, whether they are steady, share of the device's peak. No Keras."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aebench.records.record import Environment, OperationTiming, RunRecord, TimingRecord

WIDE = 0.10  # an interquartile range above this share of the median is flagged wherever a speed is shown


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Quartiles of some speeds, in images/s.

    Attributes:
        count: how many speeds.
    """

    low: float
    median: float
    high: float
    count: int

    @property
    def spread(self) -> float:
        """Interquartile range over median."""
        return (self.high - self.low) / self.median

    @property
    def wide(self) -> bool:
        """Whether it is too unsteady to be believed without a caution."""
        return self.spread > WIDE


def rate(images_per_s: Sequence[float] | np.ndarray) -> Rate:
    """Quartiles of speeds, at least one."""
    low, median, high = np.percentile(np.asarray(images_per_s), [25, 50, 75])
    return Rate(low=float(low), median=float(median), high=float(high), count=len(images_per_s))


def rate_of(timed: OperationTiming) -> Rate:
    """Quartiles over the faster half of an operation's rounds; `count` is of all rounds."""
    return replace(rate(timed.images / faster_half(timed.seconds)), count=len(timed.seconds))


def faster_half(seconds: Sequence[float]) -> np.ndarray:
    """The shorter half of some times: whatever else a machine does makes a round longer, and never shorter."""
    return np.sort(seconds)[: (len(seconds) + 1) // 2]


def share_of_peak(record: TimingRecord, operation: str) -> float | None:
    """Median FLOP/s of an operation over what matrix products of its precision reach there; `None` where not known."""
    timed = record.operations[operation]
    if timed.flops_per_image is None or record.matmul_flops_per_s is None:
        return None
    return timed.flops_per_image * rate_of(timed).median / record.matmul_flops_per_s


def study_images_per_s(records: Iterable[RunRecord]) -> float | None:
    """Images that all runs saw in training over the time that it took, without compilation; `None` of no runs."""
    times = [(item.metrics.get("train_images_per_s"), item.metrics.get("train_seconds")) for item in records]
    known = [(speed * share, share) for speed, share in times if speed is not None and share is not None]
    return sum(images for images, _ in known) / sum(share for _, share in known) if known else None


def device_name(environment: Environment) -> str:
    """`CPU: AMD EPYC (2 cores)`."""
    cores = f" ({environment.cores} cores)" if environment.device_kind == "CPU" else ""
    return f"{environment.device_kind}: {environment.device}{cores}"
