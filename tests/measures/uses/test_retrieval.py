"""Retrieval by codes: scikit-learn's average precision, perfect codes, chance, invariances."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors

from aebench.measures.uses.ranked import searched

CLASSES = 4


def blobs(count, seed, apart=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    return apart * np.random.default_rng(7).normal(size=(CLASSES, 3))[labels] + rng.normal(size=(count, 3)), labels


def test_each_query_has_scikit_learn_s_average_precision_and_finds_its_class_among_the_nearest():
    (gallery, known), (queries, labels) = blobs(200, 0), blobs(50, 1)
    precision, hit = searched(gallery, known, queries, labels, 3)
    distances = np.linalg.norm(queries[:, None] - gallery[None], axis=2)
    oracle = [average_precision_score(known == label, -row) for label, row in zip(labels, distances, strict=True)]
    np.testing.assert_allclose(precision, oracle, atol=1e-3)  # float32 may turn two neighbours round
    nearest = NearestNeighbors(n_neighbors=3).fit(gallery).kneighbors(queries, return_distance=False)
    assert hit.mean() == pytest.approx((known[nearest] == labels[:, None]).any(axis=1).mean(), abs=0.02)


def test_perfect_codes_find_all_and_random_ones_find_by_chance():
    rng, known = np.random.default_rng(0), np.arange(2000) % CLASSES
    labels = np.arange(400) % CLASSES
    precision, hit = searched(np.eye(CLASSES)[known], known, np.eye(CLASSES)[labels], labels, 10)
    assert precision.min() == 1.0
    assert hit.min() == 1.0
    precision, hit = searched(rng.normal(size=(2000, 5)), known, rng.normal(size=(400, 5)), labels, 1)
    assert precision.mean() == pytest.approx(1 / CLASSES, abs=0.02)
    assert hit.mean() == pytest.approx(1 / CLASSES, abs=0.1)


@pytest.mark.parametrize("change", ["turned", "larger", "moved", "constant dimension"])
def test_what_changes_no_order_of_distances_changes_nothing(change):
    (gallery, known), (queries, labels) = blobs(200, 0), blobs(50, 1)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    changed = {
        "turned": lambda points: points @ turn,
        "larger": lambda points: 1e25 * points,
        "moved": lambda points: points + 100.0,
        "constant dimension": lambda points: np.pad(points, ((0, 0), (0, 1))),
    }[change]
    plain, _ = searched(gallery, known, queries, labels, 3)
    found, _ = searched(changed(gallery), known, changed(queries), labels, 3)
    assert found.mean() == pytest.approx(plain.mean(), abs=1e-3)


def test_a_class_that_the_gallery_lacks_is_not_found():
    (gallery, known), (queries, _) = blobs(50, 0), blobs(5, 1)
    precision, hit = searched(gallery, known, queries, np.full(5, 99), 10)
    assert not precision.any()
    assert not hit.any()
