from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import rounding
from keras import ops
from scipy import stats

from aebench.models.distributions import DiagonalGaussian, PointCode, StandardNormal, gaussian_kl, gaussian_log_prob


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def gaussian(rng: np.random.Generator, shape: tuple[int, ...]) -> DiagonalGaussian:
    mean, log_var = rng.normal(size=shape), rng.uniform(-2.0, 1.0, size=shape)
    return DiagonalGaussian(ops.convert_to_tensor(mean, "float32"), ops.convert_to_tensor(log_var, "float32"))


@pytest.mark.parametrize(
    ("mean", "log_var", "nats"),
    [
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([1.0, 3.0], [0.0, 0.0], 5.0),
        ([0.0, 0.0], [1.0, 0.0], 0.5 * (math.e - 2.0)),
        ([0.0, 0.0], [-2.0, 2.0], 0.5 * (math.exp(-2.0) + math.exp(2.0) - 2.0)),
    ],
)
def test_gaussian_kl_known_values(mean, log_var, nats):
    kl = gaussian_kl(ops.convert_to_tensor([mean]), ops.convert_to_tensor([log_var]))
    # a sum of four terms, one of them an exponential, for each of two dimensions
    size = 0.5 * sum(m**2 + math.exp(v) + abs(v) + 1.0 for m, v in zip(mean, log_var, strict=True))
    assert numpy(kl) == pytest.approx([nats], abs=rounding.relative(2 * 4, 4) * size)


def test_gaussian_kl_equals_its_monte_carlo_estimate():
    posterior, prior, count = gaussian(np.random.default_rng(0), (3, 4)), StandardNormal(4), 20_000
    noise = keras.random.SeedGenerator(1)
    repeated = DiagonalGaussian(ops.repeat(posterior.mean, count, axis=0), ops.repeat(posterior.log_var, count, axis=0))
    codes = repeated.sample(noise)
    draws = numpy(repeated.log_prob(codes) - prior.log_prob(codes)).reshape(3, count)
    error = draws.std(axis=1) / math.sqrt(count)
    exact = numpy(gaussian_kl(posterior.mean, posterior.log_var))
    assert np.all(np.abs(draws.mean(axis=1) - exact) < 4.0 * error)


def test_log_prob_is_scipy_s():
    rng = np.random.default_rng(0)
    posterior, z = gaussian(rng, (5, 3)), rng.normal(size=(5, 3)).astype("float32")
    sd = np.exp(0.5 * numpy(posterior.log_var).astype("float64"))
    oracle = stats.norm.logpdf(z, numpy(posterior.mean), sd).sum(axis=1)
    assert numpy(posterior.log_prob(ops.convert_to_tensor(z))) == pytest.approx(oracle, rel=1e-5)


def test_log_prob_broadcasts_over_images():
    log_prob = gaussian_log_prob(ops.zeros((2, 3)), ops.ones(3), ops.zeros(3))
    assert numpy(log_prob) == pytest.approx(2 * [3 * stats.norm.logpdf(1.0)], rel=1e-6)


def test_samples_have_the_posterior_s_moments():
    one = gaussian(np.random.default_rng(0), (1, 2))
    many = DiagonalGaussian(ops.repeat(one.mean, 20_000, axis=0), ops.repeat(one.log_var, 20_000, axis=0))
    codes = numpy(many.sample(keras.random.SeedGenerator(0)))
    assert codes.mean(axis=0) == pytest.approx(numpy(one.mean)[0], abs=0.05)
    assert codes.std(axis=0) == pytest.approx(np.exp(0.5 * numpy(one.log_var)[0]), rel=0.03)


def test_noise_decides_the_sample():
    posterior = gaussian(np.random.default_rng(0), (4, 2))
    draws = [numpy(posterior.sample(keras.random.SeedGenerator(seed))) for seed in (1, 1, 2)]
    assert np.array_equal(draws[0], draws[1])
    assert not np.allclose(draws[0], draws[2])


def test_a_point_is_its_own_sample():
    code = PointCode(np.ones((2, 3)))
    assert code.sample(keras.random.SeedGenerator(0)) is code.mean


def test_standard_normal():
    prior = StandardNormal(3)
    codes = numpy(prior.sample(20_000, keras.random.SeedGenerator(0)))
    assert codes.shape == (20_000, 3)
    assert stats.kstest(codes.ravel(), "norm").pvalue > 1e-3
    assert numpy(prior.log_prob(ops.convert_to_tensor(codes[:5]))) == pytest.approx(
        stats.norm.logpdf(codes[:5]).sum(axis=1), rel=1e-5
    )
