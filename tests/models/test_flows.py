"""Flows as priors and posteriors: Jacobians by differences, densities that integrate to 1, and depth 0."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops

from aebench.models import IAFVAE, VAE, FlowPriorVAE, PlanarVAE
from aebench.models.planar_vae import LEAST, Planar

LATENT = 4
FLOWS = [FlowPriorVAE, PlanarVAE, IAFVAE]
in_float32 = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="Keras on JAX takes tanh of float64 in float32"
)
EXACT_PLANAR = pytest.param(PlanarVAE, marks=in_float32)
EXACT_FLOWS = [FlowPriorVAE, EXACT_PLANAR, IAFVAE]


def numpy(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), "float64")


def make(cls: Any, images: np.ndarray, latent_dim: int = LATENT, spread: float = 0.6) -> Any:
    """A model that bends its codes: with noise on all that is trained."""
    model = cls(latent_dim, network="linear", seed=1)
    model.adapt(images)
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        if weight is not model.output_bias:
            scale = spread / math.sqrt(math.prod(weight.shape[:-1]))
            weight.assign(numpy(weight) + rng.normal(0.0, scale, weight.shape))
    return model


def flow(model: Any, images: np.ndarray) -> Any:
    """The prior or the posterior that is a flow."""
    return model.prior if isinstance(model, FlowPriorVAE) else model.encode(images)


def codes(count: int, size: int = LATENT, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 1.5, (count, size))


def log_det_by_differences(step: Any, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """log|det dy/dx| for each code, by central differences: off by about h² and eps / h."""
    columns = []
    for place in range(x.shape[1]):
        move = h * np.eye(x.shape[1])[place]
        ends = [numpy(step.forward(ops.convert_to_tensor(x + sign * move))[0]) for sign in (1.0, -1.0)]
        columns.append((ends[0] - ends[1]) / (2.0 * h))
    return np.linalg.slogdet(np.stack(columns, axis=-1))[1]


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("cls", EXACT_FLOWS)
def test_the_log_determinant_is_that_of_a_numerical_jacobian(cls, binary):
    images, x = binary[:20], codes(20)
    steps = flow(make(cls, binary), images).steps
    assert steps
    for step in steps:
        found = numpy(step.forward(ops.convert_to_tensor(x))[1])
        assert np.abs(found).max() > 0.05
        assert found == pytest.approx(log_det_by_differences(step, x), abs=1e-7)


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("cls", EXACT_FLOWS)
def test_the_way_back_ends_where_the_way_forward_began(cls, binary):
    images, x = binary[:20], codes(20)
    for step in flow(make(cls, binary), images).steps:
        y, log_det = step.forward(ops.convert_to_tensor(x))
        back, again = step.inverse(y)
        # A planar flow's root is bisected to the precision of float32, then one Newton step squares what is left.
        assert numpy(back) == pytest.approx(x, abs=1e-9)
        assert numpy(again) == pytest.approx(numpy(log_det), abs=1e-9)


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("cls", EXACT_FLOWS)
def test_a_density_integrates_to_1(cls, binary):
    """On a grid in two dimensions: the sum of its cells, where the density is smooth and vanishes at the edges."""
    side = np.linspace(-8.0, 8.0, 401)
    grid = ops.convert_to_tensor(np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2))
    model = make(cls, binary, 2, spread=0.3)
    for place in range(1 if cls is FlowPriorVAE else 2):
        density = np.exp(numpy(flow(model, binary[place : place + 1]).log_prob(grid)))
        assert density.sum() * (side[1] - side[0]) ** 2 == pytest.approx(1.0, abs=1e-4)


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("cls", [EXACT_PLANAR, IAFVAE])
def test_the_density_that_comes_with_a_draw_is_the_one_found_by_inverses(cls, binary):
    model = make(cls, binary)
    posterior = model.encode(binary[:50])
    drawn, log_q = posterior.draw(model.noise)
    assert numpy(posterior.log_prob(drawn)) == pytest.approx(numpy(log_q), abs=1e-8)


@pytest.mark.parametrize("cls", FLOWS)
def test_at_depth_0_it_is_the_vae(cls, binary):
    """Same weights from the same seed, same noise, and the VAE's rate where it is estimated at the code drawn."""
    images = binary[:50]
    model, plain = (
        made(LATENT, network="mlp-256", seed=3, **known) for made, known in ((cls, {"depth": 0}), (VAE, {}))
    )
    for one in (model, plain):
        one.adapt(binary)
    terms, expected = model.terms(images), plain.terms(images)
    for one in (model, plain):
        one.noise.state.assign(np.zeros(2, "uint32"))
    posterior = plain.encode(images)
    same = rounding.relative(64, 256, LATENT, 256, 64, condition=2.0)
    assert numpy(terms.distortion) == pytest.approx(numpy(expected.distortion), rel=same)
    assert numpy(terms.objective) == pytest.approx(numpy(terms.distortion + terms.rate), rel=same)
    found = numpy(model.terms(images).rate)
    drawn = posterior.sample(plain.noise)
    rate = numpy(posterior.log_prob(drawn)) - numpy(plain.prior.log_prob(drawn))
    # Log-densities of about 10 nats whose difference it is.
    assert found == pytest.approx(rate, abs=10.0 * rounding.relative(64, 256, LATENT, 4))


