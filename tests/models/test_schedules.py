"""Weights that follow the training: as published, step by step, from a study's file to the model that trains."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops

from aebench import study as studies
from aebench.errors import UserError
from aebench.harness import execute, plan
from aebench.harness.cohort import Cohort
from aebench.harness.engine import sequential, vectorised
from aebench.harness.watching import Failure
from aebench.models import AE, IWAE, VAE, CapacityVAE
from aebench.models.schedules import RateSchedule
from aebench.records.spec import Annealing
from aebench.records.store import Store

LATENT = 3
SUM = rounding.relative(4, 4) * 128.0  # of a distortion and a weighted rate that are at most 128 together


def numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:32]


def make(images: np.ndarray, cls: type = VAE, **settings: Any) -> Any:
    model = cls(LATENT, network="linear", seed=1, name="model", **settings)
    model.adapt(images)
    return model


def weights(schedule: RateSchedule, steps: int) -> np.ndarray:
    done = ops.arange(steps + 1, dtype="float32")
    return numpy(schedule.weight(ops.minimum(done / steps, 1.0)))


# As published


@pytest.mark.parametrize("warmup", [0.1, 0.5, 1.0])
def test_a_warm_up_is_linear(warmup):
    """Sønderby et al. 2016: from 0 to 1 over the first N_t epochs, and 1 from there on."""
    expected = [min(step / (warmup * 50), 1.0) for step in range(51)]
    assert weights(RateSchedule(warmup=warmup), 50) == pytest.approx(expected, abs=4 * rounding.U)


@pytest.mark.parametrize(("cycles", "share"), [(4, 0.5), (4, 1.0), (5, 0.25), (1, 0.5)])
def test_cycles_are_fu_s(cycles, share):
    """Fu et al. 2019, equations 6 and 7: f(τ) = τ / R up to R, then 1, at τ = mod(t - 1, ⌈T/M⌉) / (T/M)."""
    steps = 40
    taus = [(t - 1) % math.ceil(steps / cycles) / (steps / cycles) for t in range(1, steps + 1)]
    expected = [tau / share if tau <= share else 1.0 for tau in taus]
    found = weights(RateSchedule(warmup=share, cycles=cycles), steps)
    assert found[:-1] == pytest.approx(expected, abs=4 * cycles * rounding.U / share)
    assert found[-1] == 1.0


def test_every_cycle_starts_at_0_whichever_way_a_share_is_rounded():
    """A compiler may multiply by 1 / T, which puts 5 of 25 steps at 0.99999994 of the first of 5 cycles."""
    one = np.float32(1.0)
    for steps in range(1, 301):
        for cycles in [cycles for cycles in range(1, 11) if steps % cycles == 0]:
            starts = np.arange(0, steps, steps // cycles).astype("float32")
            for shares in (starts / np.float32(steps), starts * (one / np.float32(steps))):
                found = RateSchedule(warmup=1.0, cycles=cycles).weight(shares)
                assert numpy(found).max() <= 4 * cycles * rounding.U, (steps, cycles)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate_warmup": 1.5}, "`rate_warmup` must be a share from 0 to 1. Received: rate_warmup=1.5"),
        ({"rate_warmup": -0.5}, "`rate_warmup` must be a share from 0 to 1. Received: rate_warmup=-0.5"),
        ({"rate_warmup": math.nan}, "`rate_warmup` must be a share from 0 to 1. Received: rate_warmup=nan"),
        ({"rate_cycles": 0}, "`rate_cycles` must be at least 1. Received: rate_cycles=0"),
    ],
)
def test_bad_schedules_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        VAE(2, **settings)


def test_a_model_without_a_rate_has_none_to_warm_up():
    with pytest.raises(ValueError, match="`rate_warmup` needs a rate, and AE has none"):
        AE(2, rate_warmup=0.5)


# In a model


def test_the_rate_s_weight_follows_the_steps_in_training_and_is_whole_outside_of_it(images):
    model = make(images, beta=4.0, rate_warmup=0.5, rate_cycles=2, training_steps=8)
    for step, share in enumerate([0.0, 0.5, 1.0, 1.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0]):
        model.steps.assign(float(step))
        for training, weight in ((True, share), (False, 1.0)):
            terms = model.terms(images, training=training)
            paid = numpy(terms.objective).astype("float64") - numpy(terms.distortion)
            assert paid == pytest.approx(4.0 * weight * numpy(terms.rate), abs=SUM)


def test_a_bound_of_many_codes_follows_it_too(images):
    """At weight 0 it is of the distortions alone, and of the weights as they are at 1."""
    model, plain = make(images, IWAE, k=3, rate_warmup=1.0, training_steps=4), make(images, IWAE, k=3)
    distortions = plain.weigh(images, *_posterior_and_codes(plain, images), False)[1]
    start = numpy(model.terms(images, training=True).objective)
    assert start == pytest.approx(numpy(math.log(3) - ops.logsumexp(-distortions, axis=1)), abs=SUM)


def _posterior_and_codes(model: Any, images: np.ndarray) -> tuple[Any, Any]:
    posterior = model.repeated(model.encode(images))
    return posterior, posterior.sample(model.noise)


def test_a_constant_weight_has_no_counter_and_the_same_numbers(images):
    plain = make(images)
    losses = [float(plain.compute_loss(images)) for _ in range(3)]
    for settings in ({"training_steps": 8}, {"rate_warmup": 0.5}, {"rate_cycles": 3, "training_steps": 8}):
        model = make(images, **settings)
        assert model.steps is None
        assert [weight.path for weight in model.weights] == [weight.path for weight in plain.weights]
        assert [float(model.compute_loss(images)) for _ in range(3)] == losses


def test_progress_is_that_of_the_steps_and_whole_outside_of_training(images):
    model = make(images, CapacityVAE, training_steps=4)
    found = []
    for _ in range(6):
        found.append(float(model.progress(training=True)))
        assert float(model.progress(training=False)) == 1.0
        model.compute_loss(images)
        model.compute_loss(images, training=False)
    assert found == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert float(make(images, CapacityVAE).progress(training=True)) == 1.0, "without a length"


def test_fit_counts_its_steps_and_a_loaded_model_goes_on(images, compile_model, tmp_path):
    settings = {"rate_warmup": 1.0, "training_steps": 16}
    same = {"batch_size": 8, "shuffle": False, "verbose": 0}
    model = compile_model(make(images, **settings), 1e-2)
    model.fit(images, epochs=2, validation_data=(images,), **same)
    assert float(model.steps) == 8.0
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(loaded.steps) == 8.0
    assert loaded.get_config() == model.get_config()
    curves = [one.fit(images, epochs=2, **same).history["loss"] for one in (model, loaded)]
    assert curves[1] == pytest.approx(curves[0], rel=1e-6)
    assert float(loaded.steps) == 16.0


# From a study's file

TOP = 'dataset = "digits"\nnetwork = "linear"\nseeds = 2\nepochs = 2\nlatent_dim = 2\n'


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], studies.Study]:
    """write(text) -> the study with these lines after the usual ones."""

    def study(text: str) -> studies.Study:
        path = tmp_path / "own.toml"
        path.write_text(TOP + text)
        return studies.read(str(path))

    return study


@pytest.fixture
def cohorts(write: Callable[[str], studies.Study], tmp_path: Path) -> Callable[[str], list[Cohort]]:
    def made(text: str) -> list[Cohort]:
        todo = plan.plan(write(text), keras.backend.backend(), Store(tmp_path / "out"))
        return list(execute.cohorts(todo, todo.missing))

    return made


def specs(study: studies.Study) -> list[Any]:
    return study.expand(dict.fromkeys(study.datasets, "0" * 64), "tensorflow")


def test_a_schedule_is_part_of_a_run_s_identity_and_a_constant_weight_is_not(write):
    plain, none = (
        specs(write(text + '[[variant]]\nname = "vae"')) for text in ("", "rate_warmup = 0\nrate_cycles = 1\n")
    )
    assert [spec.run_id for spec in plain] == [spec.run_id for spec in none]
    assert "annealing" not in plain[0].model_dump()
    several = specs(write('rate_warmup = [0, 0.5, 1]\nrate_cycles = [1, 4]\n[[variant]]\nname = "vae"'))
    found = [spec.annealing for spec in several if spec.seed == 0]
    assert found == [None, *(Annealing(warmup=share, cycles=cycles) for share in (0.5, 1.0) for cycles in (1, 4))]
    assert len({spec.run_id for spec in several}) == len({spec.cohort for spec in several}) * 2 == 10
    assert several[2].label() == "VAE β=1 warm-up 0.5"
    assert several[4].label() == "VAE β=1 4 cycles 0.5"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rate_warmup = 1.5", "rate_warmup: 1.5 is out of range; give a finite number of at least 0 and at most 1"),
        ("rate_warmup = 1.0000000001", "rate_warmup: 1.0000000001 is out of range"),
        ("rate_warmup = -0.1", "rate_warmup: -0.1 is out of range; give a finite number of at least 0 and at most 1"),
        ("rate_warmup = nan", "rate_warmup: nan is out of range"),
        ('rate_warmup = "half"', "rate_warmup: 'half' is not a number"),
        ("rate_cycles = 0", "rate_cycles: 0 is out of range; give a whole number of at least 1"),
        ("rate_cycles = 1.5", "rate_cycles: 1.5 is not a whole number"),
    ],
)
def test_bad_values_are_told_in_one_line(write, line, message):
    with pytest.raises(UserError, match=message) as caught:
        write(f'{line}\n[[variant]]\nname = "vae"')
    assert "\n" not in str(caught.value)


def test_a_variant_without_a_rate_fails_in_one_line(cohorts):
    (cohort,) = cohorts('rate_warmup = 0.5\n[[variant]]\nname = "ae"')
    failures = list(cohort.train("auto", lambda *told: None))
    assert all(isinstance(failure, Failure) for failure in failures)
    assert {failure.error for failure in failures} == {"ValueError: `rate_warmup` needs a rate, and AE has none"}


@pytest.mark.parametrize(
    ("variant", "line"),
    [("vae", "rate_warmup = 0.5\nrate_cycles = 2\n"), ("capacity-vae", "")],
    ids=["vae", "capacity"],
)
def test_both_engines_train_alike_from_a_study_s_file(cohorts, variant, line):
    """And otherwise than without the schedule: its objective starts from the distortion alone."""
    (cohort,) = cohorts(line + f'[[variant]]\nname = "{variant}"\nbeta = 4.0')
    model = cohort.make_model(cohort.specs[0])
    steps = cohort.specs[0].epochs * (len(cohort.inputs.train) // 128)
    assert model.training_steps == steps
    assert (model.rate_schedule.warmup, model.rate_schedule.cycles) == ((0.5, 2) if line else (0.0, 1))
    engines = [sequential] if keras.backend.backend() == "torch" else [sequential, vectorised]
    curves = []
    for engine in engines:
        trained = list(engine.train(cohort.specs, cohort.make_model, cohort.inputs, lambda *told: None))
        curves.append([run.curve.objective for run in trained])
        assert float(trained[0].final["steps"]) == steps
    np.testing.assert_allclose(curves[0], curves[-1], rtol=rounding.relative(64, 64, 128, condition=5.0) + 1e-5)
    first = trained[0].curve
    paid = first.objective[0] - first.distortion[0]
    whole = 4.0 * (first.rate[0] if line else abs(first.rate[0] - 25.0))
    assert paid != pytest.approx(whole, rel=0.05)
