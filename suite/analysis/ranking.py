"""A board's configurations held against each other in one metric, all at once. Imports no Keras."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from aebench.analysis.configurations import Configuration
from aebench.analysis.differences import PerImage
from aebench.analysis.simultaneous import Doubt, Gap, Pairs, Values
from aebench.measures import METRICS
from aebench.records.record import RunRecord


@dataclass(frozen=True)
class Ranking:
    """Who is best in one metric, and who cannot be told from the best.

    Attributes:
        metric: a name in `METRICS` with a direction that is better.
        board: configurations; those without two runs that have the metric, or with a bound on it alone, take no part.
        images: each run's numbers of single test images.
    """

    metric: str
    board: Sequence[Configuration]
    images: PerImage

    @property
    def sign(self) -> float:
        """1 where higher is better, -1 where lower is."""
        return -1.0 if METRICS[self.metric].better == "lower" else 1.0

    @property
    def scored(self) -> list[Configuration]:
        """Those that have the metric, from a single run too; a bound on it is no number to be ranked by."""
        return [
            item for item in self.board if item.summaries[self.metric].mean is not None and item.certified(self.metric)
        ]

    @cached_property
    def items(self) -> list[Configuration]:
        """Those that take part, in the board's order: a single run says nothing of others."""
        return [item for item in self.scored if item.summaries[self.metric].n > 1]

    @property
    def on_test(self) -> Configuration:
        """The best mean on test of those that take part; of all where none does."""
        return max(self.items or self.scored, key=lambda item: self.sign * (item.summaries[self.metric].mean or 0.0))

    @cached_property
    def best(self) -> tuple[Configuration, ...]:
        """The set of the best, the best mean first: in 95 % of boards all that are truly best are in it."""
        if len(self.items) < 2:
            return ()
        own = [self.items[at] for at in self._pairs.set_of_best(self.sign)]
        return tuple(sorted(own, key=lambda item: -self.sign * (item.summaries[self.metric].mean or 0.0)))

    def gaps(self, first: Configuration, others: Sequence[Configuration]) -> list[Gap | None]:
        """Each of the others minus the first with an interval that holds for all pairs of the board together.

        `None` is of those that take no part, and of all where the first does not.
        """
        places = {id(item): at for at, item in enumerate(self.items)}
        there = [item for item in others if id(item) in places and id(first) in places]
        found = self._pairs.gaps(places[id(first)], [places[id(item)] for item in there]) if there else []
        known = {id(item): gap for item, gap in zip(there, found, strict=True)}
        return [known.get(id(item)) for item in others]

    def doubt(self, first: Configuration, others: Sequence[Configuration]) -> Doubt | None:
        """What keeps differences between one and others from being told; `None` where one of them takes no part."""
        at = {id(item): place for place, item in enumerate(self.items)}
        if id(first) not in at or not others or any(id(item) not in at for item in others):
            return None
        return self._pairs.doubt(at[id(first)], [at[id(item)] for item in others])

    @cached_property
    def _pairs(self) -> Pairs:
        means = [item.values(self.metric) for item in self.items]
        counts = {self._count(item) for item in self.items}
        if len(counts) > 1 or 0 in counts:
            return Pairs(means=means)
        # A run's number is the mean over its images, which are read of those pairs alone whose answer hangs on them.
        return Pairs(
            means=means,
            images=counts.pop(),
            of_images=lambda at: self._of_images(self.items[at]),
            image_sd=[max(run.image_sd.get(self.metric, math.inf) for run in self._runs(item)) for item in self.items],
        )

    def _runs(self, item: Configuration) -> list[RunRecord]:
        """Those of its runs that have the metric."""
        return [record for record in item.usable if record.metrics.get(self.metric) is not None]

    def _count(self, item: Configuration) -> int:
        """How many test images are behind its numbers; 0 where that is not known, or differs between its runs."""
        counts = {self.images.count(record, self.metric) for record in self._runs(item)}
        return counts.pop() if len(counts) == 1 else 0

    def _of_images(self, item: Configuration) -> Values:
        """The metric of each test image by seed."""
        found = {record.spec.seed: self.images(record, self.metric) for record in self._runs(item)}
        return {seed: array for seed, array in found.items() if array is not None}
