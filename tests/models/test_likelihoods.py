from __future__ import annotations

import math

import numpy as np
import pytest
import rounding
from keras import ops
from scipy import integrate, special, stats

from aebench.models.likelihoods import LIKELIHOODS, per_image_sum

LOGITS = [0.0, 1e-3, -1e-3, 0.0199, 0.0201, -0.02, 0.4999, 0.5001, -0.5, 3.0, -3.0, 30.0, -30.0]


def numpy(values) -> np.ndarray:
    return ops.convert_to_numpy(values)


def likelihood(name: str):
    layer = LIKELIHOODS[name]()
    layer.build((None, 1, 1, 1))
    return layer


def tensor(array: np.ndarray):
    return ops.convert_to_tensor(array, "float32")


def images(*pixels: float):
    """One image of one pixel for each value."""
    return tensor(np.array(pixels).reshape(-1, 1, 1, 1))


def test_per_image_sum_keeps_the_batch():
    values = np.arange(24.0).reshape(2, 3, 4, 1)
    assert numpy(per_image_sum(values)) == pytest.approx([66.0, 210.0])


def test_a_uniform_bernoulli_decoder_costs_ln_2_a_pixel():
    x = np.random.default_rng(0).integers(0, 2, (5, 8, 8, 1)).astype("float32")
    assert numpy(likelihood("bernoulli").log_prob(tensor(x), tensor(np.zeros_like(x)))) == pytest.approx(
        -64 * math.log(2.0), rel=rounding.relative(64, 4)
    )


def test_bernoulli_is_scipy_s():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (5, 4, 3, 2)).astype("float32")
    logits = rng.normal(size=x.shape).astype("float32")
    oracle = stats.bernoulli.logpmf(x, special.expit(logits)).sum(axis=(1, 2, 3))
    assert numpy(likelihood("bernoulli").log_prob(tensor(x), tensor(logits))) == pytest.approx(oracle, rel=1e-5)
    assert numpy(likelihood("bernoulli").mean(tensor(logits))) == pytest.approx(special.expit(logits), rel=1e-5)


@pytest.mark.parametrize("logit", [-100.0, 100.0])
def test_bernoulli_stays_finite_far_out(logit):
    log_prob = numpy(likelihood("bernoulli").log_prob(images(0.0, 1.0), images(logit, logit)))
    # a sum of one pixel: 100 less 100, and a softplus
    assert sorted(log_prob) == pytest.approx([-100.0, 0.0], abs=100.0 * rounding.relative(4, 1))


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_is_a_density(logit):
    """exp(log_prob(x)) is exp(l x) / ∫ exp(l t) dt on [0, 1]."""
    area, _ = integrate.quad(lambda t: math.exp(logit * t), 0.0, 1.0)
    x = np.array([0.0, 0.3, 1.0])
    log_prob = numpy(likelihood("continuous_bernoulli").log_prob(images(*x), images(*3 * [logit])))
    # l x, softplus, l and tanh(l / 2), the last two by their logarithms: large terms of a small sum, each a function
    size = abs(logit) + math.log1p(math.exp(abs(logit))) + 2.0 + abs(math.log(abs(logit) or 1.0))
    size += abs(math.log(math.tanh(abs(logit) / 2.0) or 1.0))
    assert log_prob == pytest.approx(logit * x - math.log(area), abs=rounding.relative(4, 4) * size)


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_mean(logit):
    area, _ = integrate.quad(lambda t: math.exp(logit * t), 0.0, 1.0)
    first, _ = integrate.quad(lambda t: t * math.exp(logit * t), 0.0, 1.0)
    mean = numpy(likelihood("continuous_bernoulli").mean(images(logit)))
    assert mean.ravel() == pytest.approx([first / area], rel=1e-5)


def test_gaussian_is_scipy_s():
    rng = np.random.default_rng(0)
    x, mean = (rng.random((5, 4, 3, 2)).astype("float32") for _ in range(2))
    layer = likelihood("gaussian")
    layer.log_var.assign(-1.3)
    oracle = stats.norm.logpdf(x, mean, math.exp(-0.65)).sum(axis=(1, 2, 3))
    assert numpy(layer.log_prob(tensor(x), tensor(mean))) == pytest.approx(oracle, rel=1e-5)
    assert np.array_equal(numpy(layer.mean(tensor(mean))), mean)


def test_gaussian_learns_its_variance():
    """The likelihood is highest where the variance is the mean square."""
    rng = np.random.default_rng(0)
    x, layer = rng.normal(0.0, 0.2, (200, 4, 4, 1)).astype("float32"), likelihood("gaussian")
    best = math.log(np.mean(x**2))

    def fit(log_var: float) -> float:
        layer.log_var.assign(log_var)
        return float(numpy(layer.log_prob(tensor(x), tensor(np.zeros_like(x)))).mean())

    assert layer.log_var.trainable
    assert layer.log_var.shape == ()
    assert fit(best) > max(fit(best - 0.1), fit(best + 0.1))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_initial_bias_inverts_the_mean(name):
    pixel_mean = np.array([[[0.01], [0.2]], [[0.5], [0.97]]])
    layer = likelihood(name)
    bias = layer.initial_bias(pixel_mean)
    assert bias.shape == pixel_mean.shape
    assert numpy(layer.mean(tensor(bias))) == pytest.approx(pixel_mean, rel=1e-4)


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_initial_bias_is_finite_at_the_border(name, value):
    layer = likelihood(name)
    bias = layer.initial_bias(np.full((1, 1, 1), value))
    assert numpy(layer.mean(tensor(bias))).item() == pytest.approx(value, abs=2e-3)
