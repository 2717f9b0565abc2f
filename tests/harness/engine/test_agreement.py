"""A run of digits alone and in cohorts of 1, 2 and 16: same start, same batches and noise, same curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import layers, ops

from aebench import data
from aebench.backends.members import stack
from aebench.backends.weights import set_weights
from aebench.data import pixels as inputs
from aebench.harness.engine import sequential, vectorised
from aebench.harness.engine.template import Template
from aebench.harness.engine.trainer import Trainer, binarisation_state
from aebench.models.base import Autoencoder
from aebench.models.networks import NETWORKS, Network
from aebench.records.spec import Adam, RunSpec
from aebench.study import variants

pytestmark = pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch has the sequential engine alone")

SEEDS, BETAS = range(4), (0.5, 1.0, 2.0, 4.0)
EPOCHS = 6  # of 9 steps: 54 steps, across epochs
# What two curves may part by. A loss rounds in its sums over 256 units, 64 pixels and 128 images: without their signs
# they are up to 5 times the objective, what each layer's move it by as well as those of the likelihood. A gradient is a
# sum over 128 images that cancels to 1/√128; steps that are off by that share move the objective by as much of its
# fall, which is a third of it. And curves are kept to six digits.
SAME = rounding.relative(256, 64, 128, condition=5.0) + rounding.relative(128, condition=128**0.5) / 3.0 + 1e-5


@pytest.fixture(scope="module")
def digits() -> inputs.Inputs:
    return inputs.prepare(data.load("digits"), "bernoulli", "train")


@pytest.fixture(scope="module")
def run_of(spec: Callable[..., RunSpec]) -> Callable[..., RunSpec]:
    def make(variant: str, seed: int, scalar: float) -> RunSpec:
        scalars = dict.fromkeys(variants.find(variant).scalars, scalar)
        return spec(variant=variant, scalars=scalars, latent_dim=16, seed=seed, epochs=EPOCHS, batch_size=128)

    return make


@pytest.fixture(scope="module")
def make(digits: inputs.Inputs) -> Callable[[RunSpec], Any]:
    def model_of(run: RunSpec) -> Autoencoder:
        cls = variants.load(variants.find(run.variant))
        model = cls(run.latent_dim, network=run.network, seed=run.seed, name=run.variant, **run.scalars)
        model.adapt(digits.train)
        return model

    return model_of


def train(engine: Any, runs: list[RunSpec], make: Any, digits: inputs.Inputs) -> list[Any]:
    return list(engine.train(runs, make, digits, lambda *told: None))


@pytest.mark.parametrize("variant", ["ae", "iwae", "vae"])
def test_members_agree_with_the_run_alone(variant, run_of, make, digits):
    """In cohorts of several sizes; that each variant can be stacked is for `aebench.conformance`."""
    runs = [run_of(variant, seed, scalar) for scalar in BETAS for seed in SEEDS]
    alone = train(sequential, runs[:2], make, digits)
    for size in (1, 2, 16) if variant == "vae" else (2,):  # the others' engine is the VAE's
        members = train(vectorised, runs[:size], make, digits)
        for one, member in zip(alone, members, strict=False):
            np.testing.assert_allclose(member.curve.objective, one.curve.objective, rtol=SAME)
            np.testing.assert_allclose(member.curve.val_objective, one.curve.val_objective, rtol=SAME)
            assert list(member.final) == list(one.final)
            for name, array in one.initial.items():
                np.testing.assert_array_equal(member.initial[name], array)


def test_members_agree_under_a_schedule_and_other_constants_of_adam(run_of, make, digits):
    """Burda's rates differ in epochs 1, 2 to 4 and 5 on."""
    update = {"schedule": "burda", "adam": Adam(beta_1=0.95, epsilon=1e-4)}
    runs = [run_of("vae", seed, 1.0).model_copy(update=update) for seed in (1, 2)]
    alone, members = (train(engine, runs, make, digits) for engine in (sequential, vectorised))
    constant = train(vectorised, [run_of("vae", 1, 1.0)], make, digits)
    for one, member in zip(alone, members, strict=True):
        np.testing.assert_allclose(member.curve.objective, one.curve.objective, rtol=SAME)
    assert np.abs(np.subtract(constant[0].curve.objective, members[0].curve.objective))[1:].min() > 0.01


