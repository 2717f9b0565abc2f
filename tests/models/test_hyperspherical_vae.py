"""The VAE on a sphere: its posterior against SciPy's, its samples against theirs and against closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops
from scipy import special, stats

from aebench.models import HypersphericalVAE
from aebench.models.sphere import CELLS, UniformDirections, VonMisesFisher, direction, grid, log_area, turned

DIMENSIONS = (1, 2, 3, 8, 17, 64)
CONCENTRATIONS = (1e-2, 1.0, 10.0, 300.0, 1e4)


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def unit(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def posterior(dimension: int, concentration: Any, count: int = 1, seed: int = 0) -> VonMisesFisher:
    mean = np.repeat(unit((1, dimension + 1), seed).astype("float32"), count, axis=0)
    kappa = np.broadcast_to(np.asarray(concentration, "float32"), (count, 1))
    return VonMisesFisher.of(ops.convert_to_tensor(mean), ops.convert_to_tensor(kappa.copy()))


def bessel_ratio(dimension: int, concentration: Any) -> Any:
    """E[cos φ]: A(κ) = I_{m/2}(κ) / I_{m/2-1}(κ) of m = d + 1 numbers."""
    half = 0.5 * (dimension + 1)
    return special.ive(half, concentration) / special.ive(half - 1.0, concentration)


def error(dimension: int, concentration: float) -> float:
    """How far off a log-normaliser may be, in nats.

    A sum over the cells of exponentials of numbers of this size, each of a handful of roundings; and for d = 2, whose
    |sin t| has a kink at the grid's ends, what the midpoint rule leaves: h²/24 of the slopes there, over the integral.
    """
    log_cells, _, width, _ = grid(dimension)
    sizes = np.abs(log_cells).max() + dimension + dimension * math.log1p(concentration) / 2.0
    kink = width**2 / 12.0 if dimension == 2 else 0.0
    return rounding.relative(CELLS, 8) + rounding.relative(4, condition=float(sizes)) + kink


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_density_is_scipy_s(dimension):
    for concentration in CONCENTRATIONS:
        own = posterior(dimension, concentration)
        mean = numpy(own.mean)[0].astype("float64")
        oracle = stats.vonmises_fisher(mean / np.linalg.norm(mean), concentration, seed=1)
        points = np.concatenate([oracle.rvs(20), unit((5, dimension + 1), 3)])
        found = numpy(own.log_prob(ops.convert_to_tensor(points.astype("float32"))))
        expected = oracle.logpdf(points)
        away = concentration * 0.5 * np.sum((points - mean) ** 2, axis=1)
        # κ |z - mean|²/2 from points that are rounded themselves: 2 |z - mean| u, and a sum over their numbers
        moved = concentration * np.linalg.norm(points - mean, axis=1) * 2.0 * rounding.U
        bound = error(dimension, concentration) + moved + away * rounding.relative(dimension, 4)
        assert np.all(np.abs(found - expected) <= bound), (dimension, concentration)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_rate_is_the_difference_of_entropies(dimension):
    for concentration in CONCENTRATIONS:
        oracle = stats.vonmises_fisher(np.eye(dimension + 1)[0], concentration)
        expected = log_area(dimension) - oracle.entropy()
        found = float(numpy(posterior(dimension, concentration).kl_from_uniform())[0])
        assert found == pytest.approx(expected, abs=2.0 * error(dimension, concentration)), concentration


def test_rate_of_no_concentration_and_of_much():
    """0; and, as a Gaussian's in the d tangent directions, d/2 (log κ/2π - 1) + log area."""
    assert numpy(posterior(5, 1e-6).kl_from_uniform()) == pytest.approx(0.0, abs=error(5, 1e-6))
    gaussian = 2.5 * (math.log(1e6 / (2.0 * math.pi)) - 1.0) + log_area(5)
    assert numpy(posterior(5, 1e6).kl_from_uniform()) == pytest.approx(gaussian, rel=1e-5)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_samples_are_scipy_s(dimension):
    """The angle to the mean by Kolmogorov and Smirnov's test against the distribution function by quadrature, in 4000
    draws; and against SciPy's samples, in half of them."""
    count = 4000
    for concentration in CONCENTRATIONS:
        own = posterior(dimension, concentration, count)
        codes = numpy(own.sample(keras.random.SeedGenerator(5))).astype("float64")
        mean = numpy(own.mean)[0].astype("float64")
        assert np.linalg.norm(codes, axis=1) == pytest.approx(np.ones(count), rel=rounding.relative(dimension, 16))
        versine = 0.5 * ((codes - mean) ** 2).sum(axis=1)
        angle = 2.0 * np.arcsin(np.sqrt(np.clip(0.5 * versine, 0.0, 1.0)))
        most = min(math.pi, 12.0 * math.sqrt((dimension + 1.0) / concentration))
        steps = np.linspace(0.0, most, 20_001)
        middles = 0.5 * (steps[1:] + steps[:-1])
        log_density = (dimension - 1) * np.log(np.sin(middles)) + concentration * (np.cos(middles) - 1.0)
        below = np.concatenate([[0.0], np.cumsum(np.exp(log_density - log_density.max()))])
        cdf = lambda at, steps=steps, below=below: np.interp(at, steps, below / below[-1])  # noqa: E731
        assert stats.kstest(angle, cdf).pvalue > 1e-3, concentration
        theirs = stats.vonmises_fisher(np.eye(dimension + 1)[0], concentration, seed=6).rvs(2000)
        theirs = 0.5 * ((theirs - np.eye(dimension + 1)[0]) ** 2).sum(axis=1)
        assert stats.ks_2samp(versine[:2000], theirs).pvalue > 1e-3, concentration


