"""Intervals, equivalence and permutation tests for paired differences. Imports no Keras."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

ALPHA = 0.05
MOST_ENUMERATED = 20  # pairs whose 2^n sign patterns are all looked at
DRAWN = 200_000  # patterns looked at where there are more

Conclusion = Literal["higher", "lower", "equivalent", "unclear"]
Side = Literal["better", "worse", "equivalent", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A difference of means, first minus second, and how sure it is.

    Attributes:
        mean: in the metric's unit.
        n: paired seeds; of runs that are not paired, those of the side that has fewer.
        seed_se: its standard error from seeds; `None` for a single pair of runs, which tells nothing of other seeds.
        image_se: its standard error from the choice of test images; `None` where single images' numbers are not known.
        images: test images.
        margin: differences within ± this make no difference in practice; `None` where none is stated.
        slack: how far below and above `mean` the difference may be if no error came of seeds and images: where the
            numbers of one are bounds alone.
        seed_df: degrees of freedom of `seed_se`; `None` for those of paired seeds, n - 1.
    """

    mean: float
    n: int
    seed_se: float | None
    image_se: float | None = None
    images: int = 0
    margin: float | None = None
    slack: tuple[float, float] = (0.0, 0.0)
    seed_df: float | None = None

    @property
    def se(self) -> float | None:
        """Its standard error from all sources; `None` for a single pair of runs."""
        return None if self.seed_se is None else math.hypot(self.seed_se, self.image_se or 0.0)

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval."""
        half = self._half_width(ALPHA / 2.0)
        return None if half is None else self.mean - self.slack[0] - half

    @property
    def high(self) -> float | None:
        """Upper end of the 95 % interval."""
        half = self._half_width(ALPHA / 2.0)
        return None if half is None else self.mean + self.slack[1] + half

    @property
    def clear(self) -> bool:
        """Whether the interval exists and leaves out 0."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)

    @property
    def p(self) -> float | None:
        """What the two-sided test gives the hypothesis that the true difference is 0; `None` without an error."""
        from scipy.optimize import brentq

        if self.se is None or not math.isfinite(self.mean + self.se):
            return None
        if self.se == 0.0:
            return float(self._least == 0.0)

        def excess(log_tail: float) -> float:
            return (self._half_width(math.exp(log_tail)) or 0.0) - self._least

        # Smaller is 0; far below that SciPy's quantile of t with 3 degrees of freedom has the wrong sign (1.17).
        least = math.log(1e-40)
        return 0.0 if excess(least) < 0.0 else 2.0 * math.exp(float(brentq(excess, least, math.log(0.5))))

    @property
    def equivalent(self) -> bool:
        """Whether two one-sided tests put the difference within the margin (Schuirmann 1987), at 5 % each."""
        half = self._half_width(ALPHA)
        below, above = self.slack
        return (
            half is not None
            and self.margin is not None
            and max(above + self.mean, below - self.mean) + half < self.margin
        )

    @property
    def _least(self) -> float:
        """How far from 0 the mean is, whatever the slack hides."""
        return abs(towards_zero(self.mean, self.slack))

    def _half_width(self, tail: float) -> float | None:
        """Half the width of an interval that misses the truth with this probability on each side.

        Each source's own t quantile times its standard error, added up in squares (Howe 1974).
        """
        from scipy.special import stdtrit

        if self.seed_se is None:
            return None
        seeds = -float(stdtrit(self.seed_df or self.n - 1, tail)) * self.seed_se
        if not self.image_se:
            return seeds
        return math.hypot(seeds, -float(stdtrit(self.images - 1, tail)) * self.image_se)


def towards_zero(value: float, slack: tuple[float, float]) -> float:
    """The number nearest to 0 that is not more than `slack` below or above `value`."""
    below, above = slack
    return max(value - below, 0.0) if value > 0.0 else min(value + above, 0.0)


def difference_of(differences: Sequence[float], margin: float | None = None) -> Difference | None:
    """The mean of differences of paired runs, one a seed, by Student's t (1908); `None` of no pairs."""
    n = len(differences)
    if not n:
        return None
    se = float(np.std(differences, ddof=1)) / math.sqrt(n) if n > 1 else None
    return Difference(mean=float(np.mean(differences)), n=n, seed_se=se, margin=margin)


def unpaired_difference(first: Sequence[float], second: Sequence[float], margin: float | None = None) -> Difference:
    """The difference of the means of runs that nothing joins, one a seed, by Welch's t (1947), one run a side at least.

    A single run on either side tells nothing of others: no standard error.
    """
    means, n = (float(np.mean(first)), float(np.mean(second))), min(len(first), len(second))
    if n < 2:
        return Difference(mean=means[0] - means[1], n=n, seed_se=None, margin=margin)
    ours, theirs = (float(np.var(side, ddof=1)) / len(side) for side in (first, second))
    square = ours + theirs
    df = square**2 / (ours**2 / (len(first) - 1) + theirs**2 / (len(second) - 1)) if square else None
    return Difference(mean=means[0] - means[1], n=n, seed_se=math.sqrt(square), margin=margin, seed_df=df)


def crossed_difference(differences: np.ndarray, margin: float | None = None) -> Difference:
    """The mean of differences of each test image under each pair of runs: both seeds and images are samples.

    Two-way random effects without replication: the variance of the grand mean of S seeds and N images is
    (MS_seed + MS_image - MS_rest) / (S N), not let fall below what seeds have alone. What neither source explains
    counts with the seeds and is taken from the images. One seed tells nothing of others, whatever it has to say of
    images: no standard error.

    Args:
        differences: `(seeds, images)`, two images at least.
        margin: see `Difference`.
    """
    seeds, images = differences.shape
    by_seed, by_image = differences.mean(axis=1, dtype="float64"), differences.mean(axis=0, dtype="float64")
    mean = float(by_seed.mean())
    of_images = float(by_image.var(ddof=1)) / images
    if seeds == 1:
        return Difference(mean=mean, n=1, seed_se=None, image_se=math.sqrt(of_images), images=images, margin=margin)
    rest = differences - by_seed[:, None] - by_image[None, :] + mean
    of_rest = float((rest**2).sum() / ((seeds - 1) * (images - 1))) / (seeds * images)
    return Difference(
        mean=mean,
        n=seeds,
        seed_se=float(by_seed.std(ddof=1)) / math.sqrt(seeds),
        image_se=math.sqrt(max(of_images - of_rest, 0.0)),
        images=images,
        margin=margin,
    )


def conclusions(differences: Sequence[Difference]) -> list[Conclusion]:
    """What each is found to be, where all answer one question: no difference that matters, its sign, or neither.

    A difference is "higher" or "lower" by its p value adjusted for their number (Holm 1979): of several that are truly
    0, none is called either in 95 % of cases. That all are equivalent needs no adjusting (Berger 1982).
    """
    adjusted = holm({str(at): one.p for at, one in enumerate(differences) if one.p is not None})
    return [
        "equivalent" if one.equivalent else _side(one) if adjusted.get(str(at), 1.0) < ALPHA else "unclear"
        for at, one in enumerate(differences)
    ]


def better_or_worse(direction: str | None, conclusion: Conclusion) -> Side:
    """What a conclusion says where the `direction` is better: higher or lower."""
    if conclusion == "equivalent" or conclusion == "unclear":
        return conclusion
    return "better" if conclusion == direction else "worse"


def _side(difference: Difference) -> Conclusion:
    return "higher" if difference.mean > 0 else "lower"


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
