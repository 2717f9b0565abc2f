"""What both engines promise: the curve of a loop written by hand, and runs that do not depend on their companions."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import rounding
from keras import ops

from aebench.data.pixels import Inputs
from aebench.models.streams import stream
from aebench.records.spec import RunSpec

IMAGES, BATCH = 70, 16
# What two curves may part by. A loss rounds in its sums over 256 units, 16 pixels and 16 images: without their signs
# they are up to 2 times the objective, what each layer's move it by as well as those of the likelihood. 16 steps of
# 1e-3 add little to that. And curves are kept to six digits.
SAME = rounding.relative(256, 16, BATCH, condition=2.5) + 1e-5


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
def test_curve_is_that_of_a_loop_written_by_hand(spec, trained, inputs, make_model, changes):
    run = spec(**changes)
    (found,) = trained([run])
    np.testing.assert_allclose(found.curve.objective, by_hand(run, make_model(run), inputs), rtol=SAME)


def test_a_run_does_not_depend_on_its_companions(three, trained):
    for companion in trained(three):
        (alone,) = trained([companion.spec])
        for name, values in alone.curve.model_dump().items():
            np.testing.assert_allclose(companion.curve.model_dump()[name], values, rtol=SAME)
        for name, array in alone.final.items():
            # Adam takes whole steps along a gradient that is all rounding, but few of a layer's gradients are that
            moved = np.linalg.norm(array - alone.initial[name])
            assert np.linalg.norm(companion.final[name] - array) <= 0.01 * moved, name


def test_milestones_are_what_a_shorter_training_ends_with(spec, train):
    (whole,) = train([spec(epochs=12)])
    assert [*whole.earlier] == [3, 6]
    for epoch, weights in whole.earlier.items():
        (short,) = train([spec(epochs=epoch)])
        assert not short.earlier, "a short training has none"
        for name, array in short.final.items():
            moved = np.linalg.norm(array - short.initial[name])
            assert np.linalg.norm(weights[name] - array) <= 0.01 * moved, name


def test_seeds_and_beta_decide_the_curve(three, trained):
    other_seed, dear, plain = (run.curve.objective for run in trained(three))
    assert other_seed != plain
    assert plain[-1] < dear[-1], "a dearer rate costs more"


def test_objective_is_distortion_plus_beta_rate(three, trained):
    for run in trained(three):
        for prefix in ("", "val_"):
            parts = {name: np.array(getattr(run.curve, prefix + name)) for name in ("objective", "distortion", "rate")}
            total = parts["distortion"] + run.spec.scalars["beta"] * parts["rate"]
            np.testing.assert_allclose(parts["objective"], total, rtol=1e-4)
            assert len(parts["objective"]) == 4


def test_autoencoder_has_no_rate(spec, trained):
    (run,) = trained([spec(variant="ae", scalars={})])
    assert run.curve.rate == run.curve.val_rate == ()
    np.testing.assert_allclose(run.curve.objective, run.curve.distortion, rtol=SAME)  # means of their own


def test_initial_weights_are_those_before_training(three, trained, make_model):
    for run in trained(three):
        fresh = make_model(run.spec)
        for name, weight in zip(run.initial, fresh.weights, strict=True):
            np.testing.assert_array_equal(run.initial[name], ops.convert_to_numpy(weight.value))
        assert any(np.abs(run.final[name] - run.initial[name]).max() > 1e-3 for name in run.final)
        assert run.final["beta"] == run.spec.scalars["beta"]


def test_divergence_of_one_run_leaves_the_others_alone(spec, train, trained):
    before, bad, after = spec(seed=1), spec(scalars={"beta": 3e38}), spec()
    first, diverged, last = train([before, bad, after])
    assert diverged.outcome == "diverged"
    assert diverged.curve.objective == ()
    assert diverged.images == 4 * BATCH, "it counts the epoch in which it diverged and no other"
    for run in (first, last):
        (alone,) = trained([run.spec])
        assert run.outcome == "ok"
        assert run.curve.objective == pytest.approx(alone.curve.objective, rel=SAME)


def test_training_stops_where_every_run_has_diverged(spec, engine, inputs, make_model):
    told = []
    runs = [spec(seed=seed, scalars={"beta": 3e38}, epochs=50) for seed in (1, 2)]
    outcomes = [run.outcome for run in engine.train(runs, make_model, inputs, lambda *epoch: told.append(epoch))]
    assert outcomes == ["diverged", "diverged"]
    assert {epoch for _, epoch, _ in told} == {1}


def test_progress_is_told_of_every_epoch_of_every_run(spec, engine, inputs, make_model):
    runs, told = [spec(seed=1), spec(seed=2)], []

    def progress(specs, epoch, objectives):
        told.extend((run.seed, epoch, objective) for run, objective in zip(specs, objectives, strict=True))

    trained = list(engine.train(runs, make_model, inputs, progress))
    assert sorted(pair[:2] for pair in told) == [(seed, epoch) for seed in (1, 2) for epoch in (1, 2, 3, 4)]
    for run in trained:
        objectives = [objective for seed, _, objective in told if seed == run.spec.seed]
        assert run.curve.objective == pytest.approx(objectives, rel=1e-5)


def test_shares_of_a_cohort_s_time_add_up(three, trained, engine):
    runs = trained(three)
    sizes = {run.cohort_size for run in runs}
    assert sizes == ({1} if "sequential" in engine.__name__ else {3})
    for run in runs:
        assert run.seconds * run.cohort_size == pytest.approx(run.cohort_seconds)
        assert run.images == 4 * 4 * BATCH


@pytest.mark.parametrize("where", ["while tracing", "after an epoch"])
def test_a_crash_leaves_the_next_program_alone(spec, train, trained, engine, inputs, make_model, where):
    def crash(*args, **kwargs):
        raise RuntimeError("crashed")

    def broken(run: RunSpec):
        model = make_model(run)
        if where == "while tracing":
            model.terms = crash
        return model

    before = trained([spec()])[0].curve
    with pytest.raises(RuntimeError, match="crashed"):
        list(engine.train([spec()], broken, inputs, crash))
    assert train([spec()])[0].curve == before
