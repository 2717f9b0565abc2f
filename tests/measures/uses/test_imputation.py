"""Missing pixels: conditional Gaussians, neighbours, errors by hand, and sampling that sees only what is there."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from aebench.backends.weights import get_weights
from aebench.measures.context import Member
from aebench.measures.evaluator import Evaluator
from aebench.measures.scorer import Scorer
from aebench.measures.uses import imputation
from aebench.measures.uses.completion import MASKS, conditional, errors, half, neighbours
from aebench.measures.uses.gibbs import gibbs, states
from aebench.models import AE, VAE
from aebench.records.record import MeasureSettings


def test_components_expect_what_the_conditional_gaussian_of_their_covariance_does():
    rng = np.random.default_rng(0)
    train = 0.5 + 0.01 * rng.normal(size=(200, 8)) @ rng.normal(size=(8, 8))
    seen, missing = train[:5], (rng.random((5, 8)) < 0.5).astype(float)
    found = conditional(train, 3, seen, missing)
    pca = PCA(3).fit(train)
    covariance, mean = pca.get_covariance(), pca.mean_
    for row, image, gone in zip(found, seen, missing.astype(bool), strict=True):
        there = ~gone
        known = np.linalg.solve(covariance[np.ix_(there, there)], image[there] - mean[there])
        np.testing.assert_allclose(row[gone], mean[gone] + covariance[np.ix_(gone, there)] @ known, atol=1e-8)


def test_neighbours_are_nearest_where_pixels_are_there():
    train = np.repeat(np.eye(3), 10, axis=0)
    seen, missing = np.array([[1.0, 0.0, 99.0]]), np.array([[0.0, 0.0, 1.0]])
    np.testing.assert_allclose(neighbours(train, seen, missing), [[1.0, 0.0, 0.0]])


def test_errors_are_of_missing_pixels_alone():
    truth, estimates, missing = (np.zeros((1, 2, 2, 1)) for _ in range(3))
    truth[0, 0, 0], missing[0, 0, 0], missing[0, 0, 1] = 1.0, 1.0, 1.0
    estimates[:] = 0.25
    found = errors(estimates, truth, missing, binary=True)
    assert found["mse"][0] == pytest.approx((0.75**2 + 0.25**2) / 2)
    assert found["nats"][0] == pytest.approx(-np.log(0.25) - np.log(0.75))
    assert errors(estimates, truth, missing, binary=False).keys() == {"mse"}


def test_half_of_the_pixels_are_missing():
    assert half((3, 6, 6, 1)).sum(axis=(1, 2, 3)).tolist() == [18.0] * 3
    assert half((3, 1, 6, 1)).sum(axis=(1, 2, 3)).tolist() == [3.0] * 3, "an image a pixel high has no lower half"
    assert MASKS["random"]((200, 6, 6, 3)).mean() == pytest.approx(0.5, abs=0.03)


def score(data, model):
    model.adapt(data.train)
    weights = get_weights(model)
    scorer = Scorer(model, data, MeasureSettings(), None, families=[imputation.FAMILY])
    return scorer.score([Member(weights=weights, initial=weights, pictured=False)])[0]


@pytest.mark.parametrize("resample", [True, False])
def test_a_decoder_that_knows_the_mean_image_alone_fills_in_the_mean_image(resample, inputs):
    data = inputs(resample)
    model = AE(2, network="linear", likelihood="bernoulli" if resample else "gaussian")
    model.adapt(data.train)
    for weight in model.decoder.trainable_weights:
        weight.assign(np.zeros(weight.shape))
    found = score(data, model).metrics
    # what references see is the training split as models see it; the decoder's mean is that of the grey images
    missing = half(data.test.shape)
    expected = errors(np.broadcast_to(data.train_mean, data.test.shape), data.test, missing, binary=resample)
    assert found["imputation_mse_half"] == pytest.approx(expected["mse"].mean(), rel=1e-4)
    assert ("imputation_nats_half" in found) is resample


@pytest.mark.parametrize("variant", [AE, VAE])
def test_what_is_missing_is_not_looked_at(inputs, variant):
    data, missing = inputs(), half((50, 6, 6, 1))
    model = variant(2, network="mlp-256")
    model.adapt(data.train)
    weights = get_weights(model)
    rng = np.random.default_rng(1)
    weights = {name: array if not array.ndim else (array + rng.normal(0, 0.3, array.shape)).astype("float32")
               for name, array in weights.items()}  # fmt: skip
    evaluator = Evaluator(model)
    runs, start = evaluator.load([weights]), data.train_mean[None].astype("float32")

    def estimates(value):
        seen = np.where(missing == 1.0, value, data.test).astype("float32")
        return evaluator.apply(gibbs(True), runs, np.concatenate([seen, missing], axis=-1), start, states("half"))

    black = estimates(0.0)
    np.testing.assert_array_equal(black, estimates(1.0))
    assert black.min() >= 0.0
    assert black.max() <= 1.0
    assert black.std(axis=1).max() > 0.01, "what is there does matter"


def test_a_run_that_has_run_away_is_left_out_and_references_stay(inputs):
    data, model = inputs(), VAE(2, network="mlp-256")
    model.adapt(data.train)
    model.output_bias.assign(np.full((6, 6, 1), np.nan))
    weights = get_weights(model)
    scorer = Scorer(model, data, MeasureSettings(), None, families=[imputation.FAMILY])
    metrics = scorer.score([Member(weights=weights, initial=weights, pictured=False)])[0].metrics
    assert metrics.get("imputation_mse_half") is None
    assert metrics["imputation_mse_half_pca"] > 0.0
