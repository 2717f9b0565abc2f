"""Checks of measures of uses: of codes, on the Gaussians of `classes`; of anomalies' scores; of codes' geometry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from aebench.measures.validity import classes
from aebench.measures.validity.check import CLASSES, COUNT, FEATURES, SAME, Check, check

LABELS, DRAWS, NEAREST = 10, 20, 10


def checks() -> Iterator[Check]:
    """All of them."""
    recalled = 1.0 - (1.0 - 1.0 / CLASSES) ** NEAREST
    chance = {f"retrieval_recall_{NEAREST}": recalled}
    by_draws = (-0.02, 0.02)  # in another order other images get labels
    yield from classes.owed(_of_codes, lambda measure: chance.get(measure, 1.0 / CLASSES), by_draws)
    yield from _detection()
    yield from _geometry()


def _of_codes(train: np.ndarray, test: np.ndarray, labels: np.ndarray) -> Mapping[str, float]:
    from aebench.measures.uses.discriminant import label_draws, predicted
    from aebench.measures.uses.ranked import searched

    draws = label_draws(labels, LABELS, DRAWS)
    assert draws is not None
    shuffled = np.random.default_rng(2).permutation(len(train))  # order decides between images that are equally near
    precision, hit = searched(train[shuffled], labels[shuffled], test, labels, NEAREST)
    return {
        f"few_labels_accuracy_{LABELS}": float((predicted(train, labels, draws, test) == labels).mean()),
        "retrieval_map": float(precision.mean()),
        f"retrieval_recall_{NEAREST}": float(hit.mean()),
    }


def _detection() -> Iterator[Check]:
    from aebench.measures.uses.detection import shares_above

    rng = np.random.default_rng(3)
    data, strange, alike = (rng.normal(size=10 * COUNT) for _ in range(3))
    strange += 1.0

    def area(first: np.ndarray, second: np.ndarray) -> float:
        return float(shares_above(first, second).mean())

    measure, plain = "anomaly_auroc", area(data, strange)
    yield check(measure, "every outlier stranger than all data", (1.0, 1.0), area(data, 10.0 + strange))
    yield check(measure, "outliers like the data, over chance", (-0.05, 0.05), area(data, alike) - 0.5)
    yield check(measure, "one score for all, over chance", SAME, area(0.0 * data, 0.0 * strange) - 0.5)
    yield check(measure, "scores on another scale, change", SAME, area(np.exp(data), np.exp(strange)) - plain)
    yield check(measure, "one outlier in eleven, change", (-0.05, 0.05), area(data, strange[:COUNT]) - plain)


def _geometry() -> Iterator[Check]:
    from aebench.measures.uses.geometry import geometry

    rng = np.random.default_rng(4)
    codes = rng.normal(size=(COUNT, FEATURES)) * np.linspace(0.2, 2.0, FEATURES)
    half = np.where(np.arange(FEATURES) < FEATURES // 2, rng.normal(size=(COUNT, FEATURES)), 0.0)
    turn = np.linalg.qr(rng.normal(size=(FEATURES, FEATURES)))[0]
    plain, in_half = geometry(codes), geometry(half)
    changed = {
        "codes turned, change": geometry(codes @ turn),
        "codes a hundred times larger, change": geometry(100.0 * codes),
        "codes moved, change": geometry(codes + 5.0),
        "images in another order, change": geometry(codes[::-1]),
    }
    shares = {"rankme": 1.0 / FEATURES, "effective_rank": 1.0 / FEATURES, "isotropy": 1.0}
    filled = {"rankme": 0.5, "effective_rank": 0.5, "isotropy": (FEATURES // 2 - 1) / (FEATURES - 1)}
    for measure, share in shares.items():
        off = share * float(in_half[measure] or 0.0) - filled[measure]
        yield check(measure, "half of the dimensions filled evenly, over their share", (-0.02, 0.02), off)
        for case, numbers in changed.items():
            change = share * (float(numbers[measure] or 0.0) - float(plain[measure] or 0.0))
            yield check(measure, case, SAME, change)
