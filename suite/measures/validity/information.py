"""Checks of information in codes, on Gaussian posteriors for which it has a closed form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.validity.check import SAME, Check, check

if TYPE_CHECKING:
    from aebench.measures.information import Information

IMAGES, SIZE = 2000, 4  # log 2000 is 7.6 nats
CLOSE = (-0.1, 0.1)  # nats, of 2,000 codes


def checks() -> Iterator[Check]:
    """All of them: posteriors N(m, v) of means from N(0, 1 - v), so that all codes together follow N(0, 1)."""
    from aebench.measures.information import active_units

    some, nearly_all = math.exp(-1.0), math.exp(-6.0)  # variances: SIZE / 2 nats, and 3 SIZE
    plain, silent, beyond = _told(some), _told(1.0), _told(nearly_all)
    tied = _told(some, correlation=0.8)
    known = -0.5 * math.log(1.0 - (0.8 * (1.0 - some)) ** 2)
    yield check("mutual_information_nats", "2 nats, off", CLOSE, plain.mutual_information - SIZE / 2)
    yield check("mutual_information_nats", "codes that say nothing", SAME, silent.mutual_information)
    far = beyond.mutual_information - 3 * SIZE
    yield check("mutual_information_nats", "12 nats, which 2,000 images cannot show, off", CLOSE, far)
    yield check("marginal_kl_nats", "all codes together as the prior", CLOSE, plain.marginal_kl or 0.0)
    moved = _told(some, moved=1.0).marginal_kl or 0.0
    yield check(
        "marginal_kl_nats", "all codes moved by 1 in each of 4 dimensions: 2 nats, off", CLOSE, moved - SIZE / 2
    )
    yield check("marginal_kl_nats", "12 nats of information, codes as the prior", CLOSE, beyond.marginal_kl or 0.0)
    yield check("total_correlation_nats", "independent dimensions", CLOSE, plain.total_correlation)
    yield check(
        "total_correlation_nats", f"two dimensions tied by {known:.2f} nats, off", CLOSE, tied.total_correlation - known
    )
    yield check("total_correlation_nats", "12 nats of information, independent", CLOSE, beyond.total_correlation)
    yield from _total_correlations()
    means = _means(some, 0.0, 0.0)
    idle = np.hstack([means, 0.01 * means])
    for case, codes, units in (
        ("4 dimensions that vary of 8, off", idle, SIZE),
        ("the same codes at a twentieth of their size, off", 0.05 * means, SIZE),
        ("codes turned, off", idle @ np.linalg.qr(np.random.default_rng(7).normal(size=(8, 8)))[0], SIZE),
    ):
        yield check("active_units", case, (0.0, 0.0), active_units(codes) - units)


def _total_correlations() -> Iterator[Check]:
    """Pairs of dimensions tied by r: -D / 4 log(1 - r²) nats of D dimensions, of which images can show only so many."""
    variance, correlation = 0.5, 0.9
    tied = correlation * (1.0 - variance)
    for size in (10, 100):
        known = -size / 4.0 * math.log(1.0 - tied**2)
        case = f"{size} dimensions in pairs, together {known:.1f} nats, share that it is off"
        found = _told(variance, correlation, size=size).total_correlation
        yield check("total_correlation_nats", case, (-0.1, 0.1), found / known - 1.0)


def _told(variance: float, correlation: float = 0.0, moved: float = 0.0, size: int = SIZE) -> Information:
    from aebench.measures.information import drawn, information, standard_normal_log_prob

    means = _means(variance, correlation, moved, size)
    log_var = np.full_like(means, math.log(variance))
    own = drawn(means, log_var, np.random.default_rng(8))
    return information(means, log_var, own, standard_normal_log_prob(own.codes))


def _means(variance: float, correlation: float, moved: float, size: int = SIZE) -> np.ndarray:
    """Means of the posteriors; the first two dimensions are correlated, of more than `SIZE` all pairs."""
    covariance = np.eye(size)
    pairs = np.arange(0, 2 if size == SIZE else size, 2)
    covariance[pairs, pairs + 1] = covariance[pairs + 1, pairs] = correlation
    normal = np.random.default_rng(6).standard_normal((IMAGES, size))
    normal -= normal.mean(axis=0)
    white = normal @ np.linalg.inv(np.linalg.cholesky(np.cov(normal.T, bias=True))).T  # moments as wanted, no luck
    return np.asarray(math.sqrt(1.0 - variance) * white @ np.linalg.cholesky(covariance).T + moved)
