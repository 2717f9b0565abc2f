"""VAEs that hold their rate at a capacity, leave part of it free, or cannot fall below a committed one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rounding
from keras import ops
from scipy.optimize import brentq

from aebench.models import VAE, CapacityVAE, DeltaVAE, FreeBitsVAE
from aebench.models.delta_vae import widest_log_var

COUNT, LATENT = 16, 3
SUM = rounding.relative(4, 4) * 128.0  # of a distortion and a rate that are at most 128 together
# Sums over 64 pixels and over latent dimensions, whose signs cancel by half in a Bernoulli likelihood; three functions.
SAME = rounding.relative(64, 3 * LATENT, 64, 4, 4, 4, condition=2.0)


def numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:COUNT]


def make(cls: type, images: np.ndarray, **settings: Any) -> Any:
    model = cls(LATENT, **{"network": "linear", "seed": 1, "name": "model", **settings})
    model.adapt(images)
    return model


def parts(model: Any, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distortions `(n,)` at the first codes that a new model draws and KL of each dimension `(n, latent)`, by hand."""
    posterior = model.encode(images)
    mean, log_var = (numpy(part).astype("float64") for part in (posterior.mean, posterior.log_var))
    logits = numpy(model.decode(posterior.sample(model.noise))).astype("float64").reshape(len(images), -1)
    x = images.reshape(len(images), -1)
    return (np.logaddexp(0.0, logits) - x * logits).sum(axis=1), 0.5 * (mean**2 + np.exp(log_var) - log_var - 1.0)


# Capacity


def test_capacity_objective_by_hand(images):
    distortion, rates = parts(make(CapacityVAE, images), images)
    rate = rates.sum(axis=1)
    capacity = float(np.median(rate))
    terms = make(CapacityVAE, images, capacity=capacity, beta=20.0).terms(images)
    # the rate's own error grows by what is lost in its difference from the capacity
    bound = 20.0 * rounding.relative(64, 3 * LATENT, 4) * 4.0 * (rate + capacity) + SAME * distortion
    assert np.all(np.abs(numpy(terms.objective) - distortion - 20.0 * np.abs(rate - capacity)) < bound)


def test_without_capacity_it_is_the_vae_of_its_beta(images):
    vae, without = make(VAE, images, beta=4.0), make(CapacityVAE, images, beta=4.0, capacity=0.0)
    assert np.array_equal(numpy(without.terms(images).objective), numpy(vae.terms(images).objective))


def excess(terms: Any) -> np.ndarray:
    """|KL - C|, at β = 1."""
    return numpy(terms.objective).astype("float64") - numpy(terms.distortion)


@pytest.mark.parametrize(("rise", "expected"), [(0.5, [0, 2, 4, 6, 8, 8, 8]), (1.0, [0, 1, 2, 3, 4, 5, 6])])
def test_capacity_rises_linearly_over_its_share_of_the_steps(images, rise, expected):
    model = make(CapacityVAE, images, capacity=8.0, rise=rise, beta=1.0, training_steps=8)
    rate = numpy(model.terms(images).rate).astype("float64")
    for step, capacity in enumerate(expected):
        model.steps.assign(float(step))
        assert excess(model.terms(images, training=True)) == pytest.approx(np.abs(rate - capacity), abs=SUM)
        assert excess(model.terms(images)) == pytest.approx(np.abs(rate - 8.0), abs=SUM), "outside of training"


def test_capacity_is_full_at_once_without_a_rise_and_short_of_it_where_training_ends_before(images):
    for rise, capacity in ((0.0, 8.0), (2.0, 4.0)):
        terms = make(CapacityVAE, images, capacity=8.0, rise=rise, beta=1.0).terms(images)
        assert excess(terms) == pytest.approx(np.abs(numpy(terms.rate) - capacity), abs=SUM)


def test_training_brings_the_rate_to_the_capacity(binary, compile_model):
    images = binary[:256]
    model = make(CapacityVAE, images, capacity=5.0, rise=0.5, beta=100.0, training_steps=600)
    compile_model(model, 1e-2)
    model.fit(np.tile(images, (10, 1, 1, 1)), batch_size=64, epochs=15, verbose=0)
    assert float(numpy(model.steps)) == 600.0
    rate = numpy(model.terms(images).rate)
    assert abs(rate.mean() - 5.0) < 0.5
    assert rate.std() < 1.0


# Free bits


def test_free_bits_objective_by_hand(images):
    distortion, rates = parts(make(FreeBitsVAE, images), images)
    means = rates.mean(axis=0)
    free = float(np.sort(means)[:2].mean())  # above the first dimension's and below the second's
    terms = make(FreeBitsVAE, images, free_bits=free, beta=3.0).terms(images)
    expected = distortion + 3.0 * np.maximum(means, free).sum()
    assert (means < free).sum() == 1
    assert numpy(terms.objective) == pytest.approx(expected, rel=SAME)
    assert numpy(terms.rate) == pytest.approx(
        rates.sum(axis=1), rel=rounding.relative(64, 3 * LATENT, 4, condition=8.0)
    )


