"""The real command line in subprocesses, on the smoke study, which is trained once for the whole module."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from aebench import study
from aebench.cli.app import app
from aebench.measures import METRICS
from aebench.records.record import RunRecord, TimingRecord

SETTINGS = (
    "dataset", "variant", "latent_dim", "network", "likelihood", "seed", "epochs", "batch_size", "precision", "backend",
    "beta", "rate_warmup", "rate_cycles",
    "outcome", "run_id",
)  # fmt: skip


@pytest.fixture(scope="module")
def smoke(suite_command: Callable[..., object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a smoke study that `bench` has just made."""
    out = tmp_path_factory.mktemp("smoke") / "out"
    result = suite_command("bench", "smoke", "--out", out)
    assert result.returncode == 0, result.stderr
    assert "12 runs, 0 finished, 12 to train; 8 speeds to measure" in result.stdout
    assert "[12/12] vae-beta4-z4-" in result.stdout
    assert "VAE β=4" in result.stdout
    return out


def output(*arguments: object) -> str:
    """What a command that is expected to succeed prints, in this process."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.stdout


def records(folder: Path) -> dict[str, RunRecord]:
    paths = (folder / "records").glob("*.json")
    return {path.stem: RunRecord.model_validate_json(path.read_text()) for path in paths}


def stamps(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_bench_keeps_whole_records(smoke: Path) -> None:
    found = records(smoke)
    assert len(found) == 12
    for name, record in found.items():
        assert name == record.run_id == record.spec.run_id
        assert record.outcome == "ok"
        assert len(record.curve.objective) == len(record.curve.val_objective) == record.spec.epochs == 5
        assert record.metrics.get("silhouette") is not None
        assert record.metrics.get("distortion_nats") is not None
        assert (record.metrics.get("elbo_nats") is None) == (record.spec.variant == "ae")
        assert (record.curve.rate == ()) == (record.spec.variant == "ae")


def test_distortion_and_rate_make_the_elbo(smoke: Path) -> None:
    for record in records(smoke).values():
        if record.spec.variant == "vae":
            total = record.metrics.get("distortion_nats") + record.metrics.get("rate_nats")
            assert total == pytest.approx(-record.metrics.get("elbo_nats"), abs=1e-4)


def test_bench_keeps_artefacts_of_every_run_and_pictures_of_the_first_seed(smoke: Path) -> None:
    for name, record in records(smoke).items():
        kept = {path.name for path in (smoke / "artefacts" / name).iterdir()}
        assert kept == {"weights.npz", "latents.npz"} | ({"figures.npz"} if record.spec.seed == 0 else set())


def test_bench_measures_the_speed_of_each_program(smoke: Path) -> None:
    timings = [TimingRecord.model_validate_json(path.read_text()) for path in (smoke / "timings").glob("*.json")]
    programs = {(item.spec.variant, item.spec.latent_dim, item.spec.batch_size) for item in timings}
    batches = (1, 128)
    assert programs == {(name, size, batch) for name in ("ae", "vae") for size in (2, 4) for batch in batches}
    for item in timings:
        assert set(item.operations) == {"train_step", "encode", "decode", "sample", "elbo"}
        assert item.matmul_flops_per_s > 1e9
        assert item.environment.device
        assert all(second > 0 for operation in item.operations.values() for second in operation.seconds)


def test_nothing_is_left_over(smoke: Path) -> None:
    assert {path.name for path in smoke.iterdir()} == {"records", "timings", "artefacts", "datasets", "locks"}
    assert {path.suffix for path in (smoke / "locks").iterdir()} == {".lock"}, "nobody holds any"
    assert not list(smoke.rglob(".*"))


def test_a_second_bench_trains_nothing_and_is_quick(smoke: Path, suite_command: Callable[..., object]) -> None:
    before = stamps(smoke)
    start = os.times().children_user
    result = suite_command("bench", "smoke", "--out", smoke)
    assert os.times().children_user - start < 6.0  # of the processor, so that nothing else on it counts: about 1
    assert result.returncode == 0
    assert "12 runs, 12 finished, 0 to train; 0 speeds to measure" in result.stdout
    assert stamps(smoke) == before


def test_a_second_bench_imports_no_keras(smoke: Path, python: Callable[..., object]) -> None:
    code = f"""
