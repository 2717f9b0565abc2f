"""Generated against real images in a feature space: Fréchet distance, precision, recall, density and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

NEIGHBOURS = 5


def frechet_distance(features: np.ndarray, others: np.ndarray) -> float:
    """Squared Fréchet distance of the Gaussians with the moments of two sets of features (Heusel et al. 2017).

    |m - m'|² + tr(C + C' - 2 (C^½ C' C^½)^½).

    Args:
        features, others: `(n, d)` and `(m, d)`, two at least of each.
    """
    moments = [(part.mean(axis=0), np.cov(part, rowvar=False)) for part in map(_double, (features, others))]
    (mean, covariance), (other_mean, other_covariance) = moments
    root = _root(np.atleast_2d(covariance))
    shared = np.linalg.eigvalsh(root @ np.atleast_2d(other_covariance) @ root)
    traces = np.trace(np.atleast_2d(covariance)) + np.trace(np.atleast_2d(other_covariance))
    distance = ((mean - other_mean) ** 2).sum() + traces - 2.0 * np.sqrt(np.maximum(shared, 0.0)).sum()
    return float(max(distance, 0.0))


def _double(features: np.ndarray) -> np.ndarray:
    return features.astype("float64")


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


@dataclass(frozen=True, kw_only=True)
class Real:
    """Real images, as samples are compared with them.

    Attributes:
        features: `(n, d)`.
        radii: distance of each to its `NEIGHBOURS`-th nearest fellow, `(n,)`.
        clipped_radii: the same, at most their median, so that an outlier's ball is no larger than others; `(n,)`.
        own_density: what `clipped_density` would be of the real images themselves without its division by this.
    """

    features: np.ndarray
    radii: np.ndarray
    clipped_radii: np.ndarray
    own_density: float


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How two sets of images cover each other.

    Attributes:
        precision: share of generated images that lie within the radius of a real one (Kynkäänniemi et al. 2019).
        recall: share of real images that lie within the radius of a generated one.
        density: real images inside whose radius a generated one lies, over `NEIGHBOURS`, mean (Naeem et al. 2020).
        coverage: share of real images inside whose radius a generated one lies.
        clipped_density: share of samples as good as real ones: the number of clipped balls that a sample lies in, over
            `NEIGHBOURS`, at most 1, mean, over the same of real images; at most 1 (Salvy et al. 2025).
        clipped_coverage: share of samples, if drawn like real ones, that would cover real images as well: samples
            inside a real image's radius over `NEIGHBOURS`, at most 1, mean, as calibrated by `expected_coverage`.

    A distance that just equals a radius counts for precision and recall, as in the paper of Kynkäänniemi et al., and
    not for density and coverage, as in the reference code of Naeem et al.: so real images whose fifth neighbour is a
    twin of theirs, at radius 0, contain nothing.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    clipped_density: float
    clipped_coverage: float


def real(features: np.ndarray) -> Real:
    """Features `(n, d)` of real images with their radii; n above `NEIGHBOURS`."""
    apart = distances(features, features)
    reach = _radii(apart)
    clipped = np.minimum(reach, np.median(reach))
    np.fill_diagonal(apart, np.inf)  # no image vouches for itself
    own = _clipped_mean(_within(apart, clipped, _rounding(features, features)).sum(axis=0))
    return Real(features=features, radii=reach, clipped_radii=clipped, own_density=own)


def radii(features: np.ndarray) -> np.ndarray:
    """Distance of each of `features` `(n, d)` to its `NEIGHBOURS`-th nearest other."""
    return _radii(distances(features, features))


def _radii(apart: np.ndarray) -> np.ndarray:
    """The same from all distances `(n, n)`, whose diagonal becomes 0: rounding may have left more than to a twin."""
    np.fill_diagonal(apart, 0.0)
    return np.asarray(np.partition(apart, NEIGHBOURS, axis=1)[:, NEIGHBOURS])


def overlap(reference: Real, generated: np.ndarray) -> Overlap:
    """Compares real images with as many generated ones, by features `(n, d)`."""
    apart = distances(reference.features, generated)
    slack = _rounding(reference.features, generated)
    inside = _within(apart, reference.radii, -slack)
    return Overlap(
        precision=float(_within(apart, reference.radii, slack).any(axis=0).mean()),
        recall=float(_within(apart.T, radii(generated), slack).any(axis=0).mean()),
        density=float(inside.sum() / (NEIGHBOURS * len(generated))),
        coverage=float(inside.any(axis=1).mean()),
        clipped_density=min(
            1.0, _clipped_mean(_within(apart, reference.clipped_radii, slack).sum(axis=0)) / reference.own_density
        ),
        clipped_coverage=_calibrated(_clipped_mean(inside.sum(axis=1)), *apart.shape),
    )


def _within(apart: np.ndarray, reach: np.ndarray, slack: float) -> np.ndarray:
    """Which distances `(n, m)` are within each row's radius `(n,)`; a negative slack leaves out those at the radius."""
    return np.asarray(np.square(apart) <= np.square(reach)[:, None] + slack)


def _rounding(points: np.ndarray, others: np.ndarray) -> float:
    """How far rounding may part two squared distances that are equal, for `distances` takes them by products."""
    middle = points.mean(axis=0, dtype="float64")
    largest = max(float(np.square(part.astype("float64") - middle).sum(axis=1).max()) for part in (points, others))
    # Each of two distances: three sums over the features of at most four times the largest square between them.
    width: int = points.shape[1]
    return 8.0 * (width + 3) * float(np.finfo("float64").eps) * largest


def _clipped_mean(counts: np.ndarray) -> float:
    return float(np.minimum(counts / NEIGHBOURS, 1.0).mean())


def _calibrated(covered: float, reals: int, count: int) -> float:
    """Share of `count` samples that must be like real ones to have `covered` expected; 1 beyond all of them."""
    return float(np.interp(covered, expected_coverage(reals, count), np.linspace(0.0, 1.0, count + 1)))


@cache
def expected_coverage(reals: int, count: int) -> np.ndarray:
    """Mean clipped coverage, before its calibration, where 0, 1, ... `count` samples are drawn like real ones.

    The ball of a real image holds a Beta(`NEIGHBOURS`, `reals` - `NEIGHBOURS`) share of the real distribution, whatever
    that is, so the number of samples inside is beta-binomial (Salvy et al. 2025).

    Args:
        reals: real images, above `NEIGHBOURS`.
        count: samples.

    Returns:
        `(count + 1,)`, rising from 0.
    """
    from scipy.stats import betabinom

    few = np.arange(NEIGHBOURS)[:, None]
    missing = (NEIGHBOURS - few) * betabinom.pmf(few, np.arange(count + 1), NEIGHBOURS, reals - NEIGHBOURS)
    return np.asarray(1.0 - missing.sum(axis=0) / NEIGHBOURS)


def distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Euclidean distances `(n, m)` of `points` `(n, d)` to `others` `(m, d)`."""
    one, other = (part.astype("float64") - points.mean(axis=0, dtype="float64") for part in (points, others))
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2.0 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))