@pytest.mark.usefixtures("in_float64")
def test_members_see_the_batches_and_the_noise_of_the_run_alone(run_of, make, digits):
    runs = [run_of("vae", seed, 1.0) for seed in (2, 0, 2)]
    models = [make(run) for run in runs]
    order = np.random.default_rng(0).integers(0, len(digits.train), (2, 128)).astype("int32")  # of seeds 0 and 2
    template = Template(make(runs[0]), digits)
    starts = [template.start(model) for model in models]
    losses, others, states = template.losses(np.array([1, 0, 1]))(
        [ops.convert_to_tensor(array) for array in stack([start[0] for start in starts])],
        [ops.convert_to_tensor(array) for array in stack([start[1] for start in starts])],
        ops.convert_to_tensor(digits.train),
        ops.cast(np.stack([binarisation_state(0), binarisation_state(2)]), template.binarisation.dtype),
        ops.convert_to_tensor(order),
    )
    for member, (run, model) in enumerate(zip(runs, models, strict=True)):
        trainer = Trainer(model, digits)
        trainer.binarisation.state.assign(binarisation_state(run.seed))
        of_seed = [0, 2].index(run.seed)
        loss = trainer.compute_loss(x=ops.convert_to_tensor(order[of_seed]))
        assert float(losses[member]) == pytest.approx(float(loss), rel=1e-9)
        after = trainer.binarisation.state
        np.testing.assert_array_equal(ops.convert_to_numpy(states[of_seed]), ops.convert_to_numpy(after.value))
        noise = others[[variable is template.model.noise.state for variable in template.others].index(True)]
        np.testing.assert_array_equal(
            ops.convert_to_numpy(noise[member]), ops.convert_to_numpy(model.noise.state.value)
        )


def test_layers_with_a_state_of_their_own_agree_too(monkeypatch, run_of, make, digits):
    def trunk(name: str, units: int, seed: int) -> keras.Sequential:
        dropout = layers.Dropout(0.3, seed=seed, name=f"{name}_dropout")
        norm = layers.BatchNormalization(name=f"{name}_norm")
        first = layers.Dense(32, "relu", kernel_initializer=keras.initializers.GlorotUniform(seed), name=f"{name}_0")
        last = layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed + 1), name=f"{name}_1")
        reshape = layers.Reshape((8, 8, 1) if name == "decoder" else (units,))
        return keras.Sequential([layers.Flatten(), first, norm, dropout, last, reshape], name=name)

    def pair(shape: Any, latent_dim: int, seed: int) -> tuple[keras.Sequential, keras.Sequential]:
        return trunk("encoder", 32, seed), trunk("decoder", 64, seed)

    monkeypatch.setitem(NETWORKS, "with-state", Network(name="with-state", version=1, make=pair, config="with-state"))
    runs = [run_of("vae", seed, 1.0).model_copy(update={"network": "with-state", "epochs": 3}) for seed in (1, 2)]
    for one, member in zip(*(train(engine, runs, make, digits) for engine in (sequential, vectorised)), strict=True):
        np.testing.assert_allclose(member.curve.objective, one.curve.objective, rtol=SAME)
        moved = [name for name in one.final if "moving" in name]
        assert len(moved) == 4
        for name in moved:
            np.testing.assert_allclose(member.final[name], one.final[name], rtol=1e-2, atol=1e-3)
            assert np.abs(one.final[name] - one.initial[name]).max() > 1e-3


def test_initial_weights_may_depend_on_a_scalar(run_of, make, digits):
    def shifted(run: RunSpec) -> Autoencoder:
        model = make(run)
        model.output_bias.assign(ops.convert_to_numpy(model.output_bias.value) + run.scalars["beta"])
        return model

    runs = [run_of("vae", seed, beta) for seed, beta in ((1, 1.0), (1, 2.0), (2, 2.0))]
    starts = [member.initial["output_bias"] for member in train(vectorised, runs, shifted, digits)]
    np.testing.assert_allclose(starts[1] - starts[0], 1.0, rtol=1e-5)
    np.testing.assert_allclose(starts[2], starts[1], rtol=1e-6)  # the last of an incomplete grid, alone of its seed


def test_weights_of_a_member_are_those_of_its_model(run_of, make, digits):
    runs = [run_of("vae", seed, 2.0) for seed in (1, 2)]
    for member in train(vectorised, runs, make, digits):
        model = make(member.spec)
        set_weights(model, member.final)
        images = ops.convert_to_tensor(digits.validation)
        objective = float(np.mean(ops.convert_to_numpy(model.terms(images).objective)))
        assert objective == pytest.approx(member.curve.val_objective[-1], rel=0.02), "up to the noise of one draw"
