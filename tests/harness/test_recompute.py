"""Numbers that a pack tells, measured anew from its weights: a falsified one is found, rounding is none."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import benches
import numpy as np
import pytest
from packing import falsified, rewritten, with_arrays
from typer.testing import CliRunner, Result

from aebench import data, measures
from aebench import study as studies
from aebench.analysis.audit import RECOMPUTED, differing
from aebench.cli.app import app
from aebench.harness import recompute
from aebench.records.record import RunRecord
from aebench.records.store import Store

STUDY = """
dataset = "digits"
network = "mlp-256"
seeds = 1
epochs = 1
latent_dim = 2
[[variant]]
name = "vae"
"""

FROZEN = Path(__file__).parent.parent / "records" / "frozen" / "run_record_v1.json"
RECORD = RunRecord.model_validate_json(FROZEN.read_text())


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunRecord]:
    """A pack of one trained run with its weights, and the run's record."""
    folder = tmp_path_factory.mktemp("packed")
    study = folder / "one.toml"
    study.write_text(STUDY)
    assert benches.bench(study, folder / "out").exit_code == 0
    found = run("pack", study, "--out", folder / "out", "-o", folder / "one.zip", "--weights", "--by", "Ada")
    assert found.exit_code == 0
    assert found.stdout.startswith(f"{folder / 'one.zip'}: 1 run and 0 timings, with weights, ")
    (record,) = Store(folder / "out").read_records()
    return folder / "one.zip", record


@pytest.fixture
def pack(packed: tuple[Path, RunRecord], tmp_path: Path) -> tuple[Path, RunRecord]:
    """A copy that a test may change."""
    path = tmp_path / "one.zip"
    path.write_bytes(packed[0].read_bytes())
    return path, packed[1]


def test_an_honest_pack_is_sound(pack: tuple[Path, RunRecord]) -> None:
    found = run("verify", pack[0], "--draw", "x")
    assert found.exit_code == 0, found.stdout
    assert "study one from Ada, 1 run, digest" in found.stdout
    assert found.stdout.rstrip().endswith("1 measured anew (--draw x): sound")


def test_a_falsified_likelihood_is_found_though_all_in_the_pack_agrees(pack: tuple[Path, RunRecord]) -> None:
    path, record = pack
    told = record.metrics["nll_nats"]
    assert told is not None
    falsified(path, record.run_id, nll_nats=told - 1.0)

    def lower(members: dict[str, bytes]) -> None:
        name = f"artefacts/{record.run_id}/latents.npz"
        with np.load(io.BytesIO(members[name])) as arrays:
            nll = arrays["nll"]
        members[name] = with_arrays(members[name], nll=(nll.astype("float64") - 1.0).astype("float32"))

    assert "its single images have a mean of" in run("verify", path).stdout
    rewritten(path, lower)
    assert run("verify", path, "--recompute", 0).exit_code == 0
    found = run("verify", path)
    assert found.exit_code == 1
    (line,) = [line for line in found.stdout.splitlines() if line.startswith("wrong: ")]
    assert line.startswith(f"wrong: {record.run_id} says nll_nats {told - 1.0}, and its weights give ")


def test_a_falsified_number_that_is_no_mean_over_images_is_found(pack: tuple[Path, RunRecord]) -> None:
    path, record = pack
    falsified(path, record.run_id, kmeans_nmi=0.99)
    assert run("verify", path, "--recompute", 0).exit_code == 0
    found = run("verify", path)
    assert found.exit_code == 1
    assert f"wrong: {record.run_id} says kmeans_nmi 0.99, and its weights give " in found.stdout


def test_weights_that_are_none_of_the_model_are_a_finding(pack: tuple[Path, RunRecord]) -> None:
    path, record = pack

    def spoil(members: dict[str, bytes]) -> None:
        name = f"artefacts/{record.run_id}/weights.npz"
        with np.load(io.BytesIO(members[name])) as arrays:
            first = arrays.files[0]
        members[name] = with_arrays(members[name], **{first: np.zeros((1, 1, 1))})

    found = run("verify", rewritten(path, spoil), "--draw", "x")
    assert found.exit_code == 1
    assert f"wrong: the weights of {record.run_id} cannot all be measured: " in found.stdout
    assert found.stdout.rstrip().endswith("0 of 1 measured anew (--draw x): 1 finding")
    assert found.exception is None or isinstance(found.exception, SystemExit)


