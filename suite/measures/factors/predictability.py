"""What can be predicted of factors from codes: DCI by random forests, its explicitness by probes, SAP by thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aebench.data.pixels import FIXED_SEED
from aebench.measures.factors.known import Known, target
from aebench.records.record import Factor

TREES = 20
MOST_FITTED = 5_000  # training images that forests and probes are fitted on
FEATURES = (0, 16, 32, 64, 128, 256, 512)  # random ones beside the code, in probes of growing capacity
PENALTY = 1e-6  # of the probes' weights, for an image and a coordinate of unit variance
TELLS_SOMETHING = 0.01  # share of a factor's variance, below which there is nothing to be explicit about


@dataclass(frozen=True, kw_only=True)
class Codes:
    """Codes of training and test images, `(n, code_dim)`, and the factors of both."""

    train: np.ndarray
    test: np.ndarray
    train_factors: Known
    test_factors: Known

    def at_most(self, count: int) -> Codes:
        """A fixed part of at most `count` training images; all test images."""
        chosen = np.random.default_rng(FIXED_SEED).permutation(len(self.train))[:count]
        return Codes(
            train=self.train[chosen],
            test=self.test,
            train_factors=self.train_factors.take(chosen),
            test_factors=self.test_factors,
        )

    def standardised(self) -> Codes:
        """All dimensions with mean 0 and standard deviation 1 over the training images; constant ones are 0."""
        mean, spread = self.train.mean(axis=0, dtype="float64"), self.train.std(axis=0, dtype="float64")
        spread = np.where(spread > 1e-6 * np.abs(mean), spread, np.inf)  # constant but for rounding
        train, test = ((part - mean) / spread for part in (self.train, self.test))
        return Codes(train=train, test=test, train_factors=self.train_factors, test_factors=self.test_factors)


@dataclass(frozen=True, kw_only=True)
class Importance:
    """What forests say.

    Attributes:
        shares: `(code_dim, factors)`, each column sums to 1, or is 0 where the forest used nothing.
        informativeness: `(factors,)`, 1 - error / error of the best constant guess on test images, 0..1.
    """

    shares: np.ndarray
    informativeness: np.ndarray


def importance(codes: Codes) -> Importance:
    """Fits a random forest for each factor on all code dimensions (Eastwood & Williams 2018, section 3).

    Every split may use every dimension, so that one that tells nothing is never used in place of one that does. A
    forest for a categorical factor predicts its value and errs or not; for any other, squared errors count.

    Args:
        codes: standardised; a fixed part of `MOST_FITTED` serves.
    """
    codes = codes.at_most(MOST_FITTED)
    pairs = zip(codes.train_factors.columns(), codes.test_factors.columns(), strict=True)
    found = [_forest(codes, factor, train, test) for (factor, train), (_, test) in pairs]
    return Importance(
        shares=np.stack([shares for shares, _ in found], axis=1),
        informativeness=np.array([told for _, told in found]),
    )


def _forest(codes: Codes, factor: Factor, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, float]:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    settings = {"n_estimators": TREES, "max_features": None, "random_state": FIXED_SEED}
    if factor.kind == "categorical":
        model = RandomForestClassifier(**settings).fit(codes.train, train)
        common = np.mean(test == np.bincount(train.astype(int)).argmax())
        told = 1.0 if common == 1.0 else 1.0 - np.mean(model.predict(codes.test) != test) / (1.0 - common)
        return model.feature_importances_, float(max(told, 0.0))
    wanted, judged = target(factor, train), target(factor, test)
    model = RandomForestRegressor(**settings).fit(codes.train, wanted.squeeze())
    return model.feature_importances_, max(1.0 - _loss(model.predict(codes.test), judged, wanted), 0.0)


def _loss(predicted: np.ndarray, judged: np.ndarray, fitted: np.ndarray) -> float:
    """Squared error over that of always guessing the mean of the training images."""
    error = np.sum((predicted.reshape(judged.shape) - judged) ** 2)
    return float(error / np.sum((judged - fitted.mean(axis=0)) ** 2))


def disentanglement(shares: np.ndarray) -> float | None:
    """How far each code dimension matters for one factor alone, 0..1 (Eastwood & Williams 2018, section 2).

    Args:
        shares: `(code_dim, factors)` importances.

    Returns:
        1 - entropy of a dimension's importances over log(factors), mean weighted by how much the dimension matters;
        `None` for fewer than two factors, or where nothing matters.
    """
    if shares.shape[1] < 2 or shares.sum() == 0.0:
        return None
    weights = shares.sum(axis=1) / shares.sum()
    return float(np.sum(weights * _purity(shares)))


def completeness(shares: np.ndarray) -> float | None:
    """How far each factor is held in one code dimension alone, 0..1 (Eastwood & Williams 2018, section 2).

    Args:
        shares: `(code_dim, factors)` importances.

    Returns:
        1 - entropy of a factor's importances over log(code_dim), mean over the factors that any dimension matters for;
        `None` for a single dimension, or where nothing matters.
    """
    if shares.shape[0] < 2 or shares.sum() == 0.0:
        return None
    return float(np.mean(_purity(shares.T[shares.sum(axis=0) > 0.0])))


def _purity(rows: np.ndarray) -> np.ndarray:
    """1 - entropy of each row over that of a uniform one, `(rows,)`; 0 of an empty row."""
    from scipy.special import entr

    total = rows.sum(axis=1, keepdims=True)
    parts = np.divide(rows, total, out=np.full_like(rows, 1.0 / rows.shape[1]), where=total > 0.0)
    return np.asarray(1.0 - entr(parts).sum(axis=1) / np.log(rows.shape[1]))


def explicitness(codes: Codes) -> float | None:
    """How little capacity a probe needs to tell the factors (Eastwood et al. 2023, section 3, "E" of DCI-ES).

    Probes are ridge regressions on the code and a growing number of random Fourier features of it (Rahimi & Recht 2007,
    bandwidth √code_dim); capacity grows in equal steps, from none of them over `FEATURES`. Rotating standardised,
    uncorrelated codes changes nothing but which features are drawn.

    Args:
        codes: standardised; a fixed part of `MOST_FITTED` serves.

    Returns:
        1 where a linear probe tells as much as any, 0 where each step of capacity tells the same amount more, -1 where
        the last tells all; mean over the factors of which any probe tells something, `None` without.
    """
    codes = codes.at_most(MOST_FITTED)
    curves = _loss_curves(codes)
    told = [curve for curve in curves.T if 1.0 - curve.min() > TELLS_SOMETHING]
    return float(np.mean([explicitness_of(curve) for curve in told])) if told else None


def explicitness_of(losses: np.ndarray) -> float:
    """1 - area between a loss-capacity curve and its least loss, over that of a straight line from the loss of a guess.

    Args:
        losses: `(steps,)`, 1 is that of the best constant guess.
    """
    least = int(losses.argmin())
    if least == 0:
        return 1.0
    above = losses[: least + 1] - losses[least]
    return float(1.0 - np.trapezoid(above) / (0.5 * least * (1.0 - losses[least])))


def linear_information(codes: Codes) -> float:
    """How much of each factor a linear probe tells (InfoE, Hsu et al. 2023, section 4), mean over factors, 0..1.

    Of categorical factors the share of the entropy that a logistic regression takes away, of others the R² of a linear
    one (of periodic ones, of cosine and sine): the authors' choice for continuous factors. On test images, which the
    probes have not seen; below 0 counts as 0.

    Args:
        codes: standardised; a fixed part of `MOST_FITTED` serves.
    """
    codes = codes.at_most(MOST_FITTED)
    pairs = zip(codes.train_factors.columns(), codes.test_factors.columns(), strict=True)
    return float(np.mean([_linearly(codes, factor, train, test) for (factor, train), (_, test) in pairs]))


def _linearly(codes: Codes, factor: Factor, train: np.ndarray, test: np.ndarray) -> float:
    if factor.kind == "categorical":
        return _logistically(codes, train, test)
    known, asked = (np.hstack([np.ones((len(part), 1)), part]) for part in (codes.train, codes.test))
    wanted = target(factor, train)
    weights = np.linalg.lstsq(known, wanted, rcond=None)[0]
    return max(1.0 - _loss(asked @ weights, target(factor, test), wanted), 0.0)


def _logistically(codes: Codes, train: np.ndarray, test: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    values = np.unique(train)
    if len(values) < 2:
        return 0.0
    shares = np.array([np.mean(train == value) for value in values])
    guessed = np.tile(shares, (len(test), 1))
    model = LogisticRegression(C=1.0 / PENALTY, max_iter=1000).fit(codes.train, train)
    errors = [log_loss(test, found, labels=values) for found in (model.predict_proba(codes.test), guessed)]
    return max(1.0 - float(errors[0] / errors[1]), 0.0)


def _loss_curves(codes: Codes) -> np.ndarray:
    """`(capacities, factors)` losses on test images, at most 1."""
    rng, dim = np.random.default_rng(FIXED_SEED), codes.train.shape[1]
    directions = rng.standard_normal((dim, FEATURES[-1])) / np.sqrt(dim)
    phases = rng.uniform(0.0, 2.0 * np.pi, FEATURES[-1])
    train, test = (
        np.hstack([np.ones((len(part), 1)), part, np.sqrt(2.0) * np.cos(part @ directions + phases)])
        for part in (codes.train, codes.test)
    )
    wanted, judged = codes.train_factors.targets(), codes.test_factors.targets()
    ends = np.cumsum([part.shape[1] for part in wanted])[:-1]
    products, towards = train.T @ train, train.T @ np.hstack(wanted)
    losses = []
    for size in (1 + dim + features for features in FEATURES):
        penalised = products[:size, :size] + PENALTY * len(train) * np.eye(size)
        predicted = np.split(test[:, :size] @ np.linalg.solve(penalised, towards[:size]), ends, axis=1)
        losses.append([_loss(*parts) for parts in zip(predicted, judged, wanted, strict=True)])
    return np.minimum(losses, 1.0)


def attribute_gaps(codes: Codes) -> np.ndarray:
    """How far ahead the dimension that predicts a factor best alone is of the next (Kumar et al. 2018, section 3).

    An ordered factor is predicted by linear regression, and the score is its R² on test images, the squared
    correlation; any other by thresholds, and the score is balanced accuracy: the paper's choice for continuous and for
    categorical factors. Guessing has a balanced accuracy of 1 / values, so such a factor's gap is at most 1 less that.

    Args:
        codes: standardised; a fixed part of `MOST_FITTED` serves.

    Returns:
        `(factors,)` 0..1; their mean is the SAP score.
    """
    codes = codes.at_most(MOST_FITTED)
    dimensions, factors = codes.train.shape[1], len(codes.train_factors.factors)
    scores = np.array([[_alone(codes, dimension, at) for at in range(factors)] for dimension in range(dimensions)])
    ranked = np.sort(np.vstack([scores, np.zeros(scores.shape[1])]), axis=0)
    return np.asarray(ranked[-1] - ranked[-2])


def _alone(codes: Codes, dimension: int, at: int) -> float:
    """How well one dimension predicts one factor, 0..1."""
    train, test = codes.train[:, dimension], codes.test[:, dimension]
    if codes.train_factors.factors[at].kind != "ordered":
        return _by_thresholds(train, test, codes.train_factors.levels[:, at], codes.test_factors.levels[:, at])
    values = codes.test_factors.values[:, at]
    if np.ptp(test) == 0.0:
        return 0.0
    return float(np.corrcoef(test, values)[0, 1] ** 2)


def _by_thresholds(train: np.ndarray, test: np.ndarray, levels: np.ndarray, judged: np.ndarray) -> float:
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(
        max_leaf_nodes=max(len(np.unique(levels)), 2), class_weight="balanced", random_state=FIXED_SEED
    )
    return float(balanced_accuracy_score(judged, tree.fit(train[:, None], levels).predict(test[:, None])))
