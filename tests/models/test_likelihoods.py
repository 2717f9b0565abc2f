from __future__ import annotations

import math

import numpy as np
import pytest
import rounding
from keras import ops
from scipy import integrate, special, stats

from aebench import data
from aebench.measures.bound import bits_per_dim
from aebench.models.likelihoods import LIKELIHOODS, log_rising, per_image_sum

LOGITS = [0.0, 1e-3, -1e-3, 0.0199, 0.0201, -0.02, 0.4999, 0.5001, -0.5, 3.0, -3.0, 30.0, -30.0]


def numpy(values) -> np.ndarray:
    return ops.convert_to_numpy(values)


def likelihood(name: str, shape: tuple[int, ...] = (1, 1, 1)):
    layer = LIKELIHOODS[name]()
    layer.build((None, *shape))
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
    layer = likelihood(name, pixel_mean.shape)
    bias = layer.initial_bias(pixel_mean)
    assert bias.shape == layer.parameter_shape(pixel_mean.shape)
    assert numpy(layer.mean(tensor(bias[None])))[0] == pytest.approx(pixel_mean, rel=1e-4)


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_initial_bias_is_finite_at_the_border(name, value):
    layer = likelihood(name)
    bias = layer.initial_bias(np.full((1, 1, 1), value))
    assert numpy(layer.mean(tensor(bias[None]))).item() == pytest.approx(value, abs=2e-3)


ROWS, COLUMNS = 400, 5
# A function of functions, summed over columns and over what Stirling's series has of terms.
FEW = rounding.relative(COLUMNS, 8, 8)


def vectors(name: str):
    layer = LIKELIHOODS[name]()
    layer.build((None, COLUMNS))
    return layer


def rising_size(start, steps) -> np.ndarray:
    """What `log_rising` adds up, without its signs."""
    low, high = start + 8.0, start + 8.0 + steps
    shifted = sum(np.log1p(steps / (start + place)) for place in range(8))
    return low * np.log1p(steps / low) + steps * (np.log(high) + 1.0) + shifted + 1.0


@pytest.mark.parametrize("start", [1e-3, 0.5, 1.0, 7.9, 8.0, 1e3, 1e6])
def test_log_rising_is_a_difference_of_log_gammas(start):
    steps = np.array([0.0, 0.5, 1.0, 3.0, 200.0, 1e5])
    expected = np.array([special.gammaln(start + step) - special.gammaln(start) for step in steps])
    found = numpy(log_rising(tensor(np.full_like(steps, start)), tensor(steps)))
    assert np.all(np.abs(found - expected) <= rounding.relative(8, 8) * rising_size(start, steps))


def test_diagonal_gaussian_is_scipy_s():
    rng, layer = np.random.default_rng(0), vectors("diagonal_gaussian")
    x, mean = (rng.normal(size=(ROWS, COLUMNS)).astype("float32") for _ in range(2))
    log_var = np.linspace(-3.0, 2.0, COLUMNS)
    layer.log_var.assign(log_var)
    each = stats.norm.logpdf(x, mean, np.exp(0.5 * log_var))
    size = (x - mean) ** 2 * np.exp(-log_var) + np.abs(log_var) + 2.0
    assert np.all(np.abs(numpy(layer.log_prob(tensor(x), tensor(mean))) - each.sum(axis=1)) <= FEW * size.sum(axis=1))


def test_student_t_is_scipy_s():
    rng, layer = np.random.default_rng(0), vectors("student_t")
    x, mean = (rng.standard_t(2.0, size=(ROWS, COLUMNS)).astype("float32") for _ in range(2))
    freedom, log_scale = np.array([1.01, 2.0, 5.0, 30.0, 1e4]), np.linspace(-2.0, 1.0, COLUMNS)
    layer.log_freedom.assign(np.log(freedom - 1.0))
    layer.log_scale.assign(log_scale)
    each = stats.t.logpdf(x, freedom, mean, np.exp(log_scale))
    far = ((x - mean) * np.exp(-log_scale)) ** 2
    size = rising_size(0.5 * freedom, 0.5) + (freedom + 1.0) * np.log1p(far / freedom) + np.abs(log_scale) + 2.0
    size += np.log(math.pi * freedom)
    assert np.all(np.abs(numpy(layer.log_prob(tensor(x), tensor(mean))) - each.sum(axis=1)) <= FEW * size.sum(axis=1))


