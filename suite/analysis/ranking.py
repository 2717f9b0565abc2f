"""A board's configurations held against each other in one metric, all at once. Imports no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aebench.analysis.configurations import Configuration
from aebench.analysis.differences import PerImage
from aebench.analysis.simultaneous import Doubt, Gap, Pairs, Values, pairs
from aebench.measures import METRICS


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

    def gap(self, first: Configuration, second: Configuration) -> Gap | None:
        """First minus second with an interval that holds for all pairs together; `None` where one takes no part."""
        places = [next((at for at, own in enumerate(self.items) if own is item), None) for item in (first, second)]
        return None if None in places else self._pairs.gap(*places)  # type: ignore[arg-type]

    def doubt(self, first: Configuration, others: Sequence[Configuration]) -> Doubt | None:
        """What keeps differences between one and others from being told; `None` where one of them takes no part."""
        at = {id(item): place for place, item in enumerate(self.items)}
        if id(first) not in at or not others or any(id(item) not in at for item in others):
            return None
        return self._pairs.doubt(at[id(first)], [at[id(item)] for item in others])

    @cached_property
    def _pairs(self) -> Pairs:
        of_images = [self._of_images(item) for item in self.items]
        shapes = {array.shape for own in of_images if own is not None for array in own.values()}
        if all(own is not None for own in of_images) and len(shapes) == 1:
            return pairs([own for own in of_images if own is not None])
        return pairs([{seed: np.array([value]) for seed, value in item.values(self.metric).items()}
                      for item in self.items])  # fmt: skip

    def _of_images(self, item: Configuration) -> Values | None:
        """The metric of each test image by seed; `None` where a run's are not known."""
        seeds = item.values(self.metric)
        found = {record.spec.seed: self.images(record, self.metric) for record in item.usable
                 if record.spec.seed in seeds}  # fmt: skip
        known = {seed: array for seed, array in found.items() if array is not None}
        return known if len(known) == len(found) else None
