"""The importance-weighted likelihood against exact marginal likelihoods and against weights written out in NumPy."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import keras
import numpy as np
import pytest
import rounding
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from aebench.backends.weights import get_weights
from aebench.measures.evaluator import Evaluator, noise
from aebench.measures.importance import importance_bound
from aebench.measures.speed import memory
from aebench.models import AE, VAE

SHAPE = (4, 4, 1)
PIXELS = math.prod(SHAPE)
VARIANCE = 0.3
CODES = 5000
# Bound of a log-weight of `Linear`: its sums over 16 pixels, of functions of sums over up to 8 numbers, are 230 nats in
# these tests without their signs.
LOG_WEIGHT = rounding.relative(PIXELS, 8) * 230.0


@cache
class Linear:
    """x = W z + m + noise of variance `VARIANCE`; q(z|x) has the exact mean and marginal sds, off by what is said."""

    def __init__(self, size, wider=1.3, shift=0.3, orthogonal=False):
        rng = np.random.default_rng(size)
        factors, self.center = rng.normal(size=(PIXELS, size)) / 2.0, rng.normal(size=PIXELS)
        if orthogonal:
            factors = np.linalg.qr(factors)[0] * np.linspace(0.5, 2.0, size)
        self.covariance = factors @ factors.T + VARIANCE * np.eye(PIXELS)
        self.posterior = np.linalg.inv(np.eye(size) + factors.T @ factors / VARIANCE)
        exact_sd = np.sqrt(np.diag(self.posterior))
        self.sd, self.shift = wider * exact_sd, shift * exact_sd
        encoder = factors @ self.posterior / VARIANCE
        self.weights = {
            "mean/kernel": encoder,
            "mean/bias": self.shift - self.center @ encoder,
            "log_var/kernel": np.zeros((PIXELS, size)),
            "log_var/bias": 2.0 * np.log(self.sd),
            "decoder/output/kernel": factors.T,
            "output_bias": self.center.reshape(SHAPE),
            "likelihood/log_var": np.log(VARIANCE),
            "beta": 1.0,
        }
        model = VAE(size, network="linear", likelihood="gaussian")
        model.build((None, *SHAPE))
        self.evaluator = Evaluator(model)
        assert set(self.weights) == set(get_weights(model))

    def images(self, count, seed=0):
        flat = np.random.default_rng(seed).multivariate_normal(self.center, self.covariance, count)
        return flat.reshape(count, *SHAPE).astype("float32")

    def log_likelihood(self, images):
        """Exact, `(n,)`."""
        return np.atleast_1d(multivariate_normal(self.center, self.covariance).logpdf(images.reshape(len(images), -1)))

    def elbo_gap(self):
        """KL(q(z|x) || p(z|x)), the same for every image."""
        precision = np.linalg.inv(self.posterior)
        log_dets = np.linalg.slogdet(self.posterior)[1] - 2.0 * np.log(self.sd).sum()
        return 0.5 * (np.diag(precision) @ self.sd**2 - len(self.sd) + log_dets + self.shift @ precision @ self.shift)

    def bound(self, images, samples):
        weights = {name: np.asarray(value, "float32") for name, value in self.weights.items()}
        return importance_bound(self.evaluator, self.evaluator.load([weights]), images, samples)[0]


def mean_and_error(values):
    return values.mean(), values.std(ddof=1) / math.sqrt(len(values))


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_5000_codes_from_a_wrong_posterior_find_the_exact_likelihood_that_the_elbo_misses(size):
    linear = Linear(size)
    images = linear.images(200)
    found = linear.bound(images, CODES)
    exact = linear.log_likelihood(images)
    assert linear.elbo_gap() > 0.1
    assert abs(found.log_likelihood.mean() - exact.mean()) < 0.01
    assert abs(found.half.mean() - exact.mean()) < 0.02
    assert found.samples == CODES
    assert 1.0 < np.median(found.effective) < 0.9 * CODES


def test_one_code_is_the_elbo_in_expectation():
    linear = Linear(3)
    images = linear.images(20_000)
    error, se = mean_and_error(linear.bound(images, 1).log_likelihood - linear.log_likelihood(images))
    assert se < 0.01 < 0.1 < linear.elbo_gap()
    assert abs(error + linear.elbo_gap()) < 4 * se


def test_the_bound_rises_with_every_code_in_expectation_and_stays_below_the_likelihood():
    linear = Linear(4, wider=1.6, shift=0.6)
    images = np.repeat(linear.images(1), 2000, axis=0)
    bounds = [linear.bound(images, samples).log_likelihood for samples in (1, 3, 10, 30, 100)]
    for fewer, more in pairwise(bounds):
        rise, se = mean_and_error(more - fewer)
        assert rise > 4 * se
    shortfall, se = mean_and_error(linear.log_likelihood(images[:1]) - bounds[-1])
    assert -3 * se < shortfall < 0.2


def test_from_the_exact_posterior_one_code_is_enough():
    linear = Linear(4, wider=1.0, shift=0.0, orthogonal=True)
    images = linear.images(30)
    exact = linear.log_likelihood(images)
    for samples in (1, 8):
        found = linear.bound(images, samples)
        np.testing.assert_allclose(found.log_likelihood, exact, atol=LOG_WEIGHT)
        np.testing.assert_allclose(found.half, exact, atol=LOG_WEIGHT)
        np.testing.assert_allclose(found.effective, samples, rtol=4.0 * LOG_WEIGHT)  # exp(2 log Σ w - log Σ w²)


@pytest.mark.parametrize("samples", [3, 10])
def test_half_is_the_bound_of_the_first_half_of_the_codes(samples):
    linear = Linear(2)
    images = linear.images(20)
    half = linear.bound(images, samples // 2).log_likelihood
    np.testing.assert_allclose(linear.bound(images, samples).half, half, atol=2.0 * LOG_WEIGHT)


@cache
def evaluator_of(cls, floatx):
    model = cls(3, network="mlp-256")
    model.build((None, *SHAPE))
    return Evaluator(model)


def dense(seed=0, cls=VAE):
    """An evaluator in Keras's present precision, and weights in float32."""
    evaluator, rng = evaluator_of(cls, keras.config.floatx()), np.random.default_rng(seed)
    weights = get_weights(evaluator.model)
    return evaluator, {n: (value + rng.normal(0, 0.2, value.shape)).astype("float32") for n, value in weights.items()}


