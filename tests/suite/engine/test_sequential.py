"""The sequential engine against a loop written by hand, and the rule that a run does not depend on its companions."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest
from keras import ops

from models import AE, VAE
from models.streams import stream
from suite.engine import sequential
from suite.inputs import Inputs
from suite.spec import RunSpec

IMAGES = 70
BATCH = 16


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    grey = np.random.default_rng(0).random((IMAGES, 4, 4, 1), dtype="float32")
    fixed = (grey[:20] > 0.5).astype("float32")
    return Inputs(
        train=grey, validation=fixed, test=fixed, grey_test=grey[:20], resample=True, labels=None, class_names=None
    )


def spec(**changes) -> RunSpec:
    fields = {
        "variant": "vae",
        "variant_version": 1,
        "scalars": {"beta": 1.0},
        "latent_dim": 2,
        "network": "mlp-256",
        "likelihood": "bernoulli",
        "backend": keras.backend.backend(),
        "dataset": "toy",
        "dataset_digest": "0",
        "seed": 3,
        "epochs": 4,
        "batch_size": BATCH,
        "learning_rate": 1e-3,
    }
    return RunSpec(**{**fields, **changes})


@pytest.fixture
def make_model(inputs):
    def make(run: RunSpec):
        cls = {"vae": VAE, "ae": AE}[run.variant]
        options = {"network": run.network, "likelihood": run.likelihood, "seed": run.seed, "name": run.variant}
        model = cls(run.latent_dim, **options, **run.scalars)
        model.adapt(inputs.train)
        return model

    return make


def train(runs, make_model, inputs):
    return list(sequential.train(runs, make_model, inputs, lambda *told: None))


def by_hand(run: RunSpec, model, inputs: Inputs) -> list[float]:
    """Mean objective of each epoch, from gradients by Keras's backend but batches, noise and Adam written out here."""
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(stream(run.seed, "shuffle"))
    noise = keras.random.SeedGenerator(stream(run.seed, "binarisation"))
    first = [np.zeros(weight.shape) for weight in model.trainable_weights]
    second = [np.zeros(weight.shape) for weight in model.trainable_weights]
    step, means = 0, []
    for _ in range(run.epochs):
        order, losses = rng.permutation(IMAGES), []
        for start in range(0, IMAGES - BATCH + 1, BATCH):
            grey = inputs.train[order[start : start + BATCH]]
            images = ops.cast(keras.random.uniform(grey.shape, seed=noise) < grey, "float32")
            with tf.GradientTape() as tape:
                loss = ops.mean(model.terms(images, training=True).objective)
            gradients = tape.gradient(loss, model.trainable_weights)
            losses.append(float(loss))
            step += 1
            for i, weight in enumerate(model.trainable_weights):
                gradient = np.asarray(gradients[i], "float64")
                first[i] = 0.9 * first[i] + 0.1 * gradient
                second[i] = 0.999 * second[i] + 0.001 * gradient**2
                rate = 1e-3 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                weight.assign(np.asarray(weight) - rate * first[i] / (np.sqrt(second[i]) + 1e-8))
        means.append(np.mean(losses))
    return means


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the loop by hand takes TensorFlow's gradients")
@pytest.mark.parametrize("changes", [{}, {"variant": "ae", "scalars": {}}, {"scalars": {"beta": 4.0}}])
def test_curve_is_that_of_a_loop_written_by_hand(inputs, make_model, changes):
    run = spec(**changes)
    (trained,) = train([run], make_model, inputs)
    np.testing.assert_allclose(trained.curve.objective, by_hand(run, make_model(run), inputs), rtol=2e-5)


def test_a_run_does_not_depend_on_its_companions(inputs, make_model):
    runs = [spec(seed=1), spec(seed=2, scalars={"beta": 4.0}), spec(seed=3)]
    together = train(runs, make_model, inputs)
    for companion in together:
        (alone,) = train([companion.spec], make_model, inputs)
        for name, values in alone.curve.model_dump().items():
            np.testing.assert_allclose(companion.curve.model_dump()[name], values, rtol=1e-5)
        for name, array in alone.final.items():
            np.testing.assert_allclose(companion.final[name], array, atol=1e-5)


def test_seeds_and_beta_decide_the_curve(inputs, make_model):
    runs = [spec(), spec(seed=4), spec(scalars={"beta": 4.0})]
    objectives = [trained.curve.objective for trained in train(runs, make_model, inputs)]
    assert objectives[0] != objectives[1]
    assert objectives[0][-1] < objectives[2][-1], "a dearer rate costs more"


