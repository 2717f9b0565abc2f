"""Cohorts: how they are cut, what happens where an engine fails, and what a lower precision changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from benches import measure_little

from aebench import backends
from aebench import study as studies
from aebench.errors import UserError
from aebench.harness import execute, plan
from aebench.harness.cohort import Cohort
from aebench.harness.engine import vectorised
from aebench.harness.watching import Failure
from aebench.records.record import RunRecord
from aebench.records.store import Store

# By how much rounding moves a digit's codes and losses, over the largest one: in the sums over 256 units and 64 pixels
# of a network, which are up to 5 times as large without their signs; and by its training, whose gradients are sums over
# 128 images that cancel to 1/√128.
CODES = rounding.relative(256, 64, condition=5.0)
TRAINED = rounding.relative(128, condition=128**0.5)
GRID = """
dataset = "digits"
network = "{network}"
seeds = {seeds}
epochs = {epochs}
latent_dim = 4
precision = {precision}
[[variant]]
name = "vae"
beta = {beta}
"""


@pytest.fixture
def cohorts(tmp_path: Path) -> Callable[..., list[Cohort]]:
    """cohorts(seeds=2, ...) -> those of a study of digits, with a store of its own."""

    def make(only: str | None = None, **changes: Any) -> list[Cohort]:
        values = {"network": "mlp-256", "seeds": 2, "epochs": 2, "beta": 1.0, "precision": '"float32"', **changes}
        path = tmp_path / "own.toml"
        path.write_text(GRID.format(**values))
        study = studies.read(str(path))
        todo = plan.plan(study, keras.backend.backend(), Store(tmp_path / "out"), only=only)
        return list(execute.cohorts(todo, todo.missing))

    return make


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    measure_little(monkeypatch)


def train(cohort: Cohort, engine: Any = "auto") -> list[Any]:
    return list(cohort.train(engine, lambda *told: None))


def test_a_cohort_is_cut_alike_whatever_is_done_already(cohorts):
    (whole,) = cohorts(seeds=10)
    (rest,) = cohorts(seeds=10, only="seed in [0, 5, 6, 9]")
    assert [[run.seed for run in part] for part in whole._parts(4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [[run.seed for run in part] for part in rest._parts(4)] == [[0], [5, 6], [9]]
    assert [len(part) for part in whole._parts(64)] == [10]


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch has the sequential engine alone")
@pytest.mark.usefixtures("little")
def test_where_the_vectorised_engine_fails_runs_are_trained_one_by_one(cohorts, monkeypatch):
    def fail(*arguments: Any) -> Any:
        raise RuntimeError("cannot be vectorised\nbecause")

    monkeypatch.setattr(vectorised, "train", fail)
    (cohort,) = cohorts()
    records = train(cohort)
    assert all(isinstance(record, RunRecord) for record in records)
    assert {record.training.engine for record in records} == {"sequential"}
    assert records[0].training.reason == "the vectorised engine failed: RuntimeError: cannot be vectorised"
    failures = train(cohort, "vectorised")
    assert [failure.error for failure in failures] == ["RuntimeError: cannot be vectorised"] * 2


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch has the sequential engine alone")
@pytest.mark.usefixtures("little")
def test_engines_give_the_same_numbers_and_the_record_says_which(cohorts):
    (cohort,) = cohorts(seeds=3, epochs=5)
    alone, together = (train(cohort, engine) for engine in ("sequential", "vectorised"))
    for one, member in zip(alone, together, strict=True):
        assert one.run_id == member.run_id, "the engine is no part of a run's identity"
        assert (one.training.engine, one.training.cohort_size) == ("sequential", 1)
        assert (member.training.engine, member.training.cohort_size) == ("vectorised", 3)
        assert member.metrics.get("train_seconds") == pytest.approx(member.training.cohort_seconds / 3)
        assert "at most 64 runs at once" in member.training.reason or "GPU" in member.training.reason
        for name in ("elbo_nats", "distortion_nats", "recon_mse"):
            assert member.metrics[name] == pytest.approx(one.metrics[name], rel=CODES + TRAINED), name
        labels, trained = cohort.inputs.labels, cohort.store.read_arrays(one.run_id, "latents")["mean"]
        untrained = keras.ops.convert_to_numpy(cohort.make_model(one.spec).encode(cohort.inputs.test).mean)
        for name, codes, moved in (
            ("silhouette", trained, CODES + TRAINED),
            ("silhouette_untrained", untrained, CODES),
        ):
            bound = rounding.silhouettes(codes, labels, 2.0 * moved).mean()
            assert member.metrics[name] == pytest.approx(one.metrics[name], abs=bound), name


@pytest.mark.usefixtures("little")
def test_a_measure_that_crashes_fails_the_run_and_not_the_others(cohorts, monkeypatch):
    (first,), (second,) = cohorts(seeds=1), cohorts(seeds=1, network="linear")
    monkeypatch.setattr(first.scorer, "score", lambda members, kept: 1 / 0)
    (failure,) = train(first)
    assert isinstance(failure, Failure)
    assert failure.error == "ZeroDivisionError: division by zero"
    assert not first.store.record_path(first.specs[0]).exists()
    assert isinstance(*train(second), RunRecord)


@rounding.bfloat16
@pytest.mark.usefixtures("little")
def test_bfloat16_agrees_within_the_spread_of_seeds(cohorts):
    full, half = cohorts(seeds=5, epochs=8, precision='["float32", "bfloat16"]')
    assert (full.specs[0].precision, half.specs[0].precision) == ("float32", "bfloat16")
    assert "bfloat16" in half.specs[0].run_id
    elbos = [np.array([record.metrics.get("elbo_nats") for record in train(cohort)]) for cohort in (full, half)]
    assert (elbos[0] != elbos[1]).all(), "it has an effect"
    assert abs(elbos[1].mean() - elbos[0].mean()) < elbos[0].std(ddof=1)


@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=rounding.bfloat16)])
def test_precision_holds_in_the_trunks_and_nowhere_else(cohorts, dtype):
    (cohort,) = cohorts(precision=f'"{dtype}"')
    with backends.precision(dtype):
        model = cohort.make_model(cohort.specs[0])
    images = cohort.inputs.test[:3]
    assert keras.backend.standardize_dtype(model.features(images).dtype) == dtype
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in model.weights} == {"float32"}
    terms = model.terms(images)
    for part in (terms.objective, terms.distortion, terms.rate):
        assert keras.backend.standardize_dtype(part.dtype) == "float32"
    assert keras.config.dtype_policy().name == "float32", "what comes after is not touched"


def test_tf32_is_refused_where_there_is_no_gpu(cohorts):
    (cohort,) = cohorts(precision='"tf32"')
    with pytest.raises(UserError, match="precision 'tf32' needs a GPU and there is none here; use float32 or bfloat16"):
        train(cohort)


@pytest.mark.usefixtures("little")
def test_diverged_runs_keep_their_place_beside_finished_ones(cohorts):
    (cohort,) = cohorts(beta="[1.0, 3e38]", seeds=1)
    finished, diverged = train(cohort)
    assert (finished.outcome, diverged.outcome) == ("ok", "diverged")
    assert diverged.metrics.get("elbo_nats") is None
    assert diverged.metrics.get("parameters") == finished.metrics.get("parameters")


def test_a_run_is_measured_on_its_way_as_a_shorter_one_at_its_end(cohorts):
    (whole,), (short,) = cohorts(seeds=1, epochs=12, network="linear"), cohorts(seeds=1, epochs=6, network="linear")
    (record,) = train(whole)
    with pytest.MonkeyPatch.context() as patch:
        measure_little(patch)
        (half,) = train(short)
    assert [(one.part, one.epoch) for one in record.milestones] == [(0.25, 3), (0.5, 6)]
    assert half.milestones == ()
    # Weights that part by rounding alone: where they do at all, each image's silhouette is off by its own bound.
    codes = short.store.read_arrays(half.run_id, "latents")["mean"]
    apart = rounding.silhouettes(codes, short.inputs.labels, 2.0 * (CODES + TRAINED)).mean()
    for name, bound in {
        "elbo_nats": (CODES + TRAINED) * abs(half.metrics["elbo_nats"]),
        "recon_mse": (CODES + TRAINED) * half.metrics["recon_mse"],
        "silhouette": apart,
        "silhouette_validation": apart,
    }.items():
        milestone = record.milestones[1].metrics[name]
        assert milestone == pytest.approx(half.metrics[name], abs=bound), name
        assert record.milestones[1].metric_versions[name] == record.metric_versions[name]
    assert record.milestones[1].metrics["elbo_nats"] < record.metrics["elbo_nats"] - 0.1, "the end is another"
    assert {"nll_nats", "kmeans_nmi", "mixture_recognisable"}.isdisjoint(record.milestones[1].metrics), "they take long"
    kept = whole.store.read_arrays(record.run_id, "latents-0.5")
    assert kept["recon_mse"].mean() == pytest.approx(record.milestones[1].metrics["recon_mse"], rel=1e-5)