def test_poisson_is_scipy_s():
    rng, layer = np.random.default_rng(0), vectors("poisson")
    log_rate = rng.uniform(-3.0, 6.0, size=(ROWS, COLUMNS)).astype("float32")
    x = rng.poisson(np.exp(log_rate)).astype("float32")
    each = stats.poisson.logpmf(x, np.exp(log_rate.astype("float64")))
    size = np.abs(x * log_rate) + np.exp(log_rate) * (1.0 + np.abs(log_rate)) + rising_size(1.0, x)
    found = numpy(layer.log_prob(tensor(x), tensor(log_rate)))
    assert np.all(np.abs(found - each.sum(axis=1)) <= FEW * size.sum(axis=1))
    assert numpy(layer.mean(tensor(log_rate))) == pytest.approx(stats.poisson.mean(np.exp(log_rate)), rel=1e-5)


def test_negative_binomial_is_scipy_s():
    rng, layer = np.random.default_rng(0), vectors("negative_binomial")
    log_mean = rng.uniform(-3.0, 6.0, size=(ROWS, COLUMNS)).astype("float32")
    r, mean = np.array([0.05, 1.0, 7.0, 300.0, 1e6]), np.exp(log_mean.astype("float64"))
    layer.log_r.assign(np.log(r))
    r = np.exp(numpy(layer.log_r).astype("float64"))
    share = r / (r + mean)
    x = rng.negative_binomial(r, share, size=mean.shape).astype("float32")
    each = stats.nbinom.logpmf(x, r, share)
    over = np.abs(log_mean - np.log(r))
    size = rising_size(r, x) + rising_size(1.0, x) + x * over + (x + r) * np.log1p(mean / r) * (1.0 + over)
    found = numpy(layer.log_prob(tensor(x), tensor(log_mean)))
    assert np.all(np.abs(found - each.sum(axis=1)) <= FEW * size.sum(axis=1))
    assert numpy(layer.mean(tensor(log_mean))) == pytest.approx(stats.nbinom.mean(r, share), rel=1e-5)


# Draws of each at parameters 0 as the layer starts: its mean of -log p is then SciPy's entropy.
DRAWN = {
    "diagonal_gaussian": stats.norm(0.0, 1.0),
    "student_t": stats.t(5.0),
    "poisson": stats.poisson(1.0),
    "negative_binomial": stats.nbinom(1.0, 0.5),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_constant_decoder_costs_the_entropy(name):
    """Bits a column of data that are drawn from it; five standard errors."""
    layer, x = vectors(name), DRAWN[name].rvs((4000, COLUMNS), random_state=0).astype("float32")
    bits = [bits_per_dim(nats, (COLUMNS,)) for nats in -numpy(layer.log_prob(tensor(x), tensor(np.zeros_like(x))))]
    error = 5.0 * float(np.std(bits)) / math.sqrt(len(bits))
    assert float(np.mean(bits)) == pytest.approx(DRAWN[name].entropy() / math.log(2.0), abs=error)


def test_a_constant_decoder_of_standardised_columns_has_a_closed_form(monkeypatch, tmp_path):
    """With mean 0 and variance 1 on train: ½ log2 2πe bits a column, and log-scales more in the data's own units."""
    monkeypatch.setenv("AEBENCH_CACHE", str(tmp_path))
    train = data.load("wine").train
    pixels = train.pixels()
    layer = LIKELIHOODS["diagonal_gaussian"]()
    layer.build((None, *pixels.shape[1:]))
    nats = -numpy(layer.log_prob(tensor(pixels), tensor(np.zeros_like(pixels)))).mean(dtype="float64")
    assert bits_per_dim(nats, pixels.shape[1:]) == pytest.approx(0.5 * math.log2(2.0 * math.pi * math.e), rel=1e-5)
    own = -stats.norm.logpdf(train.images, train.images.mean(axis=0), train.images.std(axis=0)).sum(axis=1).mean()
    assert nats + sum(math.log(column.scale) for column in train.columns) == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
def test_encoders_see_logarithms_of_counts(name):
    counts = np.array([[0.0, 1.0, 9.0, 1e3, 1e6]])
    assert numpy(vectors(name).encoded(tensor(counts))) == pytest.approx(np.log1p(counts), rel=1e-6)
