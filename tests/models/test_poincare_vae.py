"""The VAE in hyperbolic space: geodesics, densities by quadrature, and the limit of flat space."""

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
from scipy import stats

from aebench.models import IWAE, VAE, PoincareVAE
from aebench.models.poincare import EDGE, WrappedNormal, WrappedStandardNormal, velocity, walk

# Of float64; on JAX, Keras gives tanh and arcsinh of it in float32, which a point at 0.95 of the way to the edge feels
# up to 1 / (1 - 0.95²) times.
EXACT = 32 * rounding.U if keras.backend.backend() == "jax" else 1e-12


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def tensors(*arrays: Any, dtype: str = "float64") -> list[Any]:
    return [ops.convert_to_tensor(np.asarray(array, dtype)) for array in arrays]


def make(images: np.ndarray, curvature: float = 1.0, **options: Any) -> PoincareVAE:
    model = PoincareVAE(3, curvature=curvature, network="linear", seed=1, **options)
    model.adapt(images)
    return model


def ball(count: int, size: int, curvature: float, seed: int = 0) -> np.ndarray:
    """Points up to 0.95 of the way to the edge."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, size))
    radii = 0.95 * rng.random((count, 1)) / math.sqrt(curvature)
    return radii * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("curvature", [0.3, 1.0, 2.0])
def test_a_velocity_is_as_long_as_the_distance_and_leads_there(curvature):
    start, end = ball(50, 4, curvature), ball(50, 4, curvature, 1)
    at, to, c = tensors(start, end, curvature)
    there, _ = velocity(at, to, c)
    room = [1.0 - curvature * (points**2).sum(axis=1) for points in (start, end)]
    ratio = 1.0 + 2.0 * curvature * ((start - end) ** 2).sum(axis=1) / (room[0] * room[1])
    distance = np.arccosh(ratio) / math.sqrt(curvature)
    assert np.linalg.norm(numpy(there), axis=1) == pytest.approx(distance, rel=EXACT)
    assert numpy(walk(at, there, c)) == pytest.approx(end, abs=10.0 * EXACT)
    near = ops.convert_to_tensor(start + 1e-7)
    assert numpy(walk(at, velocity(at, near, c)[0], c)) == pytest.approx(start + 1e-7, abs=0.1 * EXACT * 1e-7 + 1e-15)


@pytest.mark.usefixtures("in_float64")
def test_geodesics_of_the_disk_are_those_of_complex_numbers():
    """Möbius's sum of a and b is (a + b) / (1 + conj(a) b)."""
    start, way = ball(50, 2, 1.0), np.random.default_rng(2).normal(size=(50, 2))
    a, v = start @ [1.0, 1.0j], way @ [1.0, 1.0j]
    b = np.tanh(np.abs(v) / 2.0) * v / np.abs(v)
    expected = (a + b) / (1.0 + a.conj() * b)
    found = numpy(walk(*tensors(start, way, 1.0))) @ [1.0, 1.0j]
    assert found == pytest.approx(expected, abs=EXACT)


