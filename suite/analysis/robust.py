"""Interquartile means, performance profiles and probabilities of improvement with bootstrap intervals (Agarwal 2021).

What one bad run in five does to a mean, it does not do to these. A variant's runs come in blocks, such as one a latent
size; each block is resampled on its own. Imports no Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aebench.analysis.statistics import ALPHA

Floats = npt.NDArray[np.float64]
Blocks = Sequence[Floats]  # a variant's scores, higher is better: `(..., runs)` of each block
RESAMPLES = 2000
# Runs less blocks: of a single block, of several, and of several of which one has three runs only. With fewer, or two
# runs in a block, intervals would hold the truth in 73 to 92 of 100 cases.
LEAST_FREEDOM, LEAST_FREEDOM_OF_SEVERAL, LEAST_FREEDOM_OF_THREES = 4, 6, 8
LEAST_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval; both ends are `None` where there are too few runs."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The share of runs that score above each threshold, with pointwise 95 % intervals: all `(thresholds,)`.

    `low` and `high` are `None` where there are too few runs.
    """

    thresholds: Floats
    share: Floats
    low: Floats | None
    high: Floats | None


def interquartile_mean(blocks: Blocks) -> Floats:
    """The mean of the middle half of all runs of all blocks, `(...)`; a quarter, rounded down, is cut at each end."""
    ordered = np.sort(np.concatenate(blocks, axis=-1), axis=-1)
    cut = int(0.25 * ordered.shape[-1])
    found: Floats = ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)
    return found


def improvement(first: Blocks, second: Blocks) -> Floats:
    """How often a run of the first scores above one of the second, a tie as half, averaged over blocks: `(...)`."""
    apart = [one[..., :, None] - other[..., None, :] for one, other in zip(first, second, strict=True)]
    found: Floats = np.mean([((gap > 0) + 0.5 * (gap == 0)).mean(axis=(-1, -2)) for gap in apart], axis=0)
    return found


def shares_above(blocks: Blocks, thresholds: Floats) -> Floats:
    """The share of all runs that score above each threshold: `(..., thresholds)`."""
    runs = np.concatenate(blocks, axis=-1)
    return np.stack([(runs > threshold).mean(axis=-1) for threshold in thresholds], axis=-1)


def resampled(blocks: Blocks, rng: np.random.Generator, count: int = RESAMPLES) -> list[Floats]:
    """Each block drawn anew `count` times: `(count, runs)` each.

    Each draw leaves out one run at random and takes as many as there were of the others, with replacement ("bootknife",
    Hesterberg 2004): plainly drawn, five runs vary by a tenth too little.
    """
    return [_redrawn(runs, rng, count) for runs in blocks]


def interval(drawn: Floats, freedom: int) -> Floats:
    """Ends of the 95 % percentile interval, `(2, ...)`, of statistics `(count, ...)` of resamples.

    The percentiles lie as much further out as Student's t does beyond the normal distribution (Hesterberg 2015).

    Args:
        drawn: one statistic of each resample, along the first axis.
        freedom: runs less blocks.
    """
    from scipy.special import ndtr, stdtrit

    tail = float(ndtr(stdtrit(freedom, ALPHA / 2.0)))
    found: Floats = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return found


def mean_estimate(blocks: Blocks) -> Estimate:
    """The interquartile mean with its interval."""
    freedom, value = _freedom(blocks), float(interquartile_mean(blocks))
    if freedom is None:
        return Estimate(value=value, low=None, high=None)
    low, high = interval(interquartile_mean(resampled(blocks, np.random.default_rng(0))), freedom)
    return Estimate(value=value, low=float(low), high=float(high))


def improvement_estimate(first: Blocks, second: Blocks) -> Estimate:
    """The probability of improvement with its interval; both have the same blocks.

    Where every run of the one beats every run of the other, so does every resample. The interval then ends where the
    probability that all of as many independent pairs go one way falls to 2.5 %.
    """
    value, own, theirs = float(improvement(first, second)), _freedom(first), _freedom(second)
    if own is None or theirs is None:
        return Estimate(value=value, low=None, high=None)
    rng = np.random.default_rng(0)
    low, high = map(float, interval(improvement(resampled(first, rng), resampled(second, rng)), min(own, theirs)))
    pairs = sum(min(len(one), len(other)) for one, other in zip(first, second, strict=True))
    least = _least(pairs)
    if value == 1.0:
        low = min(low, least)
    if value == 0.0:
        high = max(high, 1.0 - least)
    return Estimate(value=value, low=low, high=high)


def profile_estimate(blocks: Blocks, thresholds: Floats) -> Profile:
    """The performance profile with pointwise intervals; where all runs or none score above, as of an improvement."""
    freedom, share = _freedom(blocks), shares_above(blocks, thresholds)
    if freedom is None:
        return Profile(thresholds=thresholds, share=share, low=None, high=None)
    low, high = interval(shares_above(resampled(blocks, np.random.default_rng(0)), thresholds), freedom)
    least = _least(sum(map(len, blocks)))
    low, high = np.where(share == 1.0, least, low), np.where(share == 0.0, 1.0 - least, high)
    return Profile(thresholds=thresholds, share=share, low=low, high=high)


def _least(count: int) -> float:
    """The probability with which all of so many independent cases go one way in 2.5 % of all."""
    return float((ALPHA / 2.0) ** (1.0 / count))


def _freedom(blocks: Blocks) -> int | None:
    """Runs less blocks; `None` where there are too few for an interval."""
    found, fewest = sum(len(runs) - 1 for runs in blocks), min(map(len, blocks))
    several = LEAST_FREEDOM_OF_THREES if fewest == LEAST_RUNS else LEAST_FREEDOM_OF_SEVERAL
    return found if fewest >= LEAST_RUNS and found >= (several if len(blocks) > 1 else LEAST_FREEDOM) else None


def _redrawn(runs: Floats, rng: np.random.Generator, count: int) -> Floats:
    if len(runs) == 1:
        return np.repeat(runs[None], count, axis=0)
    left_out = rng.integers(len(runs), size=(count, 1))
    drawn = rng.integers(len(runs) - 1, size=(count, len(runs)))
    found: Floats = runs[drawn + (drawn >= left_out)]
    return found
