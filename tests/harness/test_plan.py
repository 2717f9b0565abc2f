"""What a bench would do: what is missing, finished, outdated or refused, before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plans import RECORD, TIMING, planned, record

from aebench import measures, study
from aebench.backends import environment
from aebench.cli import benching
from aebench.errors import UserError
from aebench.harness import execute, plan
from aebench.records.record import MeasureSettings
from aebench.records.store import Store
from aebench.study import declarations


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_new_study_is_missing_altogether(store: Store) -> None:
    todo = planned(store)
    assert len(todo.grid) == 12
    assert todo.grid == todo.chosen == todo.missing
    assert todo.finished == ()
    assert {spec.dataset_digest for spec in todo.grid} == {RECORD.spec.dataset_digest}


def test_what_is_finished_is_not_missing(store: Store) -> None:
    first, *rest = planned(store).grid
    store.write_record(record(first))
    todo = planned(store)
    assert todo.missing == tuple(rest)
    assert todo.finished == (first,)
    assert list(todo.records) == [first.run_id]


def test_a_diverged_run_is_finished_until_it_is_asked_for(store: Store) -> None:
    first, second, *_ = planned(store).grid
    store.write_record(record(first, "diverged"))
    store.write_record(record(second))
    assert first not in planned(store).missing
    again = planned(store, retry_diverged=True)
    assert first in again.missing
    assert second not in again.missing


def test_runs_that_were_measured_otherwise_than_is_asked_for_now_are_outdated(store: Store) -> None:
    fresh, older, fewer, broken = planned(store).grid[:4]
    now = measures.versions()
    asked = planned(store).study.measures
    for spec, versions, settings, outcome in (
        (fresh, now, asked, "ok"),
        (older, now | {"silhouette": 0}, asked, "ok"),
        (fewer, now, asked.model_copy(update={"nll_budget": 64}), "ok"),
        (broken, {}, None, "diverged"),
    ):
        made = record(spec, outcome)
        store.write_record(made.model_copy(update={"metric_versions": versions, "measured_with": settings}))
    assert [found.spec for found in planned(store).outdated] == [older, fewer]


def test_a_record_of_other_data_or_backend_is_another_run(store: Store) -> None:
    first = planned(store).grid[0]
    store.write_record(record(first.model_copy(update={"dataset_digest": "f" * 64})))
    store.write_record(record(first.model_copy(update={"backend": "jax"})))
    assert len(planned(store).missing) == 12


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("variant == 'vae'", 8),
        ("variant in ['ae', 'vae'] and seed == 0", 6),
        ("beta <= 1", 4),
        ("latent_dim <= 2 and not variant == 'ae'", 4),
        ("dataset.str.startswith('dig')", 12),
    ],
)
def test_only_what_meets_the_condition_is_chosen(condition: str, runs: int, store: Store) -> None:
    todo = planned(store, only=condition)
    assert len(todo.chosen) == len(todo.missing) == runs
    assert len(todo.grid) == 12
    assert [spec for spec in todo.grid if spec in todo.chosen] == list(todo.chosen)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"without_class": (10,)}, "digits has no class 10; give numbers from 0 to 9"),
        ({"without_class": (0,), "grids": study.read("tabular").grids}, "has no images, which alone are measured"),
        ({"measures": MeasureSettings(outlier_sets=("digits",))}, "digits is the study's own data set"),
        ({"measures": MeasureSettings(outlier_sets=("wine",))}, r"wine has shape \(13,\) and digits \(8, 8, 1\)"),
        ({"measures": MeasureSettings(outlier_sets=("digit",))}, "did you mean 'digits'"),
    ],
)
def test_outliers_that_cannot_be_are_told_before_anything_is_trained(
    changes: dict[str, Any], told: str, store: Store
) -> None:
    with pytest.raises(UserError, match=told):
        plan.plan(replace(study.read("smoke"), **changes), "tensorflow", store)


def test_each_program_is_timed_at_its_own_batch_size_and_those_of_the_study(store: Store) -> None:
    timings = planned(store).timings
    assert [(spec.variant, spec.latent_dim, timing.batch_size) for spec, timing in timings] == [
        (variant, latent_dim, size)
        for variant in ("ae", "vae")
        for latent_dim in (2, 4)
        for size in (1, 128, 1024, 8192)
    ]
    assert {timing.image_shape for _, timing in timings} == {(8, 8, 1)}


def test_a_speed_that_was_measured_here_is_not_measured_again(store: Store) -> None:
    from aebench.backends import environment

    _, timing = planned(store).timings[0]
    here = environment.current("tensorflow")
    elsewhere = here.model_copy(update={"device": "Another"})
    made = TIMING.model_copy(update={"spec": timing, "timing_id": timing.timing_id})
    store.write_timing(made.model_copy(update={"environment": elsewhere}))
    assert len(planned(store).timings) == 16
    store.write_timing(made.model_copy(update={"environment": here}))
    assert len(planned(store).timings) == 15


def test_pictures_are_drawn_of_each_configurations_first_seed(store: Store) -> None:
    todo = planned(store)
    (cohort,) = execute.cohorts(todo, todo.grid[-1:])
    assert cohort.pictured == {spec.run_id for spec in todo.grid if spec.seed == 0}


def test_code_that_changed_under_the_same_version_is_told(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = planned(store).grid
    path = planned(store).study.declaration("vae").path
    here = RECORD.environment.model_copy(update={"python": environment.current("tensorflow").python})
    digests = {"vae": declarations.code(path), "ae": None}  # None as in records of before it was kept
    for spec in grid:
        training = RECORD.training.model_copy(update={"variant_code": digests[spec.variant]})
        store.write_record(record(spec).model_copy(update={"training": training, "environment": here}))
    assert planned(store).recoded == {}
    monkeypatch.setattr(declarations, "code", lambda path: "0" * 16)
    todo = planned(store)
    assert todo.recoded == {path: sum(spec.variant == "vae" for spec in grid)}
    benching.announce(todo)
    assert f"warning: {path} has changed since 8 of 12 finished runs were trained with it" in capsys.readouterr().err
    other = here.model_copy(update={"python": "3.99.1"})
    for spec in grid:
        store.write_record(store.read_record(spec).model_copy(update={"environment": other}))
    assert planned(store).recoded == {}


def test_an_own_network_that_changed_under_the_same_version_is_told(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.py").write_text('@register_network("small", version=1)\ndef small(shape, size, seed): ...\n')
    text = 'title = "Own"\ndataset = "digits"\nseeds = 2\nepochs = 3\nlatent_dim = 2\nnetwork = ["small", "mlp"]\n'
    (tmp_path / "own.toml").write_text(
        f'{text}[[own_network]]\nname = "small"\nfile = "net.py"\n[[variant]]\nname = "ae"\n'
    )

    def planned_anew() -> Any:
        return plan.plan(study.read(str(tmp_path / "own.toml")), "tensorflow", store)

    here = RECORD.environment.model_copy(update={"python": environment.current("tensorflow").python})
    path = tmp_path.resolve() / "net.py"
    for spec in planned_anew().grid:
        own = declarations.code(path) if spec.network == "small@1" else None
        training = RECORD.training.model_copy(update={"network_code": own})
        store.write_record(record(spec).model_copy(update={"training": training, "environment": here}))
    assert planned_anew().recoded == {}
    monkeypatch.setattr(declarations, "code", lambda path: "0" * 16)
    assert planned_anew().recoded == {path: 2}


@pytest.mark.parametrize(
    ("dataset", "likelihood", "message"),
    [
        ("digits", "categorical", r"is of 256 levels, and digits has pixels of 17 levels; choose categorical-17, bern"),
        (
            "digits",
            "discretised_logistics-3",
            r"'discretised_logistics-3' is of 256 levels, and digits has pixels of 17",
        ),
        ("wine", "categorical", r"'categorical' has no density for wine, which holds real numbers"),
        (
            "photo_patches",
            "categorical-17",
            r"is of 17 levels, and .* 256 levels; choose discretised_logistics, categor",
        ),
        ("digits", "categorical-17", None),
        ("photo_patches", "discretised_logistics", None),
    ],
)
def test_a_likelihood_of_other_levels_is_refused_before_training(
    dataset: str, likelihood: str, message: str | None, tmp_path: Path
) -> None:
    text = (
        f'dataset = "{dataset}"\nlikelihood = "{likelihood}"\nseeds = 1\nepochs = 1\nlatent_dim = 2\nbatch_size = 32\n'
    )
    (tmp_path / "levels.toml").write_text(f'{text}\n[[variant]]\nname = "ae"\n')
    asked = study.read(str(tmp_path / "levels.toml"))
    if message is None:
        assert len(plan.plan(asked, "tensorflow", Store(tmp_path)).missing) == 1
        return
    with pytest.raises(UserError, match=message) as found:
        plan.plan(asked, "tensorflow", Store(tmp_path))
    assert "\n" not in str(found.value)
