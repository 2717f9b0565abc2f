"""Shapes, finite numbers and what outputs may depend on, under every network and every likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

from aebench.conformance import rounding
from aebench.conformance.subject import COMBINATIONS, Subject, numpy, set_noise, state
from aebench.measures import diagnostics


@pytest.fixture(params=COMBINATIONS, ids="-".join, scope="session")
def model(request: pytest.FixtureRequest, subject: Subject, images: np.ndarray) -> Any:
    """A model that has seen images and no training."""
    return subject.adapted(images, *request.param)


def test_terms_are_finite_nats_for_each_image(model: Any, images: np.ndarray) -> None:
    """Each `(batch,)`; a rate where the variant has a posterior, and only there."""
    terms = model.terms(images)
    assert (terms.rate is not None) == model.has_posterior
    for term in (terms.objective, terms.distortion, *([terms.rate] if model.has_posterior else [])):
        assert tuple(term.shape) == (len(images),)
        assert np.isfinite(numpy(term)).all()


def test_codes_and_images_have_their_shapes(model: Any, images: np.ndarray) -> None:
    """Codes `(batch, code_dim)`, and images from them."""
    posterior = model.encode(images)
    codes = posterior.sample(model.noise)
    assert tuple(posterior.mean.shape) == tuple(codes.shape) == (len(images), model.code_dim)
    assert tuple(model.decode(codes).shape) == tuple(model.decode_mean(codes).shape) == images.shape
    assert tuple(model.distortion(images, codes).shape) == (len(images),)
    if model.has_posterior:
        assert tuple(model.rate(posterior, codes).shape) == (len(images),)


def test_prior_samples_can_be_decoded(model: Any, images: np.ndarray) -> None:
    """New codes, and images from them, all finite."""
    codes = model.prior.sample(5, model.noise)
    assert tuple(codes.shape) == (5, model.code_dim)
    decoded = model.decode_mean(codes)
    assert tuple(decoded.shape) == (5, *images.shape[1:])
    assert np.isfinite(numpy(codes)).all()
    assert np.isfinite(numpy(decoded)).all()


def test_a_rate_in_closed_form_is_not_negative(model: Any, images: np.ndarray) -> None:
    """One that does not depend on the code that was drawn; an estimate at that code may be."""
    if not model.has_posterior:
        with pytest.raises(NotImplementedError, match="has no posterior"):
            model.rate(None, None)
        return
    posterior = model.encode(images)
    codes = [posterior.sample(model.noise) for _ in range(2)]
    one, other = (numpy(model.rate(posterior, some)) for some in codes)
    is_estimate = not np.allclose(one, other, rtol=1e-5) or np.array_equal(numpy(codes[0]), numpy(codes[1]))
    # A Gaussian's KL, term by term, is what is left of numbers of about 1.
    assert is_estimate or one.min() >= -rounding.relative(model.code_dim, 4, 4)


def test_call_reconstructs_without_noise_and_changes_nothing(model: Any, images: np.ndarray) -> None:
    """`call` draws no noise, as `predict` and `fit` count on."""
    before = state(model)
    first, second = (ops.convert_to_numpy(model(images)) for _ in range(2))
    assert np.array_equal(first, second)
    assert all(np.array_equal(one, other) for one, other in zip(before, state(model), strict=True))
    assert first.shape == images.shape
    if model.likelihood_name != "gaussian":
        assert 0.0 <= first.min() <= first.max() <= 1.0


def test_diagnostics_are_declared_and_one_number_an_image(model: Any, images: np.ndarray) -> None:
    """Under the names in `aebench.measures.diagnostics`; the model's own noise is left alone."""
    set_noise(model)
    before = state(model)
    found = model.diagnostics(images, type(model.noise)(0))
    assert set(found) <= set(diagnostics.FAMILY.metrics), f"known: {', '.join(diagnostics.FAMILY.metrics)}"
    assert all(tuple(value.shape) == (len(images),) for value in found.values())
    assert all(np.isfinite(numpy(value)).all() for value in found.values())
    assert all(np.array_equal(one, other) for one, other in zip(before, state(model), strict=True))