@pytest.fixture(scope="module")
def images():
    return (np.random.default_rng(0).random((50, *SHAPE)) > 0.6).astype("float32")


def test_uniform_decoder_and_prior_posterior_cost_ln_2_a_pixel(images):
    evaluator, weights = dense()
    zero = {name: np.zeros_like(value) for name, value in weights.items()}
    found = importance_bound(evaluator, evaluator.load([zero]), images, 7)[0]
    np.testing.assert_allclose(found.log_likelihood, -PIXELS * math.log(2.0), rtol=1e-5)
    np.testing.assert_allclose(found.effective, 7, rtol=1e-4)


def numpy_log_weights(weights, images, epsilon):
    """log p(x, z) - log q(z|x) of a bernoulli mlp-256 VAE in float64, for standard normal `epsilon` `(n, 3)`."""
    w = {name: value.astype("float64") for name, value in weights.items()}
    pixels = images.reshape(len(images), -1).astype("float64")
    hidden = np.maximum(pixels @ w["encoder/hidden_0/kernel"] + w["encoder/hidden_0/bias"], 0)
    mean = hidden @ w["mean/kernel"] + w["mean/bias"]
    sd = np.exp((hidden @ w["log_var/kernel"] + w["log_var/bias"]) / 2)
    codes = mean + sd * epsilon
    hidden = np.maximum(codes @ w["decoder/hidden_0/kernel"] + w["decoder/hidden_0/bias"], 0)
    p = 1 / (1 + np.exp(-(hidden @ w["decoder/output/kernel"] + w["output_bias"].ravel())))
    log_likelihood = (pixels * np.log(p) + (1 - pixels) * np.log(1 - p)).sum(axis=1)
    return log_likelihood + (0.5 * epsilon**2 - 0.5 * codes**2 + np.log(sd)).sum(axis=1)


