"""t-SNE against scikit-learn: the same input probabilities, and a divergence as low."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from aebench.measures.pictures.tsne import joint_probabilities, tsne


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    return images[:300] @ np.linalg.svd(images, full_matrices=False)[2][:8].T, labels[:300]


def divergence(joint, places):
    weights = 1 / (1 + squareform(pdist(places.astype("float64"), "sqeuclidean")))
    np.fill_diagonal(weights, 0)
    model, some = weights / weights.sum(), joint > 0
    return float(np.sum(joint[some] * np.log(joint[some] / model[some])))


def nearest(points):
    return NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)[:, 0]


def test_input_probabilities_have_the_perplexity(digits):
    points, _ = digits
    joint = joint_probabilities(points.astype("float32"))
    assert joint.sum() == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_array_equal(joint, joint.T)
    assert np.diag(joint).max() == 0.0
    from sklearn.manifold._t_sne import _joint_probabilities  # the oracle, which takes all neighbours

    theirs = squareform(_joint_probabilities(squareform(pdist(points, "sqeuclidean")).astype("float32"), 30.0, 0))
    assert np.abs(joint - theirs).sum() < 0.05


def test_divergence_is_as_low_as_scikit_learns(digits):
    points, labels = digits
    theirs = TSNE(2, perplexity=30.0, init="pca", random_state=0).fit_transform(points)
    ours, joint = tsne(points), joint_probabilities(points.astype("float32")).astype("float64")
    assert ours.shape == (300, 2)
    assert ours.dtype == np.float32
    assert divergence(joint, ours) < 1.05 * divergence(joint, theirs)
    assert np.mean(labels[nearest(ours)] == labels) > np.mean(labels[nearest(theirs)] == labels) - 0.03


def test_the_same_every_time(digits):
    np.testing.assert_array_equal(tsne(digits[0][:60]), tsne(digits[0][:60]))


@pytest.mark.parametrize("points", [np.zeros((50, 4)), np.full((12, 3), 1e6), *map(np.eye, (2, 3, 4, 5, 12))])
@pytest.mark.parametrize("seed", range(4))
def test_collapsed_and_few_points_stay_finite(points, seed):
    noise = 10.0 ** -(2 * seed + 1) * np.random.default_rng(seed).normal(size=points.shape)
    assert np.isfinite(tsne((points + noise).astype("float32"))).all()
