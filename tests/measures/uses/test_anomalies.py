"""Anomaly detection: scikit-learn's AUROC, closed forms, what outliers are, and the known failure of likelihoods."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bernoulli, norm
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from aebench.backends.weights import get_weights
from aebench.measures.context import Member
from aebench.measures.scorer import Scorer
from aebench.measures.uses import anomalies, outliers
from aebench.measures.uses.detection import SinglePixels, average_precision, nearest, shares_above
from aebench.measures.uses.images import Images
from aebench.models import VAE
from aebench.records.record import MeasureSettings


@pytest.mark.parametrize("kind", ["apart", "mixed", "tied"])
def test_the_mean_share_above_is_the_area_under_the_roc_curve(kind):
    rng = np.random.default_rng(0)
    data, strange = rng.normal(size=60), rng.normal(size=40) + {"apart": 9.0, "mixed": 0.7, "tied": 0.0}[kind]
    if kind == "tied":
        data, strange = data.round(), strange.round()
    found = shares_above(data, strange)
    assert found.mean() == pytest.approx(roc_auc_score(np.repeat([0, 1], [60, 40]), np.concatenate([data, strange])))
    assert shares_above(strange, data).mean() == pytest.approx(1.0 - found.mean())
    if kind == "apart":
        assert found.mean() == average_precision(data, strange) == 1.0


def test_infinite_scores_are_the_strangest():
    assert average_precision(np.zeros(5), np.full(5, np.inf)) == 1.0
    assert shares_above(np.zeros(5), np.full(5, np.inf)).mean() == 1.0


def test_the_nearest_is_as_far_as_scikit_learn_says():
    rng = np.random.default_rng(0)
    gallery, points = rng.normal(size=(100, 4)) + 50.0, rng.normal(size=(30, 4)) + 50.0
    known = NearestNeighbors(n_neighbors=1).fit(gallery).kneighbors(points)[0][:, 0]
    np.testing.assert_allclose(nearest(gallery, points), known, rtol=1e-4)
    np.testing.assert_allclose(nearest(gallery, gallery), 0.0, atol=1e-12)


def test_single_pixels_have_scipy_s_likelihoods(inputs):
    data = inputs()
    flat = data.train.reshape(80, -1).astype("float64")
    binary = SinglePixels(data.train, binary=True).log_prob(data.test)
    known = bernoulli(flat.mean(axis=0)).logpmf(data.test.reshape(50, -1)).sum(axis=1)
    np.testing.assert_allclose(binary, known, rtol=1e-6)
    grey = SinglePixels(data.train, binary=False).log_prob(data.grey_test)
    known = norm(flat.mean(axis=0), flat.std(axis=0)).logpdf(data.grey_test.reshape(50, -1)).sum(axis=1)
    np.testing.assert_allclose(grey, known, rtol=1e-5)


@pytest.mark.parametrize("resample", [True, False])
def test_outliers_are_made_of_the_images_themselves_and_always_the_same(resample, inputs):
    data = inputs(resample)
    known = Images(data)
    found = outliers.outliers(known, known.test)
    assert found.keys() == outliers.KINDS.keys()
    assert all(one.shape == data.test.shape and one.dtype == np.float32 for one in found.values())
    assert not found["blank"].any()
    again = outliers.outliers(Images(data), Images(data).test)
    assert all(np.array_equal(one, again[kind]) for kind, one in found.items())
    if not resample:
        np.testing.assert_allclose(found["inverted"], 1.0 - data.grey_test, rtol=1e-6)
        np.testing.assert_array_equal(found["turned"], np.rot90(data.grey_test, axes=(1, 2)))
        scrambled = found["scrambled"].reshape(50, -1)
        np.testing.assert_array_equal(np.sort(scrambled, axis=1), np.sort(data.grey_test.reshape(50, -1), axis=1))
        assert set(found["noise"][:, 2, 3, 0]) <= set(data.train[:, 2, 3, 0]), "each pixel has been seen there"


def test_images_that_are_not_square_are_turned_upside_down():
    wide = np.arange(24, dtype="float32").reshape(1, 4, 6, 1)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(outliers.turned(wide, rng, wide), wide[:, ::-1, ::-1])


def score(data, models):
    for model in models:
        model.adapt(data.train)
    scorer = Scorer(models[0], data, MeasureSettings(), None, families=[anomalies.FAMILY])
    weights = [get_weights(model) for model in models]
    return scorer.score([Member(weights=own, initial=own, pictured=False) for own in weights])


def test_a_likelihood_that_knows_single_pixels_alone_takes_blank_images_for_better_ones(inputs):
    """Nalisnick et al. 2019: less ink than real images have is likelier than real images are."""
    found, _ = score(inputs(), [VAE(2, network="mlp-256", seed=seed) for seed in (0, 1)])
    assert found.metrics["anomaly_auroc_simple_likelihood"] < 0.1
    kinds = dict(zip(outliers.KINDS, found.profiles["anomaly_auroc_likelihood_by_kind"], strict=True))
    assert kinds["blank"] < 0.01 < 0.9 < kinds["inverted"]
    assert kinds["noise"] == pytest.approx(0.5, abs=0.2)
    assert found.metrics["anomaly_auroc_validation"] <= 1.0
    chosen = {name: found.metrics[f"anomaly_auroc_{name}"] for name in anomalies.SCORES}
    assert found.metrics["anomaly_auroc"] in chosen.values()
    values = found.arrays["latents"]["anomaly_auroc_likelihood"]
    assert values.shape == (50,)
    assert values.mean() == pytest.approx(found.metrics["anomaly_auroc_likelihood"], abs=1e-6)


def test_without_validation_images_no_score_is_chosen_and_each_is_told(inputs):
    (found,) = score(inputs(validation=0), [VAE(2, network="mlp-256")])
    assert "anomaly_auroc" not in found.metrics
    assert found.metrics["anomaly_auroc_ratio"] is not None