@pytest.mark.usefixtures("in_float64")
def test_weights_are_those_of_numpy_at_the_codes_of_the_harness_noise_whatever_the_parts(images, monkeypatch):
    """Parts of 20 images, whose noise is the stream `importance/<first image>`, and of at most 4 codes."""
    monkeypatch.setattr("aebench.measures.evaluator.CHUNK", 20)
    monkeypatch.setattr("aebench.measures.importance.BLOCK", 4)
    evaluator, weights = dense()
    found = importance_bound(evaluator, evaluator.load([weights]), images, 11)[0]

    generator, expected = keras.random.SeedGenerator(0), []
    for start in (0, 20, 40):
        part, drawn = images[start : start + 20], []
        for draw in range(11):
            generator.state.assign(noise(f"importance/{start}", draw))
            epsilon = keras.ops.convert_to_numpy(keras.random.normal((len(part), 3), seed=generator))
            drawn.append(numpy_log_weights(weights, part, epsilon.astype("float64")))
        expected.append(np.stack(drawn))
    log_weights = np.concatenate(expected, axis=1)
    shares = np.exp(log_weights - logsumexp(log_weights, axis=0))
    np.testing.assert_allclose(found.log_likelihood, logsumexp(log_weights, axis=0) - math.log(11), atol=1e-9)
    np.testing.assert_allclose(found.half, logsumexp(log_weights[:5], axis=0) - math.log(5), atol=1e-9)
    np.testing.assert_allclose(found.effective, 1 / (shares**2).sum(axis=0), rtol=1e-9)


@pytest.mark.usefixtures("in_float64")
def test_blocks_of_codes_make_no_difference(images, monkeypatch):
    evaluator, weights = dense()
    runs = evaluator.load([weights])
    whole = importance_bound(evaluator, runs, images, 30)[0]
    monkeypatch.setattr("aebench.measures.importance.BLOCK", 7)
    parts = importance_bound(evaluator, runs, images, 30)[0]
    np.testing.assert_allclose(parts.log_likelihood, whole.log_likelihood, rtol=1e-9)
    np.testing.assert_allclose(parts.half, whole.half, rtol=1e-9)
    np.testing.assert_allclose(parts.effective, whole.effective, rtol=1e-9)


@pytest.mark.usefixtures("in_float64")
def test_a_run_has_alone_the_numbers_that_it_has_in_company(images):
    evaluator, first = dense(0)
    cohort = [first, dense(1)[1], dense(2)[1]]
    together = importance_bound(evaluator, evaluator.load(cohort), images, 20)
    for run, weights in zip(together, cohort, strict=True):
        alone = importance_bound(evaluator, evaluator.load([weights]), images, 20)[0]
        np.testing.assert_allclose(run.log_likelihood, alone.log_likelihood, rtol=1e-9)
        np.testing.assert_allclose(run.effective, alone.effective, rtol=1e-9)
    assert np.abs(together[0].log_likelihood - together[1].log_likelihood).max() > 0.1


def test_a_diverged_run_spoils_no_other(images):
    evaluator, weights = dense()
    broken = {name: np.full_like(value, np.nan) for name, value in weights.items()}
    spoilt, whole = importance_bound(evaluator, evaluator.load([broken, weights]), images, 4)
    assert np.isnan(spoilt.log_likelihood).all()
    assert np.isfinite(whole.log_likelihood).all()


class WithoutDensity:
    """A prior that can only be drawn from."""

    def sample(self, count, noise):
        return keras.random.normal((count, 3), seed=noise)


class ImplicitPrior(VAE):
    prior = WithoutDensity()


@pytest.mark.parametrize("cls", [AE, ImplicitPrior])
def test_without_a_density_there_is_no_bound(cls, images):
    evaluator, weights = dense(cls=cls)
    assert importance_bound(evaluator, evaluator.load([weights, weights]), images, 5) == [None, None]


def test_no_code_at_all_is_refused(images):
    evaluator, weights = dense()
    with pytest.raises(ValueError, match=r"at least 1\. Received: samples=0"):
        importance_bound(evaluator, evaluator.load([weights]), images, 0)


def test_memory_does_not_grow_with_the_number_of_codes():
    model = VAE(2, network="linear")
    model.build((None, 28, 28, 1))
    evaluator, samples = Evaluator(model), 1000
    runs = evaluator.load([get_weights(model)])
    images = np.ones((200, 28, 28, 1), "float32")
    importance_bound(evaluator, runs, images, samples // 4)  # compiles, for blocks of the same size
    held = memory.peak_from_now()()
    peak = memory.peak_from_now()
    importance_bound(evaluator, runs, images, samples)
    if held is None:
        pytest.skip("this system does not tell a process's peak memory")
    assert peak() - held < 0.2 * samples * images.nbytes
