"""Mutual information of single code dimensions and factors, and what is read from it: MIG, modularity, InfoMEC."""

from __future__ import annotations

import numpy as np

ACTIVE_SHARE = 1 / 20  # of the widest dimension's range
BINS = 20  # of equal width, in each code dimension: as in disentanglement_lib, and published numbers since


def mutual_information(codes: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Mutual information of each code dimension, cut into `BINS` parts of equal width, and each factor.

    The plug-in estimate: of independent ones it is about (BINS - 1)(levels - 1) / 2n, and not 0.

    Args:
        codes: `(n, code_dim)`.
        levels: `(n, factors)` which of its values each factor has.

    Returns:
        `(code_dim, factors)` nats.
    """
    from sklearn.metrics import mutual_info_score

    parts = np.stack([_cut(column) for column in codes.T], axis=1)
    return np.array([[mutual_info_score(factor, part) for factor in levels.T] for part in parts.T])


def _cut(column: np.ndarray) -> np.ndarray:
    column = column.astype("float64")
    return np.asarray(np.digitize(column, np.histogram(column, BINS)[1][:-1]))


def entropies(levels: np.ndarray) -> np.ndarray:
    """The entropy of each factor, `(factors,)` nats."""
    from scipy.stats import entropy

    return np.array([entropy(np.bincount(column)) for column in levels.T])


def information_gaps(information: np.ndarray, entropy: np.ndarray) -> np.ndarray:
    """How far ahead the dimension that tells most of a factor is of the next (Chen et al. 2018).

    Args:
        information: `(code_dim, factors)` nats.
        entropy: of each factor, `(factors,)` nats.

    Returns:
        `(factors,)` shares of the factor's entropy, 0..1; their mean is the mutual information gap, MIG. At most what
        `BINS` parts can tell of a factor: below 1 where it has more values than that.
    """
    ranked = np.sort(np.vstack([information, np.zeros_like(entropy)]), axis=0)
    return np.asarray((ranked[-1] - ranked[-2]) / entropy)


def modularity(information: np.ndarray) -> float | None:
    """How far each code dimension tells of one factor alone (Ridgeway & Mozer 2018, section 3).

    Dimensions without any information, such as constant ones, have no say. Noise has some by its finite sample, and
    more of factors with many values: dead dimensions that aren't constant raise or lower the mean by chance.

    Args:
        information: `(code_dim, factors)` nats.

    Returns:
        Mean over dimensions of 1 - Σ I² of the other factors / ((factors - 1) I² of the first), 0..1; `None` for fewer
        than two factors or without any information.
    """
    factors = information.shape[1]
    squares = information[information.max(axis=1) > 1e-12] ** 2
    if factors < 2 or not len(squares):
        return None
    most = squares.max(axis=1)
    return float(np.mean(1.0 - (squares.sum(axis=1) - most) / (most * (factors - 1))))


def purities(information: np.ndarray, entropy: np.ndarray, codes: np.ndarray) -> tuple[float | None, float | None]:
    """InfoM and InfoC (Hsu et al. 2023, section 4): how nearly alone a dimension's factor, a factor's dimension, is.

    Of shares of the factors' entropies, each row's, or column's, greatest over their sum, mean, moved and scaled so
    that evenly spread ones have 0. Dimensions whose range is at most `ACTIVE_SHARE` of the widest are left out. The
    authors estimate information by neighbours; here it is counted in `BINS` parts.

    Args:
        information: `(code_dim, factors)` nats.
        entropy: of each factor, `(factors,)` nats.
        codes: `(n, code_dim)`.

    Returns:
        Both 0..1, or `None`: InfoM for fewer than two factors, InfoC for fewer than two dimensions, either where
        nothing is told.
    """
    ranges = np.ptp(codes.astype("float64"), axis=0)
    shares = (information / entropy)[ranges > ACTIVE_SHARE * ranges.max()]
    return _purity(shares), _purity(shares.T)


def _purity(rows: np.ndarray) -> float | None:
    told = rows[rows.sum(axis=1) > 1e-12]
    if rows.shape[1] < 2 or not len(told):
        return None
    chance = 1.0 / rows.shape[1]
    return float((np.mean(told.max(axis=1) / told.sum(axis=1)) - chance) / (1.0 - chance))
