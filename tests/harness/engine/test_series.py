"""Time series through both engines: members of a cohort of convolutions over time, and which engine is chosen."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import rounding

from aebench.data.pixels import Inputs
from aebench.harness.engine import sequential, vectorised
from aebench.harness.engine.choice import choose
from aebench.models import VAE

pytestmark = pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch has the sequential engine alone")

STEPS, CHANNELS, BATCH = 13, 2, 16
# What two curves may part by: sums over 5 steps of 64 filters, the flattened ones, 256 units, the numbers of a series
# and a batch, which without their signs are up to twice the objective; 12 steps of 1e-3 add little. And six digits.
SAME = rounding.relative(5 * 64, 4 * 64, 256, STEPS * CHANNELS, BATCH, condition=2.5) + 1e-5


@pytest.fixture(scope="module")
def series() -> Inputs:
    walks = np.random.default_rng(0).normal(size=(70, STEPS, CHANNELS)).cumsum(axis=1).astype("float32") / 3.0
    return Inputs(
        train=walks,
        validation=walks[:20],
        test=walks[:20],
        grey_test=walks[:20],
        resample=False,
        labels=None,
        class_names=None,
    )


def test_members_of_a_cohort_agree_with_the_run_alone(spec, series):
    def make(run):
        model = VAE(run.latent_dim, network=run.network, likelihood=run.likelihood, seed=run.seed, **run.scalars)
        model.adapt(series.train)
        return model

    shape = {"network": "conv1d", "likelihood": "gaussian", "epochs": 3}
    runs = [spec(**shape, seed=1), spec(**shape, scalars={"beta": 4.0})]
    alone, members = (list(engine.train(runs, make, series, lambda *told: None)) for engine in (sequential, vectorised))
    for one, member in zip(alone, members, strict=True):
        assert member.cohort_size == 2
        np.testing.assert_allclose(member.curve.objective, one.curve.objective, rtol=SAME)
        np.testing.assert_allclose(member.curve.val_objective, one.curve.val_objective, rtol=SAME)
        for name, array in one.initial.items():
            np.testing.assert_array_equal(member.initial[name], array)


def test_convolutions_over_time_are_trained_one_by_one_on_a_cpu(spec):
    network = VAE(4, network="conv1d", likelihood="gaussian")
    network.build((None, STEPS, CHANNELS))
    chosen = choose("auto", network, spec(network="conv1d"), "CPU")
    assert (chosen.engine, chosen.members) == ("sequential", 1)
    assert "convolutions" in chosen.reason
    assert choose("auto", network, spec(network="conv1d"), "GPU").engine == "vectorised"