@pytest.mark.parametrize("dimension", [1, 2, 8])
def test_samples_have_the_distribution_s_moments(dimension):
    """E[z] = A(κ) mean, and the same variance in each direction across: (1 - E[cos² φ]) / d = A(κ)/κ."""
    count, concentration = 20_000, 5.0
    own = posterior(dimension, concentration, count)
    codes = numpy(own.sample(keras.random.SeedGenerator(7))).astype("float64")
    mean, ratio = numpy(own.mean)[0].astype("float64"), bessel_ratio(dimension, concentration)
    standard = codes.std(axis=0) / math.sqrt(count)
    assert np.all(np.abs(codes.mean(axis=0) - ratio * mean) < 4.0 * standard)
    basis = np.linalg.svd(mean[None])[2][1:]
    across = codes @ basis.T
    products = across[:, :, None] * across[:, None]
    expected = ratio / concentration * np.eye(dimension)
    assert np.all(np.abs(products.mean(axis=0) - expected) < 4.0 * products.std(axis=0) / math.sqrt(count))


def differentiated(gradients: Callable[..., Any], value: np.ndarray, function: Callable[[Any], Any]) -> np.ndarray:
    """The gradient of the sum of `function(value)`, on every backend."""
    variable = keras.Variable(value.astype("float32"), name="at")
    loss = lambda x: ops.sum(function(ops.convert_to_tensor(variable)))  # noqa: E731
    model = SimpleNamespace(trainable_weights=[variable], compute_loss=loss)
    return gradients(model, None)[1][variable.path]


@pytest.mark.parametrize(("dimension", "concentration"), [(1, 2.0), (2, 10.0), (8, 3.0), (64, 100.0), (64, 1e4)])
def test_gradients_in_the_concentration(dimension, concentration, gradients):
    """A'(κ) = 1 - A² - d A/κ of the samples' mean, by Monte Carlo, and κ A'(κ) of the rate."""
    count = 4000
    ratio, mean = bessel_ratio(dimension, concentration), unit((1, dimension + 1)).astype("float32")
    slope = 1.0 - ratio**2 - dimension * ratio / concentration
    means, kappa = np.repeat(mean, count, axis=0), np.full((count, 1), concentration)

    def along(kappa: Any) -> Any:
        noise = keras.random.SeedGenerator(8)
        codes = VonMisesFisher.of(ops.convert_to_tensor(means), kappa).sample(noise)
        return -0.5 * ops.sum((codes - means) ** 2, axis=-1)  # cos φ - 1

    each = differentiated(gradients, kappa, along)[:, 0].astype("float64")
    assert abs(each.mean() - slope) < 4.0 * each.std() / math.sqrt(count)
    rate = differentiated(gradients, kappa[:1], lambda at: VonMisesFisher.of(mean, at).kl_from_uniform())
    assert rate[0, 0] == pytest.approx(concentration * slope, rel=1e-3)


