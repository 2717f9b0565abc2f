"""Generated against real images in a feature space: Fréchet distance, precision, recall, density and coverage."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Features of real images, `(n, d)`, and the distance of each to its `NEIGHBOURS`-th nearest fellow."""

    features: np.ndarray
    radii: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How two sets of images cover each other.

    Attributes:
        precision: share of generated images that lie within the radius of a real one (Kynkäänniemi et al. 2019).
        recall: share of real images that lie within the radius of a generated one.
        density: real images inside whose radius a generated one lies, over `NEIGHBOURS`, mean (Naeem et al. 2020).
        coverage: share of real images inside whose radius a generated one lies.

    A distance that just equals a radius counts for precision and recall, as in the paper of Kynkäänniemi et al., and
    not for density and coverage, as in the reference code of Naeem et al.: so real images whose fifth neighbour is a
    twin of theirs, at radius 0, contain nothing.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def real(features: np.ndarray) -> Real:
    """Features `(n, d)` of real images with their radii; n above `NEIGHBOURS`."""
    return Real(features=features, radii=radii(features))


def radii(features: np.ndarray) -> np.ndarray:
    """Distance of each of `features` `(n, d)` to its `NEIGHBOURS`-th nearest other."""
    apart = distances(features, features)
    np.fill_diagonal(apart, 0.0)  # rounding may have made it larger than that of a twin
    return np.asarray(np.partition(apart, NEIGHBOURS, axis=1)[:, NEIGHBOURS])


def overlap(reference: Real, generated: np.ndarray) -> Overlap:
    """Compares real images with as many generated ones, by features `(n, d)`."""
    apart = distances(reference.features, generated)
    inside = apart < reference.radii[:, None]
    return Overlap(
        precision=float((apart <= reference.radii[:, None]).any(axis=0).mean()),
        recall=float((apart <= radii(generated)[None, :]).any(axis=1).mean()),
        density=float(inside.sum() / (NEIGHBOURS * len(generated))),
        coverage=float(inside.any(axis=1).mean()),
    )


def distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Euclidean distances `(n, m)` of `points` `(n, d)` to `others` `(m, d)`."""
    one, other = (part.astype("float64") - points.mean(axis=0, dtype="float64") for part in (points, others))
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2.0 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))