@pytest.mark.usefixtures("in_float64")
def test_no_number_of_an_autoregressive_step_hears_of_those_after_it(binary):
    model, x = make(IAFVAE, binary), codes(20)
    posterior = model.encode(binary[:20])
    for order, step in zip(model.orders, posterior.steps, strict=True):
        for number in range(LATENT):
            moved = x.copy()
            moved[:, number] += 1.0
            one, other = (numpy(step.forward(ops.convert_to_tensor(at))[0]) for at in (x, moved))
            changed = np.abs(one - other).max(axis=0) > 0.0
            assert not changed[order < order[number]].any()
            assert changed[order >= order[number]].all()
    assert not np.array_equal(*model.orders)


@pytest.mark.usefixtures("in_float64")
def test_planar_flows_are_invertible_whatever_the_encoder_says():
    """w·u > -1, also where the encoder has w·u far below it, or w = 0, and 0 stays 0."""
    rng = np.random.default_rng(0)
    u, w = rng.normal(0.0, 30.0, (500, LATENT)), rng.normal(0.0, 30.0, (500, LATENT))
    w[0], u[1] = 0.0, 0.0
    made = Planar.invertible(*map(ops.convert_to_tensor, (u, w, rng.normal(size=500))))
    along = (numpy(made.u) * numpy(made.w)).sum(axis=1)
    assert np.isfinite(along).all()
    assert along.min() >= -1.0 + LEAST - 1e-9
    assert numpy(made.u)[1] == pytest.approx(0.0, abs=1e-9)


def test_samples_of_a_flow_prior_have_its_density(binary):
    """E[p(z) / N(z; 0, 3² I)] under N(0, 3² I) is 1, and codes drawn have the moments that these weights give."""
    model, count = make(FlowPriorVAE, binary, 2), 100_000
    drawn = numpy(model.prior.sample(count, model.noise))
    wide = 3.0 * np.random.default_rng(0).normal(size=(count, 2))
    log_wide = -0.5 * (wide**2).sum(axis=1) / 9.0 - math.log(2.0 * math.pi * 9.0)
    weights = np.exp(numpy(model.prior.log_prob(ops.convert_to_tensor(wide.astype("float32")))) - log_wide)
    assert abs(weights.mean() - 1.0) < 5.0 * weights.std() / math.sqrt(count)
    for power in (1, 2):
        moments = weights[:, None] * wide**power
        error = np.hypot(moments.std(axis=0), (drawn**power).std(axis=0)) / math.sqrt(count)
        assert np.all(np.abs(moments.mean(axis=0) - (drawn**power).mean(axis=0)) < 5.0 * error)


@pytest.mark.parametrize("cls", FLOWS)
def test_bad_sizes_are_refused(cls):
    with pytest.raises(ValueError, match=r"`depth` must be at least 0\. Received: depth=-1"):
        cls(4, depth=-1)
    if cls is not PlanarVAE:
        with pytest.raises(ValueError, match=r"`width` must be at least [14]\. Received: width=0"):
            cls(4, width=0)
