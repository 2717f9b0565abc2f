"""Do samples copy training images? Their distances to the training set against those of real images held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aebench.measures.samples.manifold import distances

FEWEST = 5  # samples, and as many test images, of a class: with fewer its ranks say little
FAR_OUT = -6.0  # a z-score
NO_DISTANCE = 1e-3  # of the training features' spread: ten times what rounding makes of float32 features of one image
MOST_DISTANCES = 2**23  # held at once


@dataclass(frozen=True, kw_only=True)
class Nearness:
    """How near images are to the training set.

    Attributes:
        distances: of each to its nearest training image, in features, `(n,)`.
        classes: of each, by one rule for all images, `(n,)` integers.
    """

    distances: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Copying:
    """How near samples are to training images, in ranks among test images.

    Attributes:
        z: standard normal, but for rounding of ranks, where samples are drawn as test images are; the further below 0,
            the more samples are nearer to a training image than test images are. Far above 0 where they are like none.
        lowest_z: the same of the class in which samples are nearest, moved up for being the lowest of several, so that
            it is standard normal too: copies of a few images show there that the mean over classes hides.
    """

    z: float
    lowest_z: float


def copying(test: Nearness, samples: Nearness) -> Copying:
    """The three-sample test for data-copying (Meehan, Chaudhuri & Dasgupta 2020), with classes for its cells.

    Samples and test images are compared inside each class alone, so that a generator that prefers some class is not
    taken for one that copies. The z-scores of Mann-Whitney's U in each class are joined with its number of test images
    for weight, over the norm of the weights (Stouffer's method). The paper leaves the norm out, so that its C_T is not
    standard normal.

    Returns:
        The scores; both 0 if no class has `FEWEST` of both, for then nothing speaks for copying.
    """
    scores, weights = [], []
    for one in np.unique(test.classes):
        real, made = (part.distances[part.classes == one] for part in (test, samples))
        if min(len(real), len(made)) >= FEWEST:
            scores.append(mann_whitney_z(made, real))
            weights.append(len(real))
    if not scores:
        return Copying(z=0.0, lowest_z=0.0)
    return Copying(z=float(np.dot(scores, weights) / np.linalg.norm(weights)), lowest_z=lowest_of_several(scores))


def nearest(train: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Euclidean distance of each of `points` `(m, d)` to the nearest of `train` `(n, d)`: `(m,)`.

    Distances that rounding of the features alone may make are 0, so that it does not rank copies.
    """
    rows = max(1, MOST_DISTANCES // len(train))
    parts = [distances(train, points[start : start + rows]).min(axis=0) for start in range(0, len(points), rows)]
    found, spread = np.concatenate(parts), float(np.sqrt(train.var(axis=0, dtype="float64").sum()))
    return np.where(found < NO_DISTANCE * spread, 0.0, found)


def mann_whitney_z(some: np.ndarray, others: np.ndarray) -> float:
    """Mann-Whitney's U less its mean, over its standard deviation, which is less where numbers are equal.

    Below 0 where `some` `(n,)` are lower than `others` `(m,)`; 0 where all are equal.
    """
    from scipy.stats import rankdata

    n, m = len(some), len(others)
    total = n + m
    ranks = rankdata(np.concatenate([some, others]))
    _, tied = np.unique(ranks, return_counts=True)
    variance = n * m / 12.0 * (total + 1 - float((tied**3.0 - tied).sum()) / (total * (total - 1)))
    above = float(ranks[:n].sum()) - n * (total + 1) / 2.0
    return float(above / np.sqrt(variance)) if variance > 0.0 else 0.0


def lowest_of_several(scores: Sequence[float]) -> float:
    """The lowest of independent standard normal `scores`, at the normal quantile of its own chance (Šidák 1967)."""
    from scipy.special import log_ndtr, ndtri_exp

    lowest, count = min(scores), len(scores)
    if lowest < FAR_OUT:  # 1 less such a chance rounds to 1; the sum of the chances is as good
        return float(ndtri_exp(np.log(count) + log_ndtr(lowest)))
    return -float(ndtri_exp(count * log_ndtr(-lowest)))
