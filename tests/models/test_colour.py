"""Colour images of bytes: every variant takes them, and the likelihood that they are made for has gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aebench.conformance.subject import Subject
from aebench.conformance.test_cohorts import test_members_of_a_cohort_agree_with_the_run_alone as agree
from aebench.models import VAE
from aebench.study import variants

COLOURS = (np.random.default_rng(0).integers(0, 256, (6, 5, 6, 3)) / 255.0).astype("float32")


@pytest.mark.parametrize("name", variants.built_in())
def test_every_variant_takes_them(name):
    """Through residual blocks, to many numbers a pixel: none may take the decoder's output for an image."""
    model = Subject(variants.built_in()[name]).make("resnet", "discretised_logistics-2")
    model.adapt(COLOURS)
    terms = model.terms(COLOURS, training=True)
    for part in (terms.objective, terms.distortion, terms.rate):
        assert part is None or (tuple(part.shape) == (len(COLOURS),) and np.isfinite(np.asarray(part)).all())
    again = np.asarray(model(COLOURS))
    assert again.shape == COLOURS.shape
    assert 0.0 <= again.min() <= again.max() <= 1.0


@pytest.mark.parametrize("likelihood", ["discretised_logistics", "categorical-4"])
def test_gradients_are_finite_and_reach_every_weight(likelihood, gradients):
    model = VAE(2, network="resnet", likelihood=likelihood)
    model.adapt(COLOURS)
    loss, found = gradients(model, COLOURS)
    assert np.isfinite(loss)
    assert all(np.isfinite(one).all() and np.any(one) for one in found.values())


class Coloured(Subject):
    """A variant whose models are of colours wherever nothing else is said."""

    def make(
        self, network: str = "linear", likelihood: str = "discretised_logistics-2", seed: int = 1, **settings: Any
    ):
        return super().make(network, likelihood, seed, **settings)


@pytest.mark.parametrize("name", ["vae", "vq-vae"])
def test_members_of_a_cohort_agree_with_the_run_alone_on_colours(name, caplog):
    images = (np.random.default_rng(0).integers(0, 256, (64, 3, 2, 3)) / 255.0).astype("float32")
    agree(Coloured(variants.built_in()[name]), images, np.arange(64) % 3, caplog)
