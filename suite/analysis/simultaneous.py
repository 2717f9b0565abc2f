"""Many configurations held against each other at once: a set of the best that errs in few boards. Imports no Keras.

Among many rivals some always look worse by luck. So every pair is looked at with the level of all pairs together, and
since five seeds tell little of a single pair's spread, pairs lend each other what they know of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aebench.analysis.statistics import ALPHA

Values = Mapping[int, np.ndarray]  # of one configuration by seed: its number of each test image, or that of all, (n,)
_ROUNDING = 1e-9  # a spread that is smaller beside the values is none
_LENDING = 6  # configurations from which on the spread of their spreads can be told


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A mean difference with an interval that holds together with those of all other pairs of a board."""

    mean: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """What keeps differences from being told: medians over some pairs.

    Attributes:
        least: how large a difference has to be for its interval, which holds together with all others, to leave out 0.
        seed_se, image_se: standard errors from seeds, and from the choice of test images.
    """

    least: float
    seed_se: float
    image_se: float


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Mean paired differences of `m` configurations, row minus column, and what makes them unsure: all `(m, m)`.

    Attributes:
        mean: differences.
        seed_se, seed_df: standard errors from seeds, and their degrees of freedom; moderated, see `moderated`.
        image_se: from the choice of test images; 0 where single images' numbers are not known.
        image_df: its degrees of freedom.
        known: whether two seeds at least are common to both.
    """

    mean: np.ndarray
    seed_se: np.ndarray
    seed_df: np.ndarray
    image_se: np.ndarray
    image_df: float
    known: np.ndarray

    def half_widths(self, alpha: float) -> np.ndarray:
        """Half the widths of two-sided intervals at 1 - α each.

        The two sources' own half-widths add up in squares, as in `statistics.Difference`: far out in the tails, where
        many pairs put the level, Satterthwaite's single t distribution is too narrow (with 28 equal configurations it
        marks some as worse in 12 to 18 % of boards at a level of 5 %).
        """
        from scipy.special import stdtrit

        df, places = np.unique(self.seed_df, return_inverse=True)
        seeds = stdtrit(df, 1.0 - alpha / 2.0)[places].reshape(self.seed_df.shape) * self.seed_se
        images = stdtrit(self.image_df, 1.0 - alpha / 2.0) * self.image_se
        return np.where(self.known, np.hypot(seeds, images), np.inf)

    def gap(self, first: int, second: int) -> Gap | None:
        """First minus second with an interval at 95 % for all pairs together; `None` without two common seeds."""
        if not self.known[first, second]:
            return None
        mean, half = float(self.mean[first, second]), float(self.half_widths_together[first, second])
        return Gap(mean=mean, low=mean - half, high=mean + half)

    def doubt(self, first: int, others: Sequence[int]) -> Doubt | None:
        """What makes the differences of one from others unsure; `None` where none has two common seeds."""
        known = [other for other in others if self.known[first, other]]
        if not known:
            return None
        least, seeds, images = (
            float(np.median(each[first, known])) for each in (self.half_widths_together, self.seed_se, self.image_se)
        )
        return Doubt(least=least, seed_se=seeds, image_se=images)

    @cached_property
    def half_widths_together(self) -> np.ndarray:
        """Those of intervals that hold for all pairs together at 95 %: they share α (Bonferroni)."""
        return self.half_widths(ALPHA / max(_pairs_of(len(self.mean)), 1))

    def set_of_best(self, sign: float) -> np.ndarray:
        """Places of those of which none can be told from the best: all that are best are in it in 95 % of boards.

        Steps down as a model confidence set (Hansen, Lunde & Nason 2011): what is clearly worse than another leaves,
        and those that stay share α anew, until none leaves.

        Args:
            sign: 1 where higher is better, -1 where lower is.
        """
        there = np.arange(len(self.mean))
        while len(there) > 1:
            own = np.ix_(there, there)
            half = self.half_widths(ALPHA / _pairs_of(len(there)))[own]
            worse = (sign * self.mean[own] < -half).any(axis=1)
            if not worse.any():
                break
            there = there[~worse]
        return there


def _pairs_of(count: int) -> int:
    return count * (count - 1) // 2


def pairs(values: Sequence[Values]) -> Pairs:
    """Differences of all pairs over the seeds that both have, and over test images where all have each image's number.

    Args:
        values: of each configuration; arrays of the same length, of length 1 where images are not known.
    """
    count, image_df = len(values), max(min(len(next(iter(own.values()))) for own in values) - 1, 1)
    mean, seeds, images, df = (np.zeros((count, count)) for _ in range(4))
    groups: dict[frozenset[int], list[int]] = {}
    for at, own in enumerate(values):
        groups.setdefault(frozenset(own), []).append(at)
    for first, rows in groups.items():
        for second, columns in groups.items():
            common = sorted(first & second)
            if not common:
                continue
            union = [*rows, *(() if first == second else columns)]
            table = np.array([[values[at][seed] for seed in common] for at in union], "float64")
            found, block = _crossed(table), np.ix_(rows, columns)
            cross = np.ix_(range(len(rows)), range(len(union) - len(columns), len(union)))
            mean[block], seeds[block], images[block] = (part[cross] for part in found)
            df[block] = len(common) - 1
    known = df > 0
    square, df = moderated(np.where(known, seeds, 0.0), df, count)
    return Pairs(
        mean=mean, seed_se=np.sqrt(square), seed_df=df, image_se=np.sqrt(images), image_df=image_df, known=known
    )


def _crossed(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean difference, and its squared error from seeds and from images, of all pairs in `(m, seeds, images)`.

    Two-way random effects, as `statistics.crossed_difference` has them for a single pair. What neither source explains
    counts with the seeds and is taken from the images.
    """
    _, seeds, images = table.shape
    by_seed, by_image, mean = table.mean(axis=2), table.mean(axis=1), table.mean(axis=(1, 2))
    scale = _ROUNDING * np.abs(mean)
    differences = mean[:, None] - mean[None, :]
    if seeds < 2:
        return differences, np.zeros_like(differences), np.zeros_like(differences)
    of_seeds = _squares(by_seed - mean[:, None]) / ((seeds - 1) * seeds)
    of_seeds[of_seeds <= np.maximum.outer(scale, scale) ** 2] = 0.0
    if images < 2:
        return differences, of_seeds, np.zeros_like(of_seeds)
    of_images = _squares(by_image - mean[:, None]) / ((images - 1) * images)
    rest = table - by_seed[:, :, None] - by_image[:, None, :] + mean[:, None, None]
    of_rest = _squares(rest.reshape(len(table), -1)) / ((seeds - 1) * (images - 1) * seeds * images)
    return differences, of_seeds, np.maximum(of_images - of_rest, 0.0)