import sys
from aebench.cli.app import app
app(["bench", "smoke", "--out", {str(smoke)!r}], standalone_mode=False)
print("heavy:", *({{"keras", "tensorflow", "tensorflow_datasets", "sklearn", "matplotlib"}} & set(sys.modules)))
"""
    result = python("-c", code)
    assert result.stdout.splitlines()[-1] == "heavy:", result.stderr


def test_a_record_set_aside_is_made_again(smoke: Path, tmp_path: Path) -> None:
    shutil.copytree(smoke, tmp_path / "out")
    path = min((tmp_path / "out" / "records").iterdir())
    path.write_text("{")
    result = CliRunner().invoke(app, ["bench", "smoke", "--out", str(tmp_path / "out"), "--dry-run"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [path.stem]
    assert result.stderr.startswith(f"warning: {path} is not a valid RunRecord")
    assert path.with_name(f"{path.name}.invalid-1").read_text() == "{"


def test_a_dry_run_names_the_runs_and_does_nothing(tmp_path: Path) -> None:
    lines = output("bench", "smoke", "--out", tmp_path / "out", "--dry-run", "--only", "seed == 1").splitlines()
    assert lines[0].startswith("study smoke: 6 runs, 0 finished, 6 to train")
    assert len(set(lines[1:])) == 6
    assert all("-s1-" in line for line in lines[1:])
    assert not (tmp_path / "out").exists()


def test_the_table_of_runs_is_csv(smoke: Path) -> None:
    printed = output("table", "smoke", "--out", smoke, "--by", "run", "--format", "csv")
    frame = pd.read_csv(io.StringIO(printed), engine="python")  # rounds each number correctly
    assert len(frame) == 12
    assert set(SETTINGS) | set(METRICS) == set(frame.columns)
    assert frame["beta"].isna().sum() == frame["elbo_nats"].isna().sum() == 4
    for row in frame.to_dict("records"):
        record = records(smoke)[row["run_id"]]
        assert row["recon_mse"] == record.metrics.get("recon_mse")
        assert row["seed"] == record.spec.seed


def test_the_table_of_configurations_is_json(smoke: Path) -> None:
    rows = json.loads(output("table", "smoke", "--out", smoke, "--format", "json"))
    assert len(rows) == 6
    assert all(row["planned"] == row["finished"] == row["recon_mse_n"] == 2 for row in rows)
    runs = [record for record in records(smoke).values() if record.spec.variant == "ae" and record.spec.latent_dim == 2]
    row = next(row for row in rows if row["variant"] == "ae" and row["latent_dim"] == 2)
    assert row["beta"] is None
    assert row["elbo_nats_mean"] is None
    assert row["recon_mse_mean"] == pytest.approx(sum(run.metrics.get("recon_mse") for run in runs) / 2)


def test_the_table_of_variants_has_each_with_its_best_settings(smoke: Path) -> None:
    rows = json.loads(output("table", "smoke", "--out", smoke, "--by", "variant", "--format", "json"))
    assert [(row["variant"], row["latent_dim"]) for row in rows] == [("ae", 2), ("ae", 4), ("vae", 2), ("vae", 4)]


def test_the_table_is_latex(smoke: Path) -> None:
    lines = output("table", "smoke", "--out", smoke, "--format", "latex").splitlines()
    assert lines[0].startswith(r"\begin{tabular}")
    assert sum("mlp-256" in line for line in lines) == 6
    assert all(line.endswith(r"\\") for line in lines if "mlp-256" in line)
    assert r"elbo\_nats\_mean" in lines[2]


def test_the_table_is_text(smoke: Path) -> None:
    table = output("table", "smoke", "--out", smoke)
    assert re.search(r"VAE β=1 +2 +2 +-\d+\.\d+ ± ", table)
    assert re.search(r"AE +4 +2 +n/a ", table)
    assert "ELBO ↑" in table
    by_run = output("table", "smoke", "--out", smoke, "--by", "run")
    assert len(by_run.splitlines()) == 13
    assert "nan" not in by_run.lower()
    assert "None" not in by_run


def test_rescoring_gives_the_same_numbers_without_training(smoke: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(smoke, out)
    output("rescore", "smoke", "--all", "--out", out, "--only", "latent_dim == 2 and seed == 0")
    before, after = records(smoke), records(out)
    rewritten = [name for name in after if stamps(out)[str(out / "records" / f"{name}.json")] > max_stamp(smoke)]
    assert sorted(after[name].spec.label() for name in rewritten) == ["AE", "VAE β=1", "VAE β=4"]
    assert before.keys() == after.keys()
    for name in before:
        assert after[name].curve == before[name].curve
        expected = before[name].metrics
        numbers = {metric: value for metric, value in expected.items() if value is not None}
        again = after[name].metrics
        assert {metric for metric, value in again.items() if value is not None} == set(numbers)
        for metric, value in numbers.items():
            assert again[metric] == pytest.approx(value, rel=1e-4, abs=slack(metric)), metric


def slack(metric: str) -> float:
    """What a run's number alone may be off from that in company, beside (64 + 256) 5 u = 1e-4 of itself for its codes.

    An image that lies on a threshold may be counted or not: a few of 360. And among 18 validation images of a class a
    point's √(5 u) · 2 √2 = 1.5e-3 from itself counts by a seventeenth, over distances of 0.1 of the largest coordinate.
    """
    if METRICS[metric].unit in ("share", "0..1") or metric.endswith("density"):
        return 0.01
    return 1e-3 if metric.startswith("silhouette") else 1e-4


def max_stamp(folder: Path) -> int:
    return max(stamps(folder).values())


def test_the_report_is_one_page_beside_its_figures(smoke: Path, tmp_path: Path) -> None:
    shutil.copytree(smoke, tmp_path / "out")
    printed = output("report", "smoke", "--out", tmp_path / "out", "--figures", tmp_path / "figures")
    files = sorted((tmp_path / "figures").iterdir())
    assert {path.suffix for path in files} == {".svg", ".pdf", ".png"}
    assert all(path.stat().st_size > 300 for path in files)
    written = [path.name for path in files]
    page = tmp_path / "out" / "index.html"
    assert printed.splitlines() == [str(page), f"{len(written)} files in {tmp_path / 'figures'}"]
    assert "VAE β=4" in page.read_text(encoding="utf-8")
    assert "smoke-tensorflow-digits-bernoulli-elbo.pdf" in written
    assert any(name.startswith("smoke-tensorflow-throughput") for name in written)
    assert any("-reconstructions-vae-beta-4-" in name for name in written)
    assert any("-prior-samples-vae-beta-4-latent-size-4" in name for name in written)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("variants", ["ae", "vae", "beta=1.0"]),
        ("studies", [*study.names(), "120"]),
        ("datasets", ["digits", "mnist", "8x8x1", "28x28x1", "cifar10"]),
        ("metrics", list(METRICS)),
    ],
)
def test_lists(kind: str, told: list[str]) -> None:
    printed = output("list", kind)
    assert all(name in printed for name in told)


def test_data_status_lists_the_data_sets() -> None:
    assert output("data", "status") == output("list", "datasets")
