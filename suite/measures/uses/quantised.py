"""Quantised codes: rounded to steps, and what they cost to store under what training codes tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TAIL_DEGREES = 3.0  # of the t-distribution that stands in for levels that no training code has
HALVINGS = 14  # of the interval of steps, on a logarithmic scale: these are then met to a thousandth
FINEST, COARSEST = 2.0**-12, 2.0**6  # of the scales; what costs less at the finest is stored as it is


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantiser:
    """A quantiser of codes and the lengths of its levels, dimension by dimension.

    Attributes:
        middle: mean of the training codes, `(d,)`: level 0.
        steps: between levels, `(d,)`; infinite where a dimension is left out.
        levels, counts: that training codes have, and how many of them, of each dimension.
        spread: standard deviation of the training codes in steps, `(d,)`.
        total: how many training codes.
    """

    middle: np.ndarray
    steps: np.ndarray
    levels: Sequence[np.ndarray]
    counts: Sequence[np.ndarray]
    spread: np.ndarray
    total: int

    def quantise(self, codes: np.ndarray) -> np.ndarray:
        """The level that each number of codes `(n, d)` is nearest to, whole numbers as float64."""
        return np.asarray(np.rint((codes - self.middle) / self.steps))

    def restore(self, levels: np.ndarray) -> np.ndarray:
        """Codes `(n, d)` at their levels."""
        return np.asarray(self.middle + levels * np.where(np.isfinite(self.steps), self.steps, 0.0))

    def bits(self, levels: np.ndarray) -> np.ndarray:
        """What it takes to store each of these codes, `(n,)`: what an arithmetic coder comes to within a bit or two.

        Each dimension by itself, a level with the probability of its share among the training codes, to which one code
        is added that is spread over all levels as a t-distribution: so that no level is impossible.
        """
        logs = [np.log2(self.probabilities(at, column)) for at, column in enumerate(levels.T)]
        return np.asarray(-np.sum(logs, axis=0))

    def probabilities(self, at: int, levels: np.ndarray) -> np.ndarray:
        """Those of levels `(n,)` of the dimension `at`; of all whole numbers together 1."""
        known, counts = self.levels[at], self.counts[at]
        places = np.minimum(np.searchsorted(known, levels), len(known) - 1)
        seen = np.where(known[places] == levels, counts[places], 0)
        return np.asarray((seen + _rounded_t(levels, float(self.spread[at]))) / (self.total + 1.0))


def _rounded_t(levels: np.ndarray, spread: float) -> np.ndarray:
    """Probabilities of whole numbers under a rounded t-distribution of that spread; all at 0 where there is none."""
    from scipy.special import stdtr

    if spread == 0.0:
        return np.asarray((levels == 0.0).astype("float64"))
    size = np.abs(levels)  # in the lower tail, where differences of small numbers keep their digits
    above, below = (stdtr(TAIL_DEGREES, (-size + half) / spread) for half in (0.5, -0.5))
    return np.asarray(above - below)


def quantiser(train: np.ndarray, scales: np.ndarray, share: float) -> Quantiser:
    """The quantiser with steps of a `share` of the scales.

    Args:
        train: codes `(n, d)`, float64.
        scales: what a step is measured in, `(d,)`; infinite, or 0, where a dimension is to be left out.
        share: the same for all dimensions.
    """
    middle, steps = train.mean(axis=0), np.where(scales > 0, share * scales, np.inf)
    found = np.rint((train - middle) / steps)
    pairs = [np.unique(column, return_counts=True) for column in found.T]
    spread = np.where(np.isfinite(steps), train.std(axis=0) / steps, 0.0)
    return Quantiser(
        middle=middle,
        steps=steps,
        levels=[levels for levels, _ in pairs],
        counts=[counts for _, counts in pairs],
        spread=spread,
        total=len(train),
    )


def at_rate(train: np.ndarray, scales: np.ndarray, bits: float) -> Quantiser:
    """The finest quantiser with which the training codes take no more than `bits` each, in the mean.

    Args:
        train: codes `(n, d)`, float64.
        scales: see `quantiser`.
        bits: in steps between `FINEST` and `COARSEST` of the scales.
    """
    fine, coarse = math.log(FINEST), math.log(COARSEST)
    if _rate(train, scales, FINEST) <= bits:
        return quantiser(train, scales, FINEST)
    for _ in range(HALVINGS):
        middle = 0.5 * (fine + coarse)
        fine, coarse = (fine, middle) if _rate(train, scales, math.exp(middle)) <= bits else (middle, coarse)
    return quantiser(train, scales, math.exp(coarse))


def _rate(train: np.ndarray, scales: np.ndarray, share: float) -> float:
    """Mean of `bits` of the training codes themselves."""
    found = quantiser(train, scales, share)
    known = zip(found.levels, found.counts, strict=True)
    costs = (counts @ -np.log2(found.probabilities(at, levels)) for at, (levels, counts) in enumerate(known))
    return float(sum(costs)) / len(train)
