"""Checks of what tells how classes lie among codes, on Gaussians: what any measure of their separation owes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from aebench.measures.validity.check import CLASSES, COUNT, FEATURES, INVARIANT, SAME, Bounds, Check, check

Numbers = Mapping[str, float]


def checks() -> Iterator[Check]:
    """All of them."""
    level = {"silhouette": 0.0, "kmeans_nmi": 0.0, "kmeans_ari": 0.0}
    return owed(_structure, lambda measure: level.get(measure, 1.0 / CLASSES))


def owed(
    measured: Callable[[np.ndarray, np.ndarray, np.ndarray], Numbers],
    chance: Callable[[str], float],
    in_another_order: Bounds = SAME,
) -> Iterator[Check]:
    """What measures of classes owe, from 1 where these are far apart to a level of chance.

    Args:
        measured: numbers of training codes, test codes and the classes of either.
        chance: the level of a measure where codes know no class.
        in_another_order: how far numbers may change with the order of images.
    """
    rng = np.random.default_rng(1)
    labels = np.arange(COUNT) % CLASSES
    centres = np.eye(CLASSES, FEATURES)
    noise = [rng.normal(size=(COUNT, FEATURES)) for _ in range(2)]
    train, test = (4.0 * centres[labels] + part for part in noise)
    apart, apart_too = (centres[labels] + 1e-3 * part for part in noise)
    plain = measured(train, test, labels)
    perfect, guessed = measured(apart, apart_too, labels), measured(noise[0], noise[1], labels)
    turn = np.linalg.qr(rng.normal(size=(FEATURES, FEATURES)))[0]
    changed = {
        "codes turned, change": measured(train @ turn, test @ turn, labels),
        "codes a hundred times larger, change": measured(100.0 * train, 100.0 * test, labels),
        "codes moved, change": measured(train + 50.0, test + 50.0, labels),
        "a constant dimension added, change": measured(_wider(train), _wider(test), labels),
        "classes renamed, change": measured(train, test, (labels + 2) % CLASSES),
    }
    reordered = measured(train[::-1], test[::-1], labels[::-1])
    mixed = np.where(rng.random(COUNT) < 0.5, rng.integers(0, CLASSES, COUNT), labels)
    noisy = measured(train, test, mixed)
    for measure in plain:
        yield check(measure, "classes far apart", (0.99, 1.0 + INVARIANT), perfect[measure])
        yield check(measure, "codes that know no class, over chance", (-0.05, 0.05), guessed[measure] - chance(measure))
        for case, found in changed.items():
            yield check(measure, case, SAME, found[measure] - plain[measure])
        change = reordered[measure] - plain[measure]
        yield check(measure, "images in another order, change", in_another_order, change)
        yield check(measure, "half of the labels at random, change", (-np.inf, -0.1), noisy[measure] - plain[measure])


def _wider(points: np.ndarray) -> np.ndarray:
    return np.pad(points, ((0, 0), (0, 1)))


def _structure(train: np.ndarray, test: np.ndarray, labels: np.ndarray) -> Numbers:
    from aebench.measures.classes.structure import Labelled, class_structure

    found = class_structure(*(Labelled(points=part, labels=labels) for part in (train, test))).numbers
    return {name: float(value or 0.0) for name, value in found.items() if name != "intrinsic_dimension"}
