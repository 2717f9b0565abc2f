"""Intervals, equivalence and permutation tests for paired differences. Imports no Keras."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

LEVEL = 0.95
ALPHA = 1.0 - LEVEL
MOST_ENUMERATED = 20  # pairs whose 2^n sign patterns are all looked at
DRAWN = 200_000  # patterns looked at where there are more

Conclusion = Literal["higher", "lower", "equivalent", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A mean paired difference, first minus second, and how sure it is.

    Attributes:
        mean: in the metric's unit.
        se: its standard error, from seeds and, where each image's own numbers are known, from test images too;
            `None` for a single pair of runs, which tells nothing of other seeds.
        df: its degrees of freedom.
        n: paired seeds.
        seed_se, image_se: of each source alone, `None` where it cannot be told.
        margin: differences within ± this make no difference in practice; `None` where none is stated.
    """

    mean: float
    se: float | None
    df: float
    n: int
    seed_se: float | None = None
    image_se: float | None = None
    margin: float | None = None

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % t interval."""
        return None if self.se is None else self.mean - self._quantile(1.0 - ALPHA / 2.0) * self.se

    @property
    def high(self) -> float | None:
        """Upper end of the 95 % t interval."""
        return None if self.se is None else self.mean + self._quantile(1.0 - ALPHA / 2.0) * self.se

    @property
    def clear(self) -> bool:
        """Whether the interval exists and leaves out 0."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)

    @property
    def p(self) -> float | None:
        """What the two-sided t test gives the hypothesis that the true difference is 0; `None` without an error."""
        from scipy import stats

        if self.se is None:
            return None
        if self.se == 0.0:
            return float(self.mean == 0.0)
        return float(2.0 * stats.t.sf(abs(self.mean) / self.se, self.df))

    @property
    def equivalent(self) -> bool:
        """Whether two one-sided t tests put the difference within the margin (Schuirmann 1987), at 5 % each."""
        if self.se is None or self.margin is None:
            return False
        return abs(self.mean) + self._quantile(LEVEL) * self.se < self.margin

    @property
    def conclusion(self) -> Conclusion:
        """What is found: no difference that matters, a difference with its sign, or neither."""
        if self.equivalent:
            return "equivalent"
        return self._side if self.clear else "unclear"

    @property
    def _side(self) -> Conclusion:
        return "higher" if self.mean > 0 else "lower"

    def _quantile(self, probability: float) -> float:
        from scipy import stats

        return float(stats.t.ppf(probability, self.df))


def difference_of(differences: Sequence[float], margin: float | None = None) -> Difference | None:
    """The mean of differences of paired runs, one a seed, by Student's t (1908); `None` of no pairs."""
    n = len(differences)
    if not n:
        return None
    se = float(np.std(differences, ddof=1)) / math.sqrt(n) if n > 1 else None
    return Difference(mean=float(np.mean(differences)), se=se, df=n - 1, n=n, seed_se=se, margin=margin)


def crossed_difference(differences: np.ndarray, margin: float | None = None) -> Difference:
    """The mean of differences of each test image under each pair of runs: both seeds and images are samples.

    Two-way random effects without replication. The variance of the grand mean of S seeds and N images is
    (MS_seed + MS_image - MS_rest) / (S N), with degrees of freedom by Satterthwaite (1946); it is not let fall below
    what either source has alone. One seed tells nothing of others, whatever it has to say of images: no standard error.

    Args:
        differences: `(seeds, images)`, two images at least.
        margin: see `Difference`.
    """
    seeds, images = differences.shape
    by_seed, by_image = differences.mean(axis=1, dtype="float64"), differences.mean(axis=0, dtype="float64")
    mean = float(by_seed.mean())
    image_se = float(by_image.std(ddof=1)) / math.sqrt(images)
    if seeds == 1:
        return Difference(mean=mean, se=None, df=0, n=1, image_se=image_se, margin=margin)
    seed_se = float(by_seed.std(ddof=1)) / math.sqrt(seeds)
    rest = differences - by_seed[:, None] - by_image[None, :] + mean
    square_of_rest = float((rest**2).sum() / ((seeds - 1) * (images - 1))) / (seeds * images)
    parts = ((seed_se**2, seeds - 1), (image_se**2, images - 1), (square_of_rest, (seeds - 1) * (images - 1)))
    variance = max(seed_se**2 + image_se**2 - square_of_rest, seed_se**2, image_se**2)
    spread = sum(square**2 / df for square, df in parts)
    return Difference(
        mean=mean,
        se=math.sqrt(variance),
        df=variance**2 / spread if spread > 0 else float(seeds - 1),
        n=seeds,
        seed_se=seed_se,
        image_se=image_se,
        margin=margin,
    )


def conclusions(differences: Sequence[Difference]) -> list[Conclusion]:
    """What each is found to be where all of them answer one question.

    A difference is "higher" or "lower" by its p value adjusted for their number (Holm 1979): of several that are truly
    0, none is called either in 95 % of cases. That all are equivalent needs no adjusting (Berger 1982).
    """
    adjusted = holm({str(at): one.p for at, one in enumerate(differences) if one.p is not None})
    return [
        "equivalent" if one.equivalent else one._side if adjusted.get(str(at), 1.0) < ALPHA else "unclear"
        for at, one in enumerate(differences)
    ]


@dataclass(frozen=True, kw_only=True)
class SignFlips:
    """A permutation test of paired differences.

    Attributes:
        p: two-sided; `None` where `smallest` exceeds α, so that no data could reject.
        smallest: the smallest p that this many pairs can reach.
        pairs: how many.
    """

    p: float | None
    smallest: float
    pairs: int


def sign_flip_test(differences: Sequence[float]) -> SignFlips:
    """Whether first and second are exchangeable within every pair, by the sum of their differences (Fisher 1935).

    Pairs may come from several blocks, such as latent sizes: signs flip within each pair alone, so blocks may differ in
    level and in spread. The null is that all patterns of signs are equally likely: that the difference of every pair is
    symmetric about 0, and that pairs are independent. Pairs of one seed share data order and noise across latent sizes:
    if that correlated their differences by 0.1 or 0.3, a test at 5 % over three sizes and five seeds would reject in
    8 or 12 %. It is of these test images: p does not cover their choice.
    All sign patterns are looked at up to `MOST_ENUMERATED` pairs; beyond, `DRAWN` random ones and the one observed.
    """
    pairs = np.asarray(differences, "float64")
    smallest = min(1.0, 2.0 ** (1 - len(pairs))) if len(pairs) <= MOST_ENUMERATED else 1.0 / (DRAWN + 1)
    if smallest > ALPHA:
        return SignFlips(p=None, smallest=smallest, pairs=len(pairs))
    observed = abs(pairs.sum()) * (1.0 - 1e-12)  # rounding must not hide a tie
    if len(pairs) <= MOST_ENUMERATED:
        sums = np.zeros(1)
        for value in pairs:
            sums = np.concatenate([sums + value, sums - value])
        p = float(np.mean(np.abs(sums) >= observed))
    else:
        rng = np.random.default_rng(0)
        signs = (rng.choice([-1.0, 1.0], (1000, len(pairs))) for _ in range(DRAWN // 1000))
        extreme = sum(int((np.abs(part @ pairs) >= observed).sum()) for part in signs)
        p = (extreme + 1) / (DRAWN + 1)
    return SignFlips(p=p, smallest=smallest, pairs=len(pairs))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p values adjusted for their number, by name, in the given order (Holm 1979)."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}