def disk(curvature: float) -> tuple[np.ndarray, np.ndarray]:
    """Points all over the disk, and the area of each one's cell: a grid of distance from 0 and angle."""
    far, root = 14.0, math.sqrt(curvature)
    distances = far * (np.arange(500) + 0.5) / 500
    angles = 2.0 * math.pi * np.arange(256) / 256
    radius = np.tanh(root * distances / 2.0) / root
    cells = radius * 0.5 / np.cosh(root * distances / 2.0) ** 2 * (far / 500) * (2.0 * math.pi / 256)
    points = radius[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return points.reshape(-1, 2), np.repeat(cells, 256)


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("curvature", [0.3, 1.0])
def test_densities_integrate_to_one_and_rate_is_their_mean_log_ratio(curvature):
    """By quadrature, whose midpoint rule leaves about h²/24 of the slope at 0; the rate also by draws."""
    points, cells = disk(curvature)
    mean, log_var, c = tensors([[0.4, -0.3]], [[-1.0, 0.2]], curvature)
    own, prior = WrappedNormal(mean, log_var, c), WrappedStandardNormal(2, c)
    log_q, log_p = (numpy(one.log_prob(ops.convert_to_tensor(points))) for one in (own, prior))
    left = 1.1 * (14.0 / 500) ** 2 / 24.0 * 2.0 * math.pi * 0.25 * np.exp([log_q.max(), log_p.max()])
    assert np.exp(log_q) @ cells == pytest.approx(1.0, abs=left[0])
    assert np.exp(log_p) @ cells == pytest.approx(1.0, abs=left[1])
    rate, count = (np.exp(log_q) * (log_q - log_p)) @ cells, 4000
    many = WrappedNormal(ops.repeat(mean, count, axis=0), ops.repeat(log_var, count, axis=0), c)
    codes = many.sample(keras.random.SeedGenerator(1))
    draws = numpy(many.log_prob(codes) - prior.log_prob(codes))
    assert abs(draws.mean() - rate) < 4.0 * draws.std() / math.sqrt(count)


def test_samples_are_normal_in_the_frame_at_the_mean():
    count = 4000
    mean, log_var, c = tensors(
        np.tile([[0.3, -0.2, 0.5]], (count, 1)), np.tile([[-2.0, 0.0, 1.0]], (count, 1)), 0.7, dtype="float32"
    )
    codes = WrappedNormal(mean, log_var, c).sample(keras.random.SeedGenerator(3))
    way = numpy(velocity(mean, codes, c)[0]) / np.exp([-1.0, 0.0, 0.5])
    assert all(stats.kstest(column, "norm").pvalue > 1e-3 for column in way.T)
    new = WrappedStandardNormal(3, c).sample(count, keras.random.SeedGenerator(4))
    squares = (numpy(velocity(ops.zeros_like(new), new, c)[0]) ** 2).sum(axis=1)
    assert stats.kstest(squares, "chi2", (3,)).pvalue > 1e-3


def test_the_objective_by_hand(binary):
    """log q - log p from the formulae of the paper, which divide by c and by distances, in float64."""
    images, c, model = binary[:50], 0.6, make(binary, 0.6, beta=1.7)
    state = numpy(model.noise.state.value)
    terms = model.terms(images)
    model.noise.state.assign(state)
    own = model.encode(images)
    mean, log_var, z = (numpy(one).astype("float64") for one in (own.mean, own.log_var, own.sample(model.noise)))

    def log_density(mean: np.ndarray, log_var: Any) -> np.ndarray:
        """On the ball as it is curved; the units of the numbers cancel."""
        inner, m, n = (-mean * z).sum(axis=1), (mean**2).sum(axis=1), (z**2).sum(axis=1)
        numerator = (1 + 2 * c * inner + c * n)[:, None] * -mean + (1 - c * m)[:, None] * z
        sum_ = numerator / (1 + 2 * c * inner + c**2 * m * n)[:, None]
        size = np.linalg.norm(sum_, axis=1, keepdims=True)
        distance = 2.0 / math.sqrt(c) * np.arctanh(math.sqrt(c) * size)
        flat = stats.norm.logpdf(distance * sum_ / size, 0.0, np.exp(0.5 * log_var)).sum(axis=1)
        r = math.sqrt(c) * distance[:, 0]
        return flat + 2 * np.log(r / np.sinh(r))

    rate = log_density(mean, log_var) - log_density(np.zeros_like(mean), np.zeros_like(log_var))
    size = np.linalg.norm(z, axis=1, keepdims=True)
    ways = 2.0 / math.sqrt(c) * np.arctanh(math.sqrt(c) * size) * z / size
    logits = ways @ numpy(model.decoder.get_layer("output").kernel) + numpy(model.output_bias.value).ravel()
    distortion = (np.logaddexp(0.0, logits) - images.reshape(len(images), -1) * logits).sum(axis=1)
    assert numpy(terms.distortion) == pytest.approx(distortion, rel=1e-5)
    assert numpy(terms.rate) == pytest.approx(rate, rel=1e-5, abs=2e-5)  # what is left of two of 10 nats
    assert numpy(terms.objective) == pytest.approx(distortion + 1.7 * rate, rel=1e-5)


def test_flat_space_is_that_of_the_vae_in_half_units(binary):
    """With its noise: the VAE's codes, and its distortion and one-sample rate, as IWAE's of one code."""
    images, flat = binary[:50], make(binary, 0.0)
    vae, one = VAE(3, network="linear", seed=1), IWAE(3, network="linear", seed=1, k=1)
    vae.adapt(binary)
    one.adapt(binary)
    state = numpy(vae.noise.state.value)
    codes, others = (numpy(model.encode(images).sample(model.noise)) for model in (flat, vae))
    assert 2.0 * codes == pytest.approx(others, rel=1e-6, abs=1e-6)
    for model in (flat, vae):
        model.noise.state.assign(state)
    terms = flat.terms(images)
    assert numpy(terms.distortion) == pytest.approx(numpy(vae.terms(images).distortion), rel=1e-5)
    assert numpy(terms.objective) == pytest.approx(numpy(one.terms(images).objective), rel=1e-5)


@pytest.mark.usefixtures("in_float64")
def test_densities_approach_the_gaussian_s_as_the_curvature_falls():
    mean, log_var, points = ball(20, 3, 1.0), np.full((20, 3), -1.0), ball(20, 3, 1.0, 1)
    gaussian = stats.norm.logpdf(2.0 * points, 2.0 * mean, math.exp(-0.5)).sum(axis=1) + 3 * math.log(2.0)
    gaps = [
        np.abs(
            numpy(WrappedNormal(*tensors(mean, log_var, c)).log_prob(ops.convert_to_tensor(points))) - gaussian
        ).max()
        for c in (1e-3, 1e-4, 0.0)
    ]
    assert gaps[0] == pytest.approx(10.0 * gaps[1], rel=0.05), "it is of first order in the curvature"
    assert gaps[2] < 1e-12


def test_float32_tells_points_near_the_edge():
    """Against float64 of the same numbers: 1 - c|z|² is off by 4u, which counts d times in the units, and more in
    distances; at 9 from 0 what is left of it is 5e-4."""
    way = np.array([[9.0, 0.0, 0.0], [0.0, -8.0, 1.0], [5.0, 5.0, 0.0]])
    there = numpy(walk(*tensors(np.zeros((3, 3)), way, 1.0, dtype="float32")))
    log_var = np.array([[-1.0, 0.0, 0.5]] * 3)
    found = numpy(WrappedNormal(*tensors(there[::-1], log_var, 1.0, dtype="float32")).log_prob(there))
    with rounding.float64():
        exact = numpy(WrappedNormal(*tensors(there[::-1], log_var, 1.0)).log_prob(*tensors(there)))
    room = (1.0 - (there.astype("float64") ** 2).sum(axis=1)).min()
    # d|v|/v: the logarithm of the rooms' product moves the way between the points, up to 18 of them, by that much
    same = 4.0 * rounding.U / room * (3.0 + 2.0 * 18.0 / math.exp(-1.0)) + rounding.relative(8, condition=1000.0)
    assert np.abs(found - exact).max() < same


def test_nothing_breaks_at_the_edge(gradients: Callable[..., Any]):
    """Ways of up to 1000, which no point of the ball can be from 0."""
    size = np.logspace(-8, 3, 40)[:, None]
    way = size * np.random.default_rng(0).normal(size=(40, 5))
    variable = keras.Variable(way.astype("float32"), name="way")
    log_var = ops.zeros((40, 5))

    def rate(x: Any) -> Any:
        start = ops.convert_to_tensor(variable)
        own = WrappedNormal(walk(ops.zeros_like(start), start, 1.0), log_var, 1.0)
        codes = own.sample(keras.random.SeedGenerator(0))
        return ops.sum(own.log_prob(codes) - WrappedStandardNormal(5, 1.0).log_prob(codes) + ops.sum(codes, axis=-1))

    loss, found = gradients(SimpleNamespace(trainable_weights=[variable], compute_loss=rate), None)
    assert math.isfinite(loss)
    assert np.isfinite(found[variable.path]).all()
    codes = numpy(walk(*tensors(np.zeros((40, 5)), way, 1.0, dtype="float32")))
    assert np.linalg.norm(codes, axis=1).max() <= 1.0 - EDGE + 2.0 * rounding.U
    assert np.isfinite(numpy(WrappedStandardNormal(5, 1.0).log_prob(codes))).all()