def _squares(rows: np.ndarray) -> np.ndarray:
    """The squared distance of each two rows."""
    products = rows @ rows.T
    own = np.diag(products)
    squares: np.ndarray = np.maximum(own[:, None] + own[None, :] - 2.0 * products, 0.0)
    return squares


def moderated(squares: np.ndarray, df: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared standard errors of pairs drawn towards what all pairs have in common, and their degrees of freedom.

    Args:
        squares: `(m, m)`, symmetric; 0 where there is no spread, which stays as it is.
        df: their degrees of freedom, alike.
        count: m.
    """
    upper = np.triu(np.ones(squares.shape, bool), 1)
    return drawn_together(squares, df, count, upper, least=_pairs_of(_LENDING), doubt=0.5)


def drawn_together(
    squares: np.ndarray, df: np.ndarray, count: int, told: np.ndarray, *, least: int, doubt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Squared standard errors drawn towards what all have in common, and their degrees of freedom (Smyth 2004).

    The true squares are taken to follow a scaled inverse χ² distribution, whose scale and degrees of freedom come from
    the mean and variance of the logarithms that are given. Where they differ much in spread, there is little to draw.
    None gets more degrees of freedom than the configurations have together, and of few each keeps its own.

    Args:
        squares: of any shape; 0 where there is no spread, which stays as it is.
        df: their degrees of freedom, alike.
        count: configurations behind them.
        told: which of them tell each something of its own.
        least: how many of these must have a spread for any to be drawn.
        doubt: of how much they differ, configurations tell no more than their number: so many standard errors of it are
            added.
    """
    from scipy.special import digamma, polygamma

    telling = told & (squares > 0) & (df > 0)
    if np.count_nonzero(telling) < least:
        return squares, np.maximum(df, 1.0)
    own = df[telling]
    logs = np.log(squares[telling]) - digamma(own / 2.0) + np.log(own / 2.0)
    found = float(logs.var(ddof=1)) * (1.0 + doubt * np.sqrt(2.0 / (count - 1)))
    excess = found - float(polygamma(1, own / 2.0).mean())
    most = (count - 1) * float(own.max())
    prior = min(2.0 * _inverse_trigamma(excess) if excess > 0 else np.inf, most)
    scale = np.exp(logs.mean() + digamma(prior / 2.0) - np.log(prior / 2.0))
    drawn = np.where(squares > 0, (prior * scale + df * squares) / (prior + df), squares)
    return drawn, np.clip(df + prior, 1.0, np.maximum(most, df))


def _inverse_trigamma(value: float) -> float:
    """Where the trigamma function has this positive value, by Newton's method on its reciprocal (Smyth 2004)."""
    from scipy.special import polygamma

    found = 0.5 + 1.0 / value
    for _ in range(30):
        slope = float(polygamma(1, found))
        step = slope * (1.0 - slope / value) / float(polygamma(2, found))
        found += step
        if abs(step) < 1e-10 * found:
            break
    return found