def test_objective_is_distortion_plus_beta_rate(inputs, make_model):
    (trained,) = train([spec(scalars={"beta": 2.5})], make_model, inputs)
    for prefix in ("", "val_"):
        parts = {name: np.array(getattr(trained.curve, prefix + name)) for name in ("objective", "distortion", "rate")}
        np.testing.assert_allclose(parts["objective"], parts["distortion"] + 2.5 * parts["rate"], rtol=1e-4)
        assert len(parts["objective"]) == 4


def test_autoencoder_has_no_rate(inputs, make_model):
    (trained,) = train([spec(variant="ae", scalars={})], make_model, inputs)
    assert trained.curve.rate == trained.curve.val_rate == ()
    np.testing.assert_allclose(trained.curve.objective, trained.curve.distortion)


def test_initial_weights_are_those_before_training(inputs, make_model):
    run = spec()
    (trained,) = train([run], make_model, inputs)
    fresh = make_model(run)
    for name, weight in zip(trained.initial, fresh.weights, strict=True):
        np.testing.assert_array_equal(trained.initial[name], ops.convert_to_numpy(weight.value))
    assert any(np.abs(trained.final[name] - trained.initial[name]).max() > 1e-3 for name in trained.final)


def test_divergence_of_one_run_leaves_the_next_alone(inputs, make_model):
    bad, good = spec(learning_rate=1e-3, scalars={"beta": 3e38}), spec(seed=5)
    diverged, after = train([bad, good], make_model, inputs)
    (alone,) = train([good], make_model, inputs)
    assert diverged.outcome == "diverged"
    assert after.outcome == "ok"
    assert after.curve.objective == pytest.approx(alone.curve.objective, rel=1e-5)


def test_each_epoch_is_a_permutation_cut_to_full_batches():
    run = spec(epochs=30)
    steps = sequential.steps_per_epoch(run, IMAGES)
    epochs = sequential.batch_order(run, IMAGES, steps).reshape(30, -1)
    assert steps == 4
    assert all(len(set(epoch)) == steps * BATCH for epoch in epochs.tolist())
    assert set(epochs.ravel().tolist()) == set(range(IMAGES)), "no image is left out for good"
    assert (epochs[0] != epochs[1]).any()


def test_batches_are_paired_over_variants_and_not_over_seeds():
    orders = [sequential.batch_order(run, IMAGES, 4) for run in (spec(), spec(variant="ae", scalars={}), spec(seed=4))]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert (orders[0] != orders[2]).any()


def test_draws_are_fresh_bernoulli_samples_of_the_grey_pixels(inputs, make_model):
    trainer = sequential.Trainer(make_model(spec()), inputs.train, resample=True)
    indices = ops.convert_to_tensor(np.arange(IMAGES, dtype="int32"))
    draws = np.stack([ops.convert_to_numpy(trainer.draw(indices)) for _ in range(400)])
    assert set(np.unique(draws).tolist()) == {0.0, 1.0}
    assert np.abs(draws.mean(axis=0) - inputs.train).max() < 5 * 0.5 / np.sqrt(400)
    assert (draws[0] != draws[1]).any()


@pytest.mark.parametrize("where", ["while tracing", "after an epoch"])
def test_a_crash_leaves_the_next_program_alone(inputs, make_model, where):
    def crash(*args, **kwargs):
        raise RuntimeError("crashed")

    def broken(run: RunSpec):
        model = make_model(run)
        if where == "while tracing":
            model.terms = crash
        return model

    before = train([spec()], make_model, inputs)[0].curve
    with pytest.raises(RuntimeError, match="crashed"):
        list(sequential.train([spec()], broken, inputs, crash))
    assert train([spec()], make_model, inputs)[0].curve == before


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="backend jax is not installed")
def test_crashes_and_companions_on_jax(python):
    chosen = "leaves_the_next or (companions and not jax)"
    found = python("-m", "pytest", "-q", __file__, "-k", chosen, KERAS_BACKEND="jax")
    assert found.returncode == 0, found.stdout
    assert "4 passed" in found.stdout


def test_programs_share_the_images_on_the_device(inputs, make_model):
    one, two = (sequential.Trainer(make_model(spec(seed=seed)), inputs.train, resample=True) for seed in (1, 2))
    assert one.images is two.images
    other = sequential.Trainer(make_model(spec()), inputs.train.copy(), resample=True)
    assert other.images is not one.images


def test_train_step_trains(inputs, make_model):
    model = make_model(spec())
    trainer = sequential.Trainer(model, inputs.train, resample=True)
    sequential.compile_trainer(trainer, spec(), steps=1)
    step = sequential.train_step(trainer, BATCH)
    losses = [float(ops.convert_to_numpy(_logs(step())["loss"])) for _ in range(60)]
    assert losses[-1] < losses[0], "the running mean falls"


def _logs(result):
    return result[0] if isinstance(result, tuple) else result
