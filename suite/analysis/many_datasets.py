"""Variants held against each other over several data sets: ranks, and how likely one is better. Imports no Keras.

Numbers of different data sets have no scale in common, but places have, and so has which of two is better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from aebench.analysis.statistics import ALPHA

Floats = npt.NDArray[np.float64]
LEAST_VARIANTS = 3  # of two, ranks say no more than which is better
LEAST_DATASETS = 2
# With fewer data sets, or a lower probability, it calls equal variants different in more than 5 of 100 cases.
LEAST_SIGNED = 8
SURE = 0.99
_DRAWN = 20_000  # permutations, and draws from a posterior
_PRIOR = 0.5  # the weight of a made-up data set without any difference (Benavoli et al. 2017)


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Places of k variants on N data sets, 1 the best.

    Attributes:
        each: `(N, k)`; equals share the mean of their places.
        mean: `(k,)`.
        least_p: the smallest p that so many data sets can give.
        critical_difference: mean ranks that lie further apart are told apart, all pairs together (Nemenyi 1963).
    """

    each: Floats
    mean: Floats
    least_p: float
    critical_difference: float

    @cached_property
    def p(self) -> float:
        """What Friedman's test (1937) gives the hypothesis that places are random, by permutations."""
        return _friedman(self.each)

    @property
    def can_tell(self) -> bool:
        """Whether mean ranks can lie so far apart at all: first on all data sets against last on all."""
        return self.critical_difference < len(self.mean) - 1

    def cliques(self) -> list[list[int]]:
        """Places in `mean` of the largest groups that are not told apart, each in order of rank (Demšar 2006).

        None of a single variant.
        """
        order = np.argsort(self.mean, kind="stable")
        found: list[list[int]] = []
        for start in range(len(order)):
            near = self.mean[order[start:]] - self.mean[order[start]] <= self.critical_difference
            group = order[start : start + int(near.sum())].tolist()
            if len(group) > 1 and not (found and set(group) <= set(found[-1])):
                found.append(group)
        return found


def ranks(scores: Sequence[Sequence[float]] | Floats) -> Ranks:
    """Ranks variants on each data set and takes the means.

    Args:
        scores: `(N, k)`, a row a data set, higher is better; at least two of each.
    """
    from scipy.stats import rankdata

    each = rankdata(-np.asarray(scores, "float64"), axis=1)
    datasets, variants = each.shape
    return Ranks(
        each=each,
        mean=each.mean(axis=0),
        least_p=math.exp(-(datasets - 1) * math.lgamma(variants + 1)),
        critical_difference=critical_difference(variants, datasets),
    )


def critical_difference(variants: int, datasets: int) -> float:
    """Nemenyi's critical difference of mean ranks at 5 %, after Demšar (2006), equation 3 of section 3.2.2."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1.0 - ALPHA, variants, np.inf)) / math.sqrt(2.0)
    return quantile * math.sqrt(variants * (variants + 1) / (6.0 * datasets))


def least_datasets(variants: int) -> int:
    """Data sets from which on a variant that is first on all can be told from one that is last on all."""
    return next(count for count in range(2, 1000) if critical_difference(variants, count) < variants - 1)


def _friedman(each: Floats) -> float:
    """p of Friedman's test by random permutations within data sets, which holds for any number of them."""
    rng = np.random.default_rng(0)
    observed = _spread(each) * (1.0 - 1e-12)  # rounding must not hide a tie
    extreme = 0
    for _ in range(20):
        drawn = rng.permuted(np.broadcast_to(each, (_DRAWN // 20, *each.shape)), axis=2)
        extreme += int((_spread(drawn) >= observed).sum())
    return (extreme + 1) / (_DRAWN + 1)


def _spread(each: Floats) -> Floats:
    """The variance of sums of ranks, which Friedman's statistic is proportional to: `(...)` of `(..., N, k)`."""
    found: Floats = each.sum(axis=-2).var(axis=-1)
    return found


@dataclass(frozen=True, kw_only=True)
class SignedRank:
    """How likely a variant is worse than, equal to or better than another on data sets like these.

    Attributes:
        worse, equal, better: add up to 1.
        datasets: how many there are.
    """

    worse: float
    equal: float
    better: float
    datasets: int

    @property
    def told(self) -> str:
        """What is sure enough; nothing where none is, or where there are too few data sets."""
        if self.datasets < LEAST_SIGNED:
            return ""
        likely = {"worse": self.worse, "equal": self.equal, "better": self.better}
        return next((name for name, chance in likely.items() if chance >= SURE), "")


def signed_rank(differences: Sequence[float], margin: float = 0.0) -> SignedRank:
    """The Bayesian signed-rank test with a region of practical equivalence (Benavoli, Corani, Demšar & Zaffalon 2017).

    Data sets get random weights (a Dirichlet process whose prior is one data set without a difference, of weight 0.5).
    Of all pairs of data sets, weighted, the mean differences lie below -margin, within, or above; told is how often
    each of the three has the most weight.

    Args:
        differences: first minus second on each data set, higher is better.
        margin: differences within ± this make none in practice.
    """
    values = np.concatenate([[0.0], np.asarray(differences, "float64")])
    means = (values[:, None] + values[None, :]) / 2.0
    weights = np.random.default_rng(0).dirichlet([_PRIOR, *np.ones(len(differences))], _DRAWN)
    below, above = (((weights @ np.heaviside(apart - margin, 0.5)) * weights).sum(axis=1) for apart in (-means, means))
    parts = np.stack([below, 1.0 - below - above, above])
    most = parts >= parts.max(axis=0) - 1e-12
    worse, equal, better = (most / most.sum(axis=0)).mean(axis=1).tolist()
    return SignedRank(worse=worse, equal=equal, better=better, datasets=len(differences))
