"""Vectors instead of images: every variant takes them, and every likelihood of them has gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from aebench.conformance.subject import Subject
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


@pytest.mark.parametrize("likelihood", VALUES)
def test_gradients_are_finite_and_reach_every_weight(likelihood, gradients):
    model, x = VAE(2, likelihood=likelihood), VALUES[likelihood]
    model.adapt(x)
    loss, found = gradients(model, x)
    assert np.isfinite(loss)
    assert all(np.isfinite(one).all() and np.any(one) for one in found.values())


def test_codes_may_have_more_numbers_than_vectors():
    model, x = VAE(2 * COLUMNS, likelihood="diagonal_gaussian"), VALUES["diagonal_gaussian"]
    model.adapt(x)
    assert np.isfinite(np.asarray(model.terms(x).objective)).all()


def test_convolutions_refuse_vectors():
    with pytest.raises(ValueError, match=r"'conv' needs images .* choose one of dense layers.* \(6,\)"):
        AE(2, network="conv").build((None, COLUMNS))


def test_pseudo_rows_stay_where_counts_are() -> None:
    """Below -1 the encoder's log(1 + count) would not be a number."""
    model = VampVAE(2, network="linear", likelihood="poisson", components=3)
    model.build((None, 4))
    model.pseudo_images.assign(np.full((3, 4), -2.0, "float32"))
    assert np.isfinite(keras.ops.convert_to_numpy(model.prior.log_prob(np.zeros((5, 2), "float32")))).all()
