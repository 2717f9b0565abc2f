"""Scores by holding a factor still: which it was is to be seen in the codes (β-VAE, FactorVAE), what holds them (IRS).

Images are drawn from those that there are: of a value that few images have, the same few come again and again. Of a
continuous factor they share a part of its range; the end parts of a factor with long tails vary by themselves, so that
no code has all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from aebench.data.pixels import FIXED_SEED

TOGETHER = 64  # images, or pairs of them, that share a factor's value
STRAYS = 0.99  # quantile of images, in place of the farthest: as in disentanglement_lib
POINTS, JUDGED = 10_000, 5_000  # such sets that are learnt from, and that are judged


def factor_vae_score(codes: np.ndarray, levels: np.ndarray) -> float | None:
    """How often the dimension that varies least tells which factor was held still (Kim & Mnih 2018, section 4).

    Each of `TOGETHER` images shares a factor's value; variances are over those of all images; a majority vote says
    which factor a dimension stands for.

    Args:
        codes: `(n, code_dim)` of test images.
        levels: `(n, factors)` which of its values each factor has.

    Returns:
        Share of `JUDGED` sets, chance is 1 / factors; `None` for fewer than two factors or constant codes.
    """
    active = _active(codes)
    if levels.shape[1] < 2 or not active.shape[1]:
        return None
    rng = np.random.default_rng(FIXED_SEED)
    learnt, judged = (_votes(active, levels, points, rng) for points in (POINTS, JUDGED))
    named = learnt.argmax(axis=0)
    return float(judged[named, np.arange(judged.shape[1])].sum() / judged.sum())


def _votes(codes: np.ndarray, levels: np.ndarray, points: int, rng: np.random.Generator) -> np.ndarray:
    """How often each dimension varied least while each factor was held still, `(factors, code_dim)`."""
    votes = np.zeros((levels.shape[1], codes.shape[1]), int)
    for factor, images in _held_still(levels, points, TOGETHER, rng):
        least = codes[images].var(axis=1).argmin(axis=1)
        votes[factor] = np.bincount(least, minlength=codes.shape[1])
    return votes


def beta_vae_score(codes: np.ndarray, levels: np.ndarray) -> float | None:
    """How often a linear classifier tells from differences which factor pairs share (Higgins et al. 2017, section 3).

    A point is the mean absolute difference, in each dimension, of `TOGETHER` pairs of images that share the value of
    one factor; a logistic regression on standardised points names the factor.

    Args:
        codes: `(n, code_dim)` of test images.
        levels: `(n, factors)` which of its values each factor has.

    Returns:
        Share of `JUDGED` points, chance is 1 / factors; `None` for fewer than two factors or constant codes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    active = _active(codes)
    if levels.shape[1] < 2 or not active.shape[1]:
        return None
    rng = np.random.default_rng(FIXED_SEED)
    learnt, judged = (_differences(active, levels, points, rng) for points in (POINTS, JUDGED))
    return float(make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(*learnt).score(*judged))


def _differences(
    codes: np.ndarray, levels: np.ndarray, points: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Points `(points, code_dim)` and the factor of each."""
    found, factors = [], []
    for factor, images in _held_still(levels, points, 2 * TOGETHER, rng):
        apart = np.abs(codes[images[:, :TOGETHER]] - codes[images[:, TOGETHER:]])
        found.append(apart.mean(axis=1))
        factors.append(np.full(len(images), factor))
    return np.concatenate(found), np.concatenate(factors)


def _active(codes: np.ndarray) -> np.ndarray:
    """The dimensions that aren't constant, each with standard deviation 1, in float32."""
    mean, spread = codes.mean(axis=0, dtype="float64"), codes.std(axis=0, dtype="float64")
    chosen = spread > 1e-6 * np.abs(mean)  # else constant but for rounding
    return np.asarray((codes[:, chosen] - mean[chosen]) / spread[chosen], "float32")


def _held_still(
    levels: np.ndarray, points: int, together: int, rng: np.random.Generator
) -> Iterator[tuple[int, np.ndarray]]:
    """Each factor with sets of images that share a value of it, `(points / factors, together)`.

    A value comes as often as images have it.
    """
    count = points // levels.shape[1]
    for factor, column in enumerate(levels.T):
        order = np.argsort(column, kind="stable")
        sizes = np.bincount(column)
        starts = np.cumsum(sizes) - sizes
        value = column[rng.integers(len(column), size=count)]
        offsets = (rng.random((count, together)) * sizes[value, None]).astype(int)
        yield factor, np.asarray(order[starts[value, None] + offsets])


def robustness(codes: np.ndarray, levels: np.ndarray) -> float | None:
    """How still each dimension stays while its own factor is held and all others change (Suter et al. 2019, section 4).

    How far a dimension strays from the mean of the images that share a factor's value, the `STRAYS` quantile of them,
    mean over values, as a share of the farthest that it strays at all; 1 less that for the factor that holds it best,
    mean over dimensions weighted by how far they stray. As in disentanglement_lib. Codes that know nothing do not have
    0: their farthest image lies beyond the quantile.

    Args:
        codes: `(n, code_dim)` of test images.
        levels: `(n, factors)` which of its values each factor has.

    Returns:
        0..1; `None` for constant codes.
    """
    points = codes.astype("float64")
    farthest = np.abs(points - points.mean(axis=0)).max(axis=0)
    active = farthest > 1e-6 * np.abs(points.mean(axis=0))  # else constant but for rounding
    if not active.any():
        return None
    points, farthest = points[:, active], farthest[active]
    strayed = np.stack([_strayed(points, column) for column in levels.T], axis=1)
    return float(np.average(1.0 - (strayed / farthest[:, None]).min(axis=1), weights=farthest))


def _strayed(points: np.ndarray, column: np.ndarray) -> np.ndarray:
    """How far each dimension strays while a factor is held, mean over its values, `(code_dim,)`."""
    groups = [points[column == value] for value in np.unique(column)]
    return np.asarray(np.mean([np.quantile(np.abs(own - own.mean(axis=0)), STRAYS, axis=0) for own in groups], axis=0))
