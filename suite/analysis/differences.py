"""Paired differences of two configurations, over seeds and test images. Imports no Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aebench.analysis.configurations import Configuration
from aebench.analysis.statistics import Difference, crossed_difference, difference_of
from aebench.measures import METRICS
from aebench.records.record import RunRecord

PerImage = Callable[[RunRecord, str], np.ndarray | None]  # a metric of each test image in a run, (n,), if it is known


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
    rows = [_rows(item, seeds, metric, images) for item in (first, second)]
    if seeds and all(row is not None for row in rows):
        one, other = (np.stack([part for part in row if part is not None]) for row in rows if row is not None)
        if one.shape == other.shape and one.shape[1] > 1:
            return crossed_difference(one.astype("float64") - other, margin)
    return difference_of([ours[seed] - theirs[seed] for seed in seeds], margin)


def _rows(
    item: Configuration, seeds: Sequence[int], metric: str, images: PerImage | None
) -> list[np.ndarray | None] | None:
    """The metric of each test image in the run of each seed; `None` where a run's are not known."""
    if images is None:
        return None
    of_seed = {record.spec.seed: record for record in item.usable}
    rows = [images(of_seed[seed], metric) for seed in seeds]
    return None if any(row is None for row in rows) else rows
