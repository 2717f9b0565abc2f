"""Many configurations held against each other at once: a set of the best that errs in few boards. Imports no Keras.

Among many rivals some always look worse by luck. So every pair is looked at with the level of all pairs together, and
since five seeds tell little of a single pair's spread, pairs lend each other what they know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aebench.analysis.moderation import Moderation, drawn, moderation
from aebench.analysis.statistics import ALPHA

Values = Mapping[int, np.ndarray]  # of one configuration by seed: its number of each test image, or that of all, (n,)
Places = np.ndarray  # of configurations among all, whole numbers
_ROUNDING = 1e-9  # a spread that is smaller beside the values is none
_LENDING = 6  # configurations from which on the spread of their spreads can be told
_TELLING = 300  # configurations, or up to twice as many, whose pairs tell what spreads have in common
_RIVALS = 8  # the best means, with which all are compared first
_HELD = 32  # configurations whose images' numbers are held at once: 128 MB of five seeds and 100,000 images
_ASKED = 64  # differences, or up to twice as many, whose doubt is told by its median
_NUMBERS = 4_000_000  # of a table that is made at once


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
class Apart:
    """Mean paired differences, each of some configurations minus each of others, as seeds tell them: all `(m, n)`.

    Attributes:
        mean: differences.
        seed_se, seed_df: standard errors from seeds, and their degrees of freedom; moderated, see `Pairs.moderation`.
        known: whether two seeds at least are common to both.
    """

    mean: np.ndarray
    seed_se: np.ndarray
    seed_df: np.ndarray
    known: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Configurations held against each other, two and two, over the seeds that both have.

    What test images add to the doubt is worked out of those pairs alone whose answer hangs on it: of 2,000
    configurations, few.

    Attributes:
        means: of each configuration by seed.
        images: how many test images are behind each mean; 1 where single images' numbers are not known.
        of_images: the numbers of each image by seed, of the configuration at a place; asked anew for every use, so that
            they need not all be held.
        image_sd: of each configuration, the largest standard deviation over images of a seed; infinite where that is
            not known.
    """

    means: Sequence[Mapping[int, float]]
    images: int = 1
    of_images: Callable[[int], Values] = lambda at: {}  # noqa: ARG005
    image_sd: Sequence[float] = ()

    @cached_property
    def _table(self) -> np.ndarray:
        """Means `(m, seeds)`, NaN where a seed is missing."""
        seeds = sorted({seed for own in self.means for seed in own})
        return np.array([[own.get(seed, np.nan) for seed in seeds] for own in self.means], "float64")

    @cached_property
    def _levels(self) -> np.ndarray:
        """The mean of each configuration over its own seeds, `(m,)`."""
        levels: np.ndarray = np.nanmean(self._table, axis=1)
        return levels

    @cached_property
    def moderation(self) -> Moderation | None:
        """What the spreads of all pairs have in common; of very many, those of every so manieth configuration."""
        count = len(self.means)
        some = np.arange(0, count, max(count // _TELLING, 1))
        _, squares, df = self._told(some, some)
        once = np.triu_indices(len(some), 1)
        return moderation(squares[once], df[once], count, least=_pairs_of(_LENDING), doubt=0.5)

    def apart(self, rows: Places, columns: Places) -> Apart:
        """Each of the first minus each of the others."""
        mean, square, df = self._told(rows, columns)
        square, drawn_df = drawn(square, df, self.moderation)
        return Apart(mean=mean, seed_se=np.sqrt(square), seed_df=drawn_df, known=df > 0)

    def _told(self, rows: Places, columns: Places) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean differences over common seeds, the squares of their standard errors, and degrees of freedom."""
        first, second = self._table[rows], self._table[columns]
        differences = first[:, None] - second[None, :]
        absent = np.isnan(differences)
        count = differences.shape[2] - np.count_nonzero(absent, axis=2)
        differences[absent] = 0.0
        mean = np.einsum("ijk->ij", differences) / np.maximum(count, 1)
        differences -= mean[:, :, None]
        differences[absent] = 0.0
        square = np.einsum("ijk,ijk->ij", differences, differences) / np.maximum(count * (count - 1), 1)
        scale = _ROUNDING * np.abs(self._levels)
        square[square <= np.maximum.outer(scale[rows], scale[columns]) ** 2] = 0.0
        return mean, square, np.maximum(count - 1.0, 0.0)

    def image_se(self, rows: Places, columns: Places) -> np.ndarray:
        """Standard errors of the differences from the choice of test images, `(m, n)`; 0 where these are not known."""
        squares = np.zeros((len(rows), len(columns)))
        if self.images < 2:
            return squares
        for first, own_rows in self._by_seeds(rows).items():
            for second, own_columns in self._by_seeds(columns).items():
                if len(common := sorted(first & second)) < 2:
                    continue
                for right in _cut(own_columns, _HELD):
                    others = self._centred(columns[right], common)
                    for left in _cut(own_rows, _HELD):
                        found = _of_images(self._centred(rows[left], common), others)
                        squares[np.ix_(left, right)] = found
        return np.sqrt(squares)

    def _most_image_se(self, rows: Places, columns: Places) -> np.ndarray:
        """What `image_se` is at most, without reading any image's numbers: deviations add up at worst."""
        if self.images < 2:
            return np.zeros((len(rows), len(columns)))
        spread = np.asarray(self.image_sd, "float64")
        most: np.ndarray = np.add.outer(spread[rows], spread[columns]) / np.sqrt(self.images - 1.0)
        return most

    def _by_seeds(self, places: Places) -> dict[frozenset[int], np.ndarray]:
        """Which of these places have the same seeds, by these."""
        groups: dict[frozenset[int], list[int]] = {}
        for at, place in enumerate(places):
            groups.setdefault(frozenset(self.means[place]), []).append(at)
        return {seeds: np.array(own) for seeds, own in groups.items()}

    def _centred(self, places: Places, seeds: Sequence[int]) -> _Centred:
        """Numbers of these configurations' images without what seeds and images have for themselves."""
        values = [self.of_images(int(place)) for place in places]
        table = np.array([[own[seed] for seed in seeds] for own in values], "float64")
        by_seed, by_image, mean = table.mean(axis=2), table.mean(axis=1), table.mean(axis=(1, 2))
        table -= by_seed[:, :, None]
        table -= (by_image - mean[:, None])[:, None, :]
        return _Centred(by_image=by_image - mean[:, None], rest=table.reshape(len(table), -1))

    def half_widths(self, alpha: float, rows: Places, columns: Places) -> np.ndarray:
        """Half the widths of two-sided intervals at 1 - α each, `(m, n)`.

        The two sources' own half-widths add up in squares, as in `statistics.Difference`: far out in the tails, where
        many pairs put the level, Satterthwaite's single t distribution is too narrow (with 28 equal configurations it
        marks some as worse in 12 to 18 % of boards at a level of 5 %).
        """
        from_images = self._from_images(alpha) * self.image_se(rows, columns)
        halves: np.ndarray = np.hypot(_from_seeds(alpha, self.apart(rows, columns)), from_images)
        return halves

    def _from_images(self, alpha: float) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(max(self.images - 1.0, 1.0), 1.0 - alpha / 2.0))

    def gaps(self, first: int, others: Sequence[int]) -> list[Gap | None]:
        """Each of the others minus the first, with an interval at 95 % for all pairs of the board together.

        `None` is of those without two seeds in common.
        """
        rows, column = np.array(others, int), np.array([first])
        found, halves = self.apart(rows, column), self.half_widths(self._together, rows, column)[:, 0]
        return [
            Gap(mean=mean, low=mean - half, high=mean + half) if known else None
            for mean, half, known in zip(found.mean[:, 0].tolist(), halves.tolist(), found.known[:, 0], strict=True)
        ]

    def doubt(self, first: int, others: Sequence[int]) -> Doubt | None:
        """What makes the differences of one from others unsure; `None` where none has two common seeds.

        Of many others every so manieth is asked.
        """
        one, columns = np.array([first]), np.array(others)[:: max(len(others) // _ASKED, 1)]
        found = self.apart(one, columns)
        if not found.known.any():
            return None
        images = self.image_se(one, columns)
        halves = np.hypot(_from_seeds(self._together, found), self._from_images(self._together) * images)
        least, seeds, of_images = (float(np.median(each[found.known])) for each in (halves, found.seed_se, images))
        return Doubt(least=least, seed_se=seeds, image_se=of_images)

    @property
    def _together(self) -> float:
        """The level of each interval where those of all pairs hold together at 95 %: they share α (Bonferroni)."""
        return ALPHA / max(_pairs_of(len(self.means)), 1)

    def set_of_best(self, sign: float) -> np.ndarray:
        """Places of those of which none can be told from the best: all that are best are in it in 95 % of boards.

        Steps down as a model confidence set (Hansen, Lunde & Nason 2011): what is clearly worse than another leaves,
        and those that stay share α anew, until none leaves.

        Args:
            sign: 1 where higher is better, -1 where lower is.
        """
        there = np.arange(len(self.means))
        while len(there) > 1:
            worse = self._worse(there, ALPHA / _pairs_of(len(there)), sign)
            if not worse.any():
                break
            there = there[~worse]
        return there

    def _worse(self, there: Places, alpha: float, sign: float) -> np.ndarray:
        """Which of these are clearly worse than another of them: most are worse than those with the best means."""
        best = there[np.argsort(-sign * self._levels[there], kind="stable")[:_RIVALS]]
        worse = self._clearly_worse(there, best, alpha, sign)
        worse[~worse] = self._clearly_worse(there[~worse], there, alpha, sign)
        return worse

    def _clearly_worse(self, rows: Places, columns: Places, alpha: float, sign: float) -> np.ndarray:
        """Whether each of the first is clearly worse than any of the others."""
        worse = np.zeros(len(rows), bool)
        for part in _parts(np.arange(len(rows)), self._table[columns].size):
            found = self.apart(rows[part], columns)
            seeds = _from_seeds(alpha, found)
            below = sign * found.mean
            at_most = self._from_images(alpha) * self._most_image_se(rows[part], columns)
            sure = (below < -np.hypot(seeds, at_most)).any(axis=1)
            worse[part[sure]] = True
            doubtful = (below < -seeds) & ~sure[:, None]  # the choice of images can only widen an interval
            left, right = np.flatnonzero(doubtful.any(axis=1)), np.flatnonzero(doubtful.any(axis=0))
            own = np.ix_(left, right)
            images = self._from_images(alpha) * self.image_se(rows[part][left], columns[right])
            worse[part[left]] = (below[own] < -np.hypot(seeds[own], images)).any(axis=1)
        return worse


@dataclass(frozen=True, kw_only=True)
class _Centred:
    """Parts of the numbers of `m` configurations' images, `(m, images)` and `(m, seeds × images)`."""

    by_image: np.ndarray
    rest: np.ndarray


def _of_images(first: _Centred, second: _Centred) -> np.ndarray:
    """Squared standard errors, from the choice of images, of each of the first minus each of the second.

    Two-way random effects, as `statistics.crossed_difference` has them for a single pair. What neither seeds nor images
    explain counts with the seeds and is taken from the images.
    """
    images = first.by_image.shape[1]
    seeds = first.rest.shape[1] // images
    of_images = _squares(first.by_image, second.by_image) / ((images - 1) * images)
    of_rest = _squares(first.rest, second.rest) / ((seeds - 1) * (images - 1) * seeds * images)
    squares: np.ndarray = np.maximum(of_images - of_rest, 0.0)
    return squares


def _squares(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The squared distance of each row of the first from each of the second."""
    if len(second) == 1:  # a product of matrices of such a shape takes many times as long where cores are busy
        return _norms(first - second)[:, None]
    own = [_norms(rows) for rows in (first, second)]
    squares: np.ndarray = np.maximum(own[0][:, None] + own[1][None, :] - 2.0 * first @ second.T, 0.0)
    return squares


def _norms(rows: np.ndarray) -> np.ndarray:
    """The squared length of each row."""
    squares: np.ndarray = np.einsum("ij,ij->i", rows, rows)
    return squares


def _from_seeds(alpha: float, found: Apart) -> np.ndarray:
    """Half the widths of intervals in which seeds alone are in doubt; infinite where too few are common."""
    from scipy.special import stdtrit

    df, places = np.unique(found.seed_df, return_inverse=True)
    halves = stdtrit(df, 1.0 - alpha / 2.0)[places].reshape(found.seed_df.shape) * found.seed_se
    return np.where(found.known, halves, np.inf)


def _pairs_of(count: int) -> int:
    return count * (count - 1) // 2


def _cut(places: np.ndarray, length: int) -> Iterator[np.ndarray]:
    for start in range(0, len(places), length):
        yield places[start : start + length]


def _parts(places: np.ndarray, beside: int) -> Iterator[np.ndarray]:
    """These in so many at once that a table of them, with so many numbers for each, is no large one."""
    return _cut(places, max(_NUMBERS // max(beside, 1), 1))