@pytest.mark.parametrize("dimension", [1, 2, 8])
def test_gradients_in_the_mean_direction(dimension, gradients):
    """Of a·E[z] = A(κ) a·y/|y| in y: A(κ) (a - (a·mean) mean) / |y|, by Monte Carlo."""
    count, concentration, size = 4000, 4.0, 2.5
    mean, towards = unit((1, dimension + 1)), unit((dimension + 1,), 1)
    kappa = np.full((count, 1), concentration, "float32")

    def reached(vectors: Any) -> Any:
        codes = VonMisesFisher.of(direction(vectors), kappa).sample(keras.random.SeedGenerator(9))
        return ops.sum(codes * towards.astype("float32"), axis=-1)

    each = differentiated(gradients, np.repeat(size * mean, count, axis=0), reached).astype("float64")
    expected = bessel_ratio(dimension, concentration) * (towards - (towards @ mean[0]) * mean[0]) / size
    assert np.all(np.abs(each.mean(axis=0) - expected) < 4.0 * each.std(axis=0) / math.sqrt(count) + 1e-5)


def test_points_turn_with_the_first_axis():
    points, mean = unit((6, 4)), unit((6, 4), 1)
    mean[0], mean[1] = np.eye(4)[0], -np.eye(4)[0]
    where = numpy(
        turned(ops.convert_to_tensor(points.astype("float32")), ops.convert_to_tensor(mean.astype("float32")))
    )
    assert (where * mean).sum(axis=1) == pytest.approx(points[:, 0], abs=rounding.relative(4, 4, 4, condition=2.0))
    axis = np.tile(np.eye(4, dtype="float32")[0], (6, 1))
    assert numpy(turned(axis, mean.astype("float32"))) == pytest.approx(
        mean, abs=rounding.relative(4, 4, condition=2.0)
    )


@pytest.mark.parametrize("dimension", [1, 2, 8])
def test_the_prior_is_uniform(dimension):
    prior = UniformDirections(dimension)
    codes = numpy(prior.sample(4000, keras.random.SeedGenerator(1)))
    squares = (codes[:, 0] ** 2).astype("float64")
    assert stats.kstest(squares, "beta", (0.5, 0.5 * dimension)).pvalue > 1e-3
    oracle = {1: math.log(2.0 * math.pi), 2: math.log(4.0 * math.pi), 8: math.log(32.0 * math.pi**4 / 105.0)}
    assert numpy(prior.log_prob(codes[:3])) == pytest.approx(3 * [-oracle[dimension]], rel=1e-6)


def test_the_objective_by_hand(binary):
    images, model = binary[:50], HypersphericalVAE(3, network="linear", beta=1.7, seed=1)
    model.adapt(binary)
    state = numpy(model.noise.state.value)
    terms = model.terms(images)
    model.noise.state.assign(state)
    own = model.encode(images)
    codes = numpy(own.sample(model.noise)).astype("float64")
    logits = codes @ numpy(model.decoder.get_layer("output").kernel) + numpy(model.output_bias.value).ravel()
    distortion = (np.logaddexp(0.0, logits) - images.reshape(len(images), -1) * logits).sum(axis=1)
    features = images.reshape(len(images), -1).astype("float64")
    heads = (model.mean_head, model.concentration_head)
    output, raw = (features @ numpy(head.kernel) + numpy(head.bias) for head in heads)
    kappa = 1.0 + np.logaddexp(0.0, raw[:, 0])
    assert numpy(own.mean) == pytest.approx(output / np.linalg.norm(output, axis=1, keepdims=True), abs=1e-5)
    rate = log_area(3) - np.array([stats.vonmises_fisher(np.eye(4)[0], one).entropy() for one in kappa])
    assert numpy(terms.distortion) == pytest.approx(distortion, rel=1e-5)
    assert numpy(terms.rate) == pytest.approx(rate, rel=1e-5, abs=2.0 * error(3, float(kappa.max())))
    assert numpy(terms.objective) == pytest.approx(distortion + 1.7 * rate, rel=1e-5)


def test_rate_is_the_mean_of_log_q_minus_log_p():
    own, count = posterior(6, 20.0, 4000), 4000
    codes = own.sample(keras.random.SeedGenerator(2))
    draws = numpy(own.log_prob(codes) - UniformDirections(6).log_prob(codes)).astype("float64")
    assert abs(draws.mean() - float(numpy(own.kl_from_uniform())[0])) < 4.0 * draws.std() / math.sqrt(count)