def test_without_free_bits_it_is_the_vae(images, gradients):
    (loss, found), (other_loss, other) = (
        gradients(make(cls, images, **settings), images)
        for cls, settings in ((VAE, {}), (FreeBitsVAE, {"free_bits": 0.0}))
    )
    assert loss == pytest.approx(other_loss, rel=SAME)
    for path, value in found.items():
        bound = rounding.relative(64, COUNT, condition=10.0) * np.abs(value).max()
        assert np.abs(other[path] - value).max() <= bound, path


def test_rates_below_the_free_bits_have_no_gradient(images, gradients):
    """Then what is left trains as at β = 0, and the objective is the distortion and a constant."""
    _, found = gradients(make(FreeBitsVAE, images, free_bits=100.0), images)
    _, plain = gradients(make(VAE, images, beta=0.0), images)
    assert all(np.array_equal(value, plain[path]) for path, value in found.items())
    terms = make(FreeBitsVAE, images, free_bits=100.0).terms(images)
    assert numpy(terms.objective - terms.distortion) == pytest.approx(300.0, abs=4 * rounding.U * 400.0)


# Committed rate


def widest(rate: float) -> float:
    """The v <= 0 of (e^v - v - 1) / 2 = rate, by bisection in float64."""
    return float(brentq(lambda v: np.expm1(v) - v - 2.0 * rate, -2.0 - 2.0 * rate, 0.0, xtol=1e-14)) if rate else 0.0


@pytest.mark.parametrize("rate", [0.0, 1e-4, 1e-2, 0.3, 1.0, 7.0, 60.0])
def test_the_widest_posterior_has_the_committed_rate(rate):
    expected = widest(rate)
    found = float(numpy(widest_log_var(ops.convert_to_tensor(rate, "float32"))))
    assert found <= 0.0
    # rounding of e^v - 1 - v moves v by that over 1 - e^v
    error = 4 * rounding.U * abs(expected) * (1.0 + 1.0 / max(-np.expm1(expected), 1e-6))
    assert abs(found - expected) <= error


def images_of_any_kind(binary: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    ends = [np.full((2, 8, 8, 1), value) for value in (0.0, 1.0, -1e4, 1e4)]
    return np.concatenate([binary[:8], *ends, rng.normal(0.0, 100.0, (8, 8, 8, 1))]).astype("float32")


@pytest.mark.parametrize("delta", [0.5, 5.0, 40.0])
@pytest.mark.parametrize("scale", [0.0, 1e-2, 1.0, 1e2])
def test_the_committed_rate_holds_for_any_weights_and_images(binary, delta, scale):
    model, rng = make(DeltaVAE, binary[:50], network="mlp-256", delta=delta), np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(scale * rng.normal(size=weight.shape))
    images = images_of_any_kind(binary)
    posterior = model.encode(images)
    rate = numpy(model.rate(posterior, posterior.mean))
    assert np.all(rate >= delta * (1.0 - 2e-6) - LATENT * 4 * rounding.U)
    assert not np.isnan(rate).any()
    assert numpy(posterior.log_var).max() <= float(numpy(widest_log_var(model.delta / LATENT)))


def test_an_encoder_that_says_nothing_pays_the_committed_rate_and_no_more(binary):
    model = make(DeltaVAE, binary, delta=6.0)
    for weight in (*model.mean_head.weights, model.log_var_head.kernel):
        weight.assign(np.zeros(weight.shape))
    model.log_var_head.bias.assign(np.full(LATENT, -100.0))  # softplus is 0 there
    rate = numpy(model.terms(binary[:4]).rate)
    assert rate == pytest.approx(6.0, rel=rounding.relative(3 * LATENT, 4, condition=2.0))


def test_delta_objective_by_hand(images):
    model = make(DeltaVAE, images, delta=4.0, beta=3.0)
    features = numpy(model.encoder(images)).astype("float64")
    raw = features @ numpy(model.log_var_head.kernel) + numpy(model.log_var_head.bias)
    log_var = widest(4.0 / LATENT) - np.logaddexp(0.0, raw)
    assert numpy(model.encode(images).log_var) == pytest.approx(log_var, rel=rounding.relative(64, 8, condition=2.0))
    distortion, rates = parts(model, images)
    terms = make(DeltaVAE, images, delta=4.0, beta=3.0).terms(images)
    assert numpy(terms.objective) == pytest.approx(distortion + 3.0 * rates.sum(axis=1), rel=SAME)
    assert numpy(terms.rate).min() > 4.0


def test_under_a_large_beta_the_committed_rate_is_what_is_left(binary, compile_model):
    model = make(DeltaVAE, binary, beta=50.0, delta=3.0)
    compile_model(model, 1e-2)
    model.fit(binary[:1792], batch_size=128, epochs=15, verbose=0)
    rate = numpy(model.terms(binary[:200]).rate)
    assert rate.min() >= 3.0 * (1.0 - 2e-6)
    assert rate.mean() < 3.3


@pytest.mark.parametrize(
    ("cls", "name"), [(CapacityVAE, "capacity"), (CapacityVAE, "rise"), (FreeBitsVAE, "free_bits"), (DeltaVAE, "delta")]
)
def test_bad_settings_are_refused(cls, name):
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"`{name}` must be finite and at least 0. Received: {name}="):
            cls(2, **{name: bad})
