"""Silhouette against scikit-learn, limits of class structure, active units, principal components."""

from __future__ import annotations

import numpy as np
import pytest
import rounding
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_samples, silhouette_score

from aebench.measures import components, information
from aebench.measures.classes.silhouettes import silhouettes


def embeddings():
    rng = np.random.default_rng(0)
    digits = load_digits()
    blobs, blob_labels = make_blobs(1500, 16, centers=10, random_state=0)
    return {
        "noise": (rng.normal(size=(2300, 2)), rng.integers(0, 10, 2300)),
        "digits pixels": (digits.data, digits.target),
        "blobs far from the origin": (blobs + 300.0, blob_labels),
        "unequal classes, one of a single point": (rng.normal(size=(60, 3)), np.repeat([0, 3, 7, 9], [40, 15, 4, 1])),
        "repeated points": (np.repeat(rng.normal(size=(30, 4)), 3, axis=0), np.tile([0, 1, 2], 30)),
    }


@pytest.mark.parametrize("name", embeddings())
def test_silhouette_is_scikit_learns(name):
    points, labels = embeddings()[name]
    found = silhouettes(points, labels)
    bound = rounding.silhouettes(points, labels)
    assert np.all(np.abs(found.values - silhouette_samples(points, labels)) <= bound)
    assert found.values.mean() == pytest.approx(silhouette_score(points, labels), abs=bound.mean())
    assert found.influence.mean() == pytest.approx(found.values.mean(), abs=1e-9)


def test_silhouette_of_perfect_and_random_embeddings():
    labels = np.repeat(np.arange(10), 50)
    rng = np.random.default_rng(1)
    perfect = 100.0 * np.eye(10)[labels] + rng.normal(size=(500, 10))
    assert silhouettes(perfect, labels).values.mean() > 0.95
    assert abs(silhouettes(rng.normal(size=(500, 10)), labels).values.mean()) < 0.05


def weighted_silhouette(points, labels, weights):
    """Mean silhouette of weighted points, from all their distances."""
    apart = cdist(points, points)
    classes = np.eye(labels.max() + 1)[labels] * weights[:, None]
    sums, sizes, rows = apart @ classes, classes.sum(axis=0), np.arange(len(points))
    within, between = sums[rows, labels] / (sizes[labels] - 1.0), sums / sizes
    between[rows, labels] = np.inf
    nearest = between.min(axis=1)
    return float(np.average((nearest - within) / np.maximum(nearest, within), weights=weights))


def test_influence_is_the_derivative_of_the_mean_by_a_point_s_weight():
    rng = np.random.default_rng(2)
    points, labels = rng.normal(size=(120, 3)) + np.repeat(np.eye(3), 40, axis=0), np.repeat([0, 1, 2], 40)
    found, ones = silhouettes(points, labels), np.ones(120)
    mean = weighted_silhouette(points, labels, ones)
    step = 1e-4
    slopes = [(weighted_silhouette(points, labels, ones + step * row) - mean) / step for row in np.eye(120)]
    derivative = 120 * np.array(slopes)
    np.testing.assert_allclose(found.influence - mean, derivative - derivative.mean(), atol=2e-3)
    assert np.abs(found.influence - found.values).max() > 0.1, "points matter to others too"


def test_influence_tells_the_spread_of_the_mean_over_samples():
    """Against the mean's actual spread when the points are drawn anew."""
    rng = np.random.default_rng(3)

    def drawn():
        labels = np.repeat(np.arange(5), 40)
        return rng.normal(size=(200, 2)) + 1.2 * np.stack([np.cos(labels), np.sin(labels)], axis=1), labels

    found = [silhouettes(*drawn()) for _ in range(120)]
    actual = np.std([one.values.mean() for one in found])
    assert np.mean([one.influence.std() / np.sqrt(200) for one in found]) == pytest.approx(actual, rel=0.25)


def test_silhouette_of_collapsed_codes_is_zero():
    found = silhouettes(np.zeros((20, 4)), np.arange(20) % 2)
    assert not found.values.any()
    assert not found.influence.any()


def test_active_units_counts_dimensions_above_the_threshold():
    spread = np.array([0.0, 0.09, 0.11, 1.0])  # standard deviations: variances 0, .0081, .0121, 1
    codes = np.where(np.arange(1000)[:, None] % 2, spread, -spread)
    assert information.active_units(codes) == 2


def test_principal_components_are_fitted_on_train_and_capped_by_pixels():
    rng = np.random.default_rng(2)
    mixing = rng.normal(size=(12, 12))
    train, test = rng.normal(size=(200, 12)) @ mixing, rng.normal(size=(50, 12)) @ mixing
    shaped = components.principal_components(train.reshape(200, 3, 4, 1), test.reshape(50, 3, 4, 1), 5)
    expected = PCA(5).fit(train).transform(test)
    np.testing.assert_allclose(np.abs(shaped), np.abs(expected), rtol=1e-4, atol=1e-6)
    assert components.principal_components(train, test, 99).shape == (50, 12)
