"""Seeds that fall into two groups, and what so few seeds cannot see. Imports no Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aebench.analysis.configurations import Board, Configuration
from aebench.analysis.statistics import ALPHA

LEAST_SEEDS = 3  # of two, none is apart from the others
# Spreads differ between configurations, and of few seeds some lie close together by luck: a gap is held against what
# all but a tenth of the board's configurations spread, and of three or four seeds that takes several configurations.
_USUAL = 0.9
_LEAST_CONFIGURATIONS = {3: 3, 4: 3}
# What the widest gap has to exceed: the first for few configurations, the second times the cube root of their number
# (of more than five seeds, of a fifth of the runs' number), as far as the largest of many draws of t with 3 degrees of
# freedom lie out. Found by simulation, with normal runs, heavy tails and spreads that differ by a factor of 30 and
# more, 3 to 20 seeds and 1 to 120 configurations: docs/robust-statistics.md has what they attain.
_LEAST_GAPS = {3: (26.0, 11.5), 4: (10.0, 4.7)}
_LEAST_GAP_OF_MORE = (9.0, 4.7)
_CALIBRATED = 5  # seeds


@dataclass(frozen=True, kw_only=True)
class Split:
    """A configuration whose seeds fall into two groups in one metric.

    Attributes:
        item: the configuration.
        metric: a name in `METRICS`.
        lower, upper: values by seed, those below the widest gap and those above it.
        gap: its width in standard deviations within groups, or in what is usual on the board where that is larger.
    """

    item: Configuration
    metric: str
    lower: Mapping[int, float]
    upper: Mapping[int, float]
    gap: float

    @property
    def fewer(self) -> Mapping[int, float]:
        """The smaller group, the lower one of two that are equally large."""
        return self.upper if len(self.upper) < len(self.lower) else self.lower

    @property
    def more(self) -> Mapping[int, float]:
        """The other group."""
        return self.lower if self.fewer is self.upper else self.upper


def splits(board: Board, metric: str) -> list[Split]:
    """The configurations of a board whose seeds fall into two groups; in 95 of 100 boards none does by luck alone.

    The widest gap between neighbouring values is held against the spread within the two groups that it makes, or
    against what nine in ten of the board's configurations stay below, where that is larger.
    """
    known = [(item, own) for item in board if len(own := item.values(metric)) >= LEAST_SEEDS]
    if not known:
        return []
    usual = float(np.quantile([_widest([*values.values()])[2] for _, values in known], _USUAL))
    found = (_split(item, metric, values, usual, len(known)) for item, values in known)
    return [one for one in found if one is not None]


def least_gap(seeds: int, configurations: int) -> float:
    """Which gap, in standard deviations within groups, a configuration of so many seeds on such a board has to exceed.

    Args:
        seeds: three at least.
        configurations: how many of the board are looked at.
    """
    if configurations < _LEAST_CONFIGURATIONS.get(seeds, 1):
        return float("inf")
    few, many = _LEAST_GAPS.get(seeds, _LEAST_GAP_OF_MORE)
    return max(few, many * float(np.cbrt(configurations * max(seeds / _CALIBRATED, 1.0))))


def chance_unseen(rate: float, seeds: int) -> float:
    """How likely it is that none of so many seeds shows what befalls each with this probability."""
    return float((1.0 - rate) ** seeds)


def highest_unseen_rate(seeds: int) -> float:
    """Upper end of the one-sided 95 % interval of a rate of which so many seeds have shown nothing (exact binomial)."""
    return 1.0 - float(ALPHA ** (1.0 / seeds))


def _split(
    item: Configuration, metric: str, values: Mapping[int, float], usual: float, configurations: int
) -> Split | None:
    ordered = dict(sorted(values.items(), key=lambda pair: pair[1]))
    below, width, within = _widest([*ordered.values()])
    within = max(within, usual)
    scale = 1e-9 * max(map(abs, ordered.values()))  # a gap that is smaller is rounding
    if width <= scale or width <= least_gap(len(ordered), configurations) * within:
        return None
    pairs = [*ordered.items()]
    return Split(
        item=item,
        metric=metric,
        lower=dict(pairs[:below]),
        upper=dict(pairs[below:]),
        gap=width / within if within > 0.0 else float("inf"),
    )


def _widest(values: Sequence[float]) -> tuple[int, float, float]:
    """How many of three values or more lie below the widest gap, its width, and the standard deviation in groups."""
    ordered = np.sort(np.asarray(values, "float64"))
    gaps = np.diff(ordered)
    below = int(gaps.argmax()) + 1
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in (ordered[:below], ordered[below:]))
    return below, float(gaps.max()), float(np.sqrt(squares / (len(ordered) - 2)))
