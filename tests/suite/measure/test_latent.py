"""Silhouette against scikit-learn, limits of class structure, active units, principal components."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_samples, silhouette_score

from suite.measure import latent


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
    ours = latent.silhouette(points, labels)
    np.testing.assert_allclose(ours, silhouette_samples(points, labels), atol=1e-4)
    assert latent.mean_silhouette(points, labels) == pytest.approx(silhouette_score(points, labels), abs=1e-5)


def test_silhouette_of_perfect_and_random_embeddings():
    labels = np.repeat(np.arange(10), 50)
    rng = np.random.default_rng(1)
    perfect = 100.0 * np.eye(10)[labels] + rng.normal(size=(500, 10))
    assert latent.mean_silhouette(perfect, labels) > 0.95
    assert abs(latent.mean_silhouette(rng.normal(size=(500, 10)), labels)) < 0.05


def test_silhouette_needs_two_classes_and_finite_points():
    points = np.random.default_rng(0).normal(size=(10, 2))
    assert latent.mean_silhouette(points, None) is None
    assert latent.mean_silhouette(points, np.zeros(10, int)) is None
    points[3, 1] = np.inf
    assert latent.mean_silhouette(points, np.arange(10) % 2) is None


def test_silhouette_of_collapsed_codes_is_zero():
    assert latent.mean_silhouette(np.zeros((20, 4)), np.arange(20) % 2) == 0.0


def test_active_units_counts_dimensions_above_the_threshold():
    spread = np.array([0.0, 0.09, 0.11, 1.0])  # standard deviations: variances 0, .0081, .0121, 1
    codes = np.where(np.arange(1000)[:, None] % 2, spread, -spread)
    assert latent.active_units(codes) == 2


def test_principal_components_are_fitted_on_train_and_capped_by_pixels():
    rng = np.random.default_rng(2)
    mixing = rng.normal(size=(12, 12))
    train, test = rng.normal(size=(200, 12)) @ mixing, rng.normal(size=(50, 12)) @ mixing
    shaped = latent.principal_components(train.reshape(200, 3, 4, 1), test.reshape(50, 3, 4, 1), 5)
    expected = PCA(5).fit(train).transform(test)
    np.testing.assert_allclose(np.abs(shaped), np.abs(expected), rtol=1e-4, atol=1e-6)
    assert latent.principal_components(train, test, 99).shape == (50, 12)
