"""Paired differences of two configurations, over seeds and test images. Imports no Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from aebench.analysis.configurations import Configuration
from aebench.analysis.statistics import Difference, crossed_difference, difference_of
from aebench.measures import METRICS
from aebench.records.record import RunRecord

Rows = list[np.ndarray]  # of each seed, (n,)


class PerImage(Protocol):
    """The numbers of single test images in finished runs."""

    def __call__(self, record: RunRecord, metric: str, /) -> np.ndarray | None:
        """A metric of each test image in a run, `(n,)`; `None` where it is not known."""

    def count(self, record: RunRecord, metric: str, /) -> int:
        """The number of test images it is known of, found without reading their numbers; 0 where it is not."""


@dataclass(frozen=True)
class Held:
    """Numbers of single test images that are in memory.

    Attributes:
        of: a metric of each test image in a run, `(n,)`; `None` where it is not known.
    """

    of: Callable[[RunRecord, str], np.ndarray | None]

    def __call__(self, record: RunRecord, metric: str, /) -> np.ndarray | None:
        """See `PerImage`."""
        return self.of(record, metric)

    def count(self, record: RunRecord, metric: str, /) -> int:
        """See `PerImage`."""
        return 0 if (known := self.of(record, metric)) is None else len(known)


NONE_KNOWN: Final = Held(lambda record, metric: None)  # noqa: ARG005


def paired_difference(
    first: Configuration, second: Configuration, metric: str, images: PerImage | None = None
) -> Difference | None:
    """First minus second over the seeds that both have.

    Args:
        first, second: configurations whose runs of one seed share every random stream.
        metric: a name in `METRICS`.
        images: each run's numbers of single test images; with them the interval is over seeds and test images.

    Returns:
        The difference, or `None` without a common seed.
    """
    margin, ours, theirs = METRICS[metric].margin, first.values(metric), second.values(metric)
    seeds = sorted(ours.keys() & theirs.keys())
    crossed = _crossed(_rows(first, seeds, metric, images), _rows(second, seeds, metric, images), margin)
    return crossed or difference_of([ours[seed] - theirs[seed] for seed in seeds], margin)


def reference_difference(
    item: Configuration, metric: str, reference: str, images: PerImage | None = None
) -> Difference | None:
    """A configuration's metric minus that of a reference in the same runs; `None` where no run has both.

    Args:
        item: whose.
        metric, reference: names in `METRICS`.
        images: each run's numbers of single test images; with those of both the interval is over seeds and test images.
    """
    margin, ours, theirs = METRICS[metric].margin, item.values(metric), item.values(reference)
    seeds = sorted(ours.keys() & theirs.keys())
    crossed = _crossed(_rows(item, seeds, metric, images), _rows(item, seeds, reference, images), margin)
    return crossed or difference_of([ours[seed] - theirs[seed] for seed in seeds], margin)


def _crossed(ours: Rows | None, theirs: Rows | None, margin: float | None) -> Difference | None:
    """The difference over seeds and test images; `None` where single images are not known of both."""
    if not ours or not theirs:
        return None
    one, other = np.stack(ours), np.stack(theirs)
    if one.shape != other.shape or one.shape[1] < 2:
        return None
    return crossed_difference(one.astype("float64") - other, margin)


def _rows(item: Configuration, seeds: Sequence[int], metric: str, images: PerImage | None) -> Rows | None:
    """The metric of each test image in the run of each seed; `None` where a run's are not known."""
    if images is None:
        return None
    of_seed = {record.spec.seed: record for record in item.usable}
    rows = [images(of_seed[seed], metric) for seed in seeds]
    known = [row for row in rows if row is not None]
    return known if len(known) == len(rows) else None
