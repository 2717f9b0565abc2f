"""Vectors and series instead of images: variants take them, and every likelihood of them has gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from aebench.conformance.subject import Subject
from aebench.measures.bound import bits_per_dim
from aebench.models import AE, VAE, VampVAE
from aebench.study import variants

COLUMNS = 6
VALUES = {
    "diagonal_gaussian": np.random.default_rng(0).normal(size=(12, COLUMNS)).astype("float32"),
    "student_t": np.random.default_rng(0).standard_t(1.5, size=(12, COLUMNS)).astype("float32"),
    "poisson": np.random.default_rng(0).poisson(300.0, size=(12, COLUMNS)).astype("float32"),
    "negative_binomial": np.random.default_rng(0).negative_binomial(0.2, 0.001, size=(12, COLUMNS)).astype("float32"),
}


@pytest.mark.parametrize("name", variants.built_in())
def test_every_variant_takes_vectors(name):
    """Of values on both sides of 0, beyond 1: what a variant took for pixels would be cut off or not finite."""
    model, x = Subject(variants.built_in()[name]).make("linear", "diagonal_gaussian"), VALUES["diagonal_gaussian"]
    model.adapt(x)
    terms = model.terms(x, training=True)
    for part in (terms.objective, terms.distortion, terms.rate):
        assert part is None or (tuple(part.shape) == (len(x),) and np.isfinite(np.asarray(part)).all())
    assert tuple(model(x).shape) == x.shape


# Those that keep images in their weights, change them, or look at the decoder's layers.
OF_SERIES = ("vae", "vamp-vae", "exemplar-vae", "denoising-ae", "contractive-ae", "rae-sn", "vae-gan", "vq-vae", "iwae")


@pytest.mark.parametrize("name", OF_SERIES)
def test_variants_take_series(name):
    """As above; what a variant took for pixels would be cut off at 0 and 1."""
    model = Subject(variants.built_in()[name]).make("conv1d", "diagonal_gaussian")
    x = VALUES["diagonal_gaussian"].reshape(12, COLUMNS // 2, 2)
    model.adapt(x)
    terms = model.terms(x, training=True)
    for part in (terms.objective, terms.distortion, terms.rate):
        assert part is None or (tuple(part.shape) == (len(x),) and np.isfinite(np.asarray(part)).all())
    assert tuple(model(x).shape) == x.shape
    if name == "vamp-vae":
        model.pseudo_images.assign(np.full(model.pseudo_images.shape, -2.0, "float32"))
        one = keras.ops.convert_to_numpy(model.prior.mean)[0]
        own = keras.ops.convert_to_numpy(model.encode(np.full((1, COLUMNS // 2, 2), -2.0, "float32")).mean)[0]
        assert one == pytest.approx(own, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("shape", [(COLUMNS,), (COLUMNS // 2, 2)], ids=["vectors", "series"])
@pytest.mark.parametrize("likelihood", VALUES)
def test_gradients_are_finite_and_reach_every_weight(likelihood, shape, gradients):
    model, x = VAE(2, likelihood=likelihood), VALUES[likelihood].reshape(12, *shape)
    model.adapt(x)
    loss, found = gradients(model, x)
    assert np.isfinite(loss)
    assert all(np.isfinite(one).all() and np.any(one) for one in found.values())


def test_codes_may_have_more_numbers_than_vectors():
    model, x = VAE(2 * COLUMNS, likelihood="diagonal_gaussian"), VALUES["diagonal_gaussian"]
    model.adapt(x)
    assert np.isfinite(np.asarray(model.terms(x).objective)).all()


@pytest.mark.parametrize(("network", "needs"), [("conv", "images"), ("conv1d", "series")])
def test_convolutions_refuse_vectors(network, needs):
    with pytest.raises(ValueError, match=rf"'{network}' needs {needs} .*for vectors one of dense layers.* \(6,\)"):
        AE(2, network=network).build((None, COLUMNS))


@pytest.mark.parametrize("shape", [(COLUMNS,), (COLUMNS // 2, 2)], ids=["vectors", "series"])
def test_a_decoder_that_ignores_its_code_has_the_entropy_of_the_data_s_own_gaussian(shape):
    """D is the cross-entropy to N(m, v) at each number's own mean and variance: 1/2 Σ log(2πe v), exactly."""
    scales = np.geomspace(0.1, 10.0, COLUMNS).reshape(shape)
    x = (np.random.default_rng(1).normal(size=(200, *shape)) * scales).astype("float32")
    model = AE(2, network="linear", likelihood="diagonal_gaussian")
    model.adapt(x)
    for weight in model.decoder.weights:
        weight.assign(np.zeros(weight.shape, "float32"))
    variances = x.astype("float64").var(axis=0)
    model.likelihood.log_var.assign(np.log(variances).astype("float32"))
    expected = 0.5 * np.sum(np.log(2.0 * np.pi * np.e * variances))
    found = float(np.mean(np.asarray(model.terms(x).distortion), dtype="float64"))
    assert found == pytest.approx(expected, abs=1e-4)
    assert bits_per_dim(found, shape) == pytest.approx(expected / (COLUMNS * np.log(2.0)), abs=1e-4)


def test_pseudo_rows_stay_where_counts_are() -> None:
    """Below -1 the encoder's log(1 + count) would not be a number."""
    model = VampVAE(2, network="linear", likelihood="poisson", components=3)
    model.build((None, 4))
    model.pseudo_images.assign(np.full((3, 4), -2.0, "float32"))
    assert np.isfinite(keras.ops.convert_to_numpy(model.prior.log_prob(np.zeros((5, 2), "float32")))).all()