def test_what_rounding_may_do_is_no_finding_and_more_is() -> None:
    base = RECORD.model_copy(update={"metrics": {"recon_mse": 0.04}, "metric_versions": measures.versions()})
    for part, lines in ((0.5, 0), (2.0, 1)):
        other = base.model_copy(update={"metrics": {"recon_mse": 0.04 * (1 + part * RECOMPUTED)}})
        assert len(differing(other, base)) == lines
    for told, lines in ((0.55, 0), (0.15, 1)):  # of a number in 0 to 1 that is no mean over images
        mig = base.model_copy(update={"metrics": {"recon_mse": 0.04, "mig": 0.5}})
        other = base.model_copy(update={"metrics": {"recon_mse": 0.04, "mig": told}})
        assert len(differing(other, mig)) == lines
    missing = base.model_copy(update={"metrics": {}})
    assert len(differing(missing, base)) == 1
    older = base.model_copy(update={"metrics": {"recon_mse": 1.0}, "metric_versions": {"recon_mse": 0}})
    assert differing(older, base) == []


def test_the_sample_depends_on_the_draw_alone() -> None:
    runs = [f"run-{number}" for number in range(200)]
    first = recompute.sample(runs, 5, "a")
    assert recompute.sample(runs[::-1], 5, "a") == first
    assert recompute.sample(runs, 5, "b") != first
    chosen = [name for draw in range(400) for name in recompute.sample(runs, 5, f"{draw}")]
    counts = np.array([chosen.count(name) for name in runs])
    assert counts.sum() == 2000
    # binomial(400, 5 / 200): mean 10, standard deviation 3.1; 5 of them hold for 200 runs but once in 10,000 times
    assert abs(counts - 10).max() < 5 * 3.1


OBSTACLES: dict[str, tuple[Callable[[RunRecord], RunRecord], str]] = {
    "data": (lambda one: _of(one, dataset_digest="0" * 64), "data set digits has other content here"),
    "absent": (lambda one: _of(one, dataset="elsewhere"), "elsewhere"),
    "backend": (lambda one: _of(one, backend="jax"), "it was trained with jax, and this is tensorflow"),
    "version": (lambda one: _of(one, variant_version=999), "variant vae has version"),
    "diverged": (lambda one: one.model_copy(update={"outcome": "diverged"}), "its weights are not there"),
}


def _of(record: RunRecord, **changes: Any) -> RunRecord:
    return record.model_copy(update={"spec": record.spec.model_copy(update=changes)})


@pytest.mark.parametrize("what", OBSTACLES)
def test_what_cannot_be_measured_anew_is_told(what: str, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(STUDY)
    study, store = studies.read(str(tmp_path / "one.toml")), Store(tmp_path)
    (spec,) = study.expand({"digits": data.digest("digits")}, "tensorflow")
    record = RECORD.model_copy(update={"spec": spec, "run_id": spec.run_id, "outcome": "ok"})
    store.write_arrays(spec.run_id, "weights", {"kernel": np.ones(2)})
    assert recompute.obstacle(study, record, store, "tensorflow") == ""
    change, told = OBSTACLES[what]
    assert told in recompute.obstacle(study, change(record), store, "tensorflow")


def test_code_of_the_sender_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(STUDY)
    study = studies.read(str(tmp_path / "one.toml"))
    own = tuple(replace(grid, declaration=replace(grid.declaration, package="")) for grid in study.grids)
    (spec,) = study.expand({"digits": data.digest("digits")}, "tensorflow")
    record = RECORD.model_copy(update={"spec": spec, "run_id": spec.run_id})
    told = recompute.obstacle(replace(study, grids=own), record, Store(tmp_path), "tensorflow")
    assert told == "it runs code that its sender wrote"
