"""Distortion, rate, ELBO and reconstruction against closed forms and against NumPy written out here."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import rounding
from scipy.stats import multivariate_normal

from aebench.backends.weights import get_weights, set_weights
from aebench.measures import bound as bounds
from aebench.measures import training_split
from aebench.measures.evaluator import DRAWS, Evaluator
from aebench.measures.programs import noise
from aebench.models import AE, VAE

SHAPE = (4, 4, 1)


@pytest.fixture(scope="module")
def images():
    return (np.random.default_rng(0).random((50, *SHAPE)) > 0.6).astype("float32")


def built(cls, **options):
    model = cls(3, network="mlp-256", seed=1, **options)
    model.build((None, *SHAPE))
    return model


def codes_of(evaluator, weights, images):
    return evaluator.representations(evaluator.load([weights]), images)[0]


def scored(evaluator, weights, images):
    return evaluator.score(evaluator.load([weights]), images)[0]


def bound_of(evaluator, weights, images):
    return bounds.evidence_bound(scored(evaluator, weights, images))


@pytest.fixture(scope="module")
def vae():
    model = built(VAE)
    return Evaluator(model), get_weights(model)


@pytest.fixture(scope="module")
def trained_vae(images):
    model = built(VAE, beta=0.1)
    model.compile(optimizer="adam")
    model.fit(images, epochs=60, batch_size=50, shuffle=False, verbose=0)  # the same images get the same noise
    return Evaluator(model), get_weights(model)


def forward(weights, images, noise):
    """Distortion and rate of a bernoulli mlp-256 VAE in float64 NumPy, for standard normal `noise` `(n, 3)`."""
    w = {name: value.astype("float64") for name, value in weights.items()}
    pixels = images.reshape(len(images), -1).astype("float64")
    hidden = np.maximum(pixels @ w["encoder/hidden_0/kernel"] + w["encoder/hidden_0/bias"], 0)
    mean = hidden @ w["mean/kernel"] + w["mean/bias"]
    log_var = hidden @ w["log_var/kernel"] + w["log_var/bias"]
    codes = mean + np.exp(log_var / 2) * noise
    hidden = np.maximum(codes @ w["decoder/hidden_0/kernel"] + w["decoder/hidden_0/bias"], 0)
    logits = hidden @ w["decoder/output/kernel"] + w["output_bias"].ravel()
    probabilities = 1 / (1 + np.exp(-logits))
    log_likelihood = pixels * np.log(probabilities) + (1 - pixels) * np.log(1 - probabilities)
    return -log_likelihood.sum(axis=1), 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).sum(axis=1), probabilities


def test_uniform_decoder_and_prior_posterior_cost_ln_2_a_pixel(vae, images):
    evaluator, weights = vae
    zero = {name: np.zeros_like(value) for name, value in weights.items()}
    bound = bound_of(evaluator, zero, images)
    same = rounding.relative(16, 4)  # a sum over pixels of one function
    assert bound.elbo == pytest.approx(-16 * math.log(2), rel=same)
    assert np.abs(bound.rate).max() < 1e-6
    assert bound.mc_se == pytest.approx(0.0, abs=1e-6)
    assert bounds.bits_per_dim(-bound.elbo, SHAPE) == pytest.approx(1.0, rel=same)


def test_bound_is_that_of_numpy_within_monte_carlo_error(trained_vae, images):
    evaluator, weights = trained_vae
    bound = bound_of(evaluator, weights, images)
    rng = np.random.default_rng(5)
    draws = [forward(weights, images, rng.normal(size=(50, 3)))[:2] for _ in range(400)]
    ours, theirs = bound.distortion.mean(), np.mean([draw[0] for draw in draws])
    assert abs(ours - theirs) < 5 * bound.mc_se
    np.testing.assert_allclose(bound.rate, draws[0][1], rtol=1e-4)
    assert bound.rate.mean() > 1.0, "the test must not be about a collapsed posterior"
    assert bound.elbo == pytest.approx(-(bound.distortion + bound.rate).mean())


def test_monte_carlo_error_is_the_spread_of_single_draws(trained_vae, images):
    evaluator, weights = trained_vae
    bound = bound_of(evaluator, weights, images)
    rng = np.random.default_rng(6)
    means = [forward(weights, images, rng.normal(size=(50, 3)))[0].mean() for _ in range(400)]
    assert bound.mc_se == pytest.approx(np.std(means) / math.sqrt(DRAWS), rel=0.6)


def test_the_same_noise_every_time_and_for_every_chunk_of_images(trained_vae, images):
    evaluator, weights = trained_vae
    first = bound_of(evaluator, weights, images)
    again = bound_of(evaluator, weights, images)
    np.testing.assert_array_equal(first.distortion, again.distortion)
    draws = scored(evaluator, weights, images).distortions
    assert len(np.unique(draws.mean(axis=0))) == DRAWS


def test_reconstruction_is_that_of_numpy_at_the_posterior_mean(trained_vae, images):
    evaluator, weights = trained_vae
    nats, _, probabilities = forward(weights, images, np.zeros((50, 3)))
    found = scored(evaluator, weights, images)
    assert found.recon_mse.mean() == pytest.approx(np.mean((probabilities - images.reshape(50, -1)) ** 2), rel=1e-4)
    assert found.recon_nats.mean() == pytest.approx(nats.mean(), rel=1e-4)


def test_autoencoder_has_distortion_at_its_code_and_no_elbo(images):
    model = built(AE)
    evaluator, weights = Evaluator(model), get_weights(model)
    bound = bound_of(evaluator, weights, images)
    assert bound.elbo is None
    assert bound.rate is None
    back = scored(evaluator, weights, images).recon_nats.mean(dtype="float64")
    assert bound.distortion.mean(dtype="float64") == pytest.approx(back, rel=1e-9)


def test_evaluator_uses_the_weights_it_is_given(vae, trained_vae, images):
    (evaluator, own), (other, weights) = vae, trained_vae
    apart = np.abs(codes_of(evaluator, weights, images) - codes_of(other, weights, images))
    assert np.all(apart <= 2.0 * rounding.codes(weights, images))
    assert np.abs(codes_of(evaluator, own, images) - codes_of(evaluator, weights, images)).max() > 0.1
    set_weights(evaluator.model, own)


def test_chunks_make_no_difference(trained_vae, images, monkeypatch):
    evaluator, weights = trained_vae
    whole = codes_of(evaluator, weights, images)
    monkeypatch.setattr("aebench.measures.programs.CHUNK", 7)
    same = 2.0 * rounding.codes(weights, images)
    assert np.all(np.abs(codes_of(evaluator, weights, images) - whole) <= same)
    parts = scored(evaluator, weights, images)
    assert parts.distortions.shape == parts.rates.shape == (50, DRAWS)
    assert np.all(np.abs(parts.codes - whole) <= same)


def test_draws_start_where_a_generator_set_to_them_would(trained_vae, images):
    """The noise of draw 3 is that of the stream `bound/0` of the harness, three states on."""
    evaluator, weights = trained_vae
    evaluator.model.set_weights([weights[name] for name in weights])
    generator = keras.random.SeedGenerator(0)
    generator.state.assign(noise("bound/0", 3))
    posterior = evaluator.model.encode(images)
    codes = posterior.sample(generator)
    expected = keras.ops.convert_to_numpy(evaluator.model.distortion(images, codes))
    # sums over 16 pixels, 256 units and 3 numbers of a code, up to 7 times a distortion without their signs
    same = rounding.relative(16, 256, 3, 256, 16, condition=7.0)
    np.testing.assert_allclose(scored(evaluator, weights, images).distortions[:, 3], expected, rtol=same)


def test_probabilistic_pca_is_the_gaussian_likelihood_of_its_covariance():
    """Tipping & Bishop 1999, by hand: W W' + σ²I from the leading eigenvectors, σ² the mean of the rest."""
    rng = np.random.default_rng(3)
    images = (rng.normal(size=(400, 9)) @ rng.normal(size=(9, 9))).reshape(-1, 3, 3, 1).astype("float32")
    flat = images.reshape(400, 9).astype("float64")
    values, vectors = np.linalg.eigh(np.cov(flat.T))
    noise_variance = values[:-2].mean()
    covariance = noise_variance * np.eye(9) + (vectors[:, -2:] * (values[-2:] - noise_variance)) @ vectors[:, -2:].T
    expected = multivariate_normal(flat.mean(axis=0), covariance).logpdf(flat).mean()
    assert training_split.probabilistic_pca(images, 2) == pytest.approx(expected, rel=1e-9)


def test_images_that_are_all_alike_have_no_probabilistic_pca():
    assert training_split.probabilistic_pca(np.full((20, 3, 3, 1), 0.5), 2) is None
