"""Benches that do not go smoothly: crashes, divergence, odd data, interrupts. Without timings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from aebench.cli.app import app
from aebench.harness import plan
from aebench.records.record import RunRecord

REPO = Path(__file__).resolve().parent.parent.parent
# The command line but for the measuring of speeds, which takes longer than these studies.
UNTIMED = "from aebench.cli import app; from aebench.harness import plan; plan.timing_specs = lambda *_: []; app.main()"
OWN = '''
"""A user's own variants."""

from aebench.models.base import Autoencoder, Terms, register


@register("scaled", version=2)
class Scaled(Autoencoder):
    """Distortion times a weight."""

    def __init__(self, latent_dim, *, weight: float = 1.0, **options):
        super().__init__(latent_dim, **options)
        self.weight = self.scalar("weight", weight)

    def terms(self, images, training=False):
        terms = super().terms(images, training=training)
        return Terms(objective=self.weight * terms.distortion, distortion=terms.distortion)


@register("broken", version=1)
class Broken(Autoencoder):
    """Raises."""

    def terms(self, images, training=False):
        raise RuntimeError("no terms [/today]\\nand more")
'''
MIXED = """
title = "A [/study] of everything"
dataset = "digits"
network = "linear"
seeds = 2
epochs = 2
batch_size = 32
latent_dim = 2

[[variant]]
name = "broken"
file = "own.py"

[[variant]]
name = "scaled"
file = "own.py"
weight = 0.5

[[variant]]
name = "vae"
learning_rate = 1e30

[[variant]]
name = "vae"
dataset = "unlabelled"
network = "mlp-256"

[[variant]]
name = "ae"
dataset = "colours"
network = "conv"
likelihood = "gaussian"
"""
LONG = """
dataset = "unlabelled"
network = "linear"
seeds = 2
epochs = 2
batch_size = 32
latent_dim = [2, 3, 4]
[[variant]]
name = "vae"
"""


def records(out: Path) -> dict[str, RunRecord]:
    return {
        path.stem: RunRecord.model_validate_json(path.read_text()) for path in sorted((out / "records").glob("*.json"))
    }


def of_variant(out: Path, variant: str, dataset: str = "digits") -> list[RunRecord]:
    return [item for item in records(out).values() if (item.spec.variant, item.spec.dataset) == (variant, dataset)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds mixed.toml with its variants, and two small data sets, which are imported."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "own.py").write_text(OWN)
    (folder / "mixed.toml").write_text(MIXED)
    rng = np.random.default_rng(0)
    for name, shape in {"unlabelled": (8, 8), "colours": (6, 7, 3)}.items():
        arrays = {
            f"x_{split}": rng.integers(0, 256, (n, *shape), np.uint8) for split, n in (("train", 80), ("test", 40))
        }
        labels = {f"y_{split}": np.arange(n) % 3 for split, n in (("train", 80), ("test", 40))}
        np.savez(folder / f"{name}.npz", **arrays, **(labels if name == "colours" else {}))
        result = CliRunner().invoke(app, ["data", "import", name, str(folder / f"{name}.npz")])
        assert result.exit_code == 0, result.output
    return folder


def bench(study: Path, out: Path) -> Result:
    """What `bench` says and does, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "timing_specs", lambda *_: [])
        return CliRunner().invoke(app, ["bench", str(study), "--out", str(out)])


@pytest.fixture(scope="module")
def mixed(folder: Path) -> Result:
    """What `bench` said about mixed.toml; its records are in the folder `out`."""
    return bench(folder / "mixed.toml", folder / "out")


def test_a_crash_is_told_and_kept_and_stops_nothing(mixed: Result, folder: Path) -> None:
    assert mixed.exit_code == 1, mixed.output
    assert "[1/10] broken-z2-" in mixed.stdout
    assert ": failed: RuntimeError: no terms [/today]\n" in mixed.stdout
    kept = sorted((folder / "out" / "failures").iterdir())
    assert len(kept) == 2
    for path in kept:
        assert "Traceback" in path.read_text()
        assert "no terms [/today]" in path.read_text()
        assert f"failed: {path.stem}: RuntimeError: no terms [/today] (see {path})" in mixed.stderr
    assert of_variant(folder / "out", "broken") == []
    assert len(records(folder / "out")) == 8


def test_a_crashed_run_is_tried_again_and_the_others_are_not(mixed: Result, folder: Path) -> None:
    result = CliRunner().invoke(app, ["bench", str(folder / "mixed.toml"), "--out", str(folder / "out"), "--dry-run"])
    assert "10 runs, 8 finished, 2 to train" in result.stdout
    assert [line.split("-")[0] for line in result.stdout.splitlines()[1:]] == ["broken", "broken"]


def test_a_users_own_variant_is_run(mixed: Result, folder: Path) -> None:
    found = of_variant(folder / "out", "scaled")
    assert [item.spec.scalars for item in found] == [{"weight": 0.5}] * 2
    assert {item.spec.variant_version for item in found} == {2}
    for item in found:
        halves = [value / 2 for value in item.curve.val_distortion]
        assert item.curve.val_objective == pytest.approx(halves, rel=1e-4)


def test_a_diverged_run_is_told_and_left_out(mixed: Result, folder: Path) -> None:
    found = of_variant(folder / "out", "vae")
    assert [item.outcome for item in found] == ["diverged"] * 2
    assert all(item.metrics.get("elbo_nats") is None for item in found)
    assert mixed.stdout.count("diverged in epoch ") == 2
    assert "0 of 2" in mixed.stdout
    assert "warning: 2 of 8 finished runs diverged and are left out of the means; --retry-diverged" in mixed.stderr
    command = ["bench", str(folder / "mixed.toml"), "--out", str(folder / "out"), "--only", "variant == 'vae'"]
    assert "4 runs, 4 finished, 0 to train" in CliRunner().invoke(app, [*command, "--dry-run"]).stdout
    again = CliRunner().invoke(app, [*command, "--dry-run", "--retry-diverged"]).stdout
    assert "4 runs, 2 finished, 2 to train" in again


def test_images_without_labels_have_no_class_measures(mixed: Result, folder: Path) -> None:
    found = of_variant(folder / "out", "vae", "unlabelled")
    assert [item.outcome for item in found] == ["ok"] * 2
    for item in found:
        numbers = item.metrics
        assert {name: numbers[name] for name in numbers if name.startswith("silhouette")} == dict.fromkeys(
            [name for name in numbers if name.startswith("silhouette")]
        )
        assert numbers["elbo_nats"] is not None
        assert numbers["active_units"] is not None
    line = next(line for line in mixed.stdout.splitlines() if line.strip().startswith("VAE β=1 unlabelled"))
    assert "n/a" in line


def test_images_of_any_shape_and_colour_run(mixed: Result, folder: Path) -> None:
    found = of_variant(folder / "out", "ae", "colours")
    assert [item.outcome for item in found] == ["ok"] * 2
    for item in found:
        assert item.spec.network == "conv"
        assert item.metrics.get("silhouette") is not None
        assert item.metrics.get("recon_mse") > 0
    with np.load(folder / "out" / "artefacts" / found[0].run_id / "figures.npz") as figures:
        assert figures["originals"].shape == (10, 6, 7, 3)


def test_a_title_is_taken_as_it_is_written(mixed: Result) -> None:
    assert "A [/study] of everything: mean ± sd over seeds" in mixed.stdout


def test_tables_tell_what_is_missing(mixed: Result, folder: Path) -> None:
    command = ["table", str(folder / "mixed.toml"), "--out", str(folder / "out"), "--format", "json"]
    rows = {(row["variant"], row["dataset"]): row for row in json.loads(CliRunner().invoke(app, command).stdout)}
    counts = {key: (row["planned"], row["finished"], row["diverged"], row["recon_mse_n"]) for key, row in rows.items()}
    assert counts == {
        ("broken", "digits"): (2, 0, 0, 0),
        ("scaled", "digits"): (2, 2, 0, 2),
        ("vae", "digits"): (2, 2, 2, 0),
        ("vae", "unlabelled"): (2, 2, 0, 2),
        ("ae", "colours"): (2, 2, 0, 2),
    }


class Bench:
    """A bench in a process of its own, to be stopped on the way."""

    def __init__(self, study: Path, out: Path) -> None:
        self.records = out / "records"
        command = [sys.executable, "-c", UNTIMED, "bench", str(study), "--out", str(out)]
        self.process = subprocess.Popen(
            command, cwd=REPO, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def stop(self, after: int, how: signal.Signals) -> tuple[int, str]:
        """Sends a signal as soon as that many runs are finished; returns status and what it said on stderr."""
        end = time.monotonic() + 300
        while len(list(self.records.glob("*.json"))) < after:
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < end
            time.sleep(0.01)
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


def test_an_interrupted_bench_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    study, out = tmp_path / "long.toml", tmp_path / "out"
    study.write_text(LONG)

    status, errors = Bench(study, out).stop(2, signal.SIGINT)
    assert status == 130, errors
    assert "Traceback" not in errors
    first = records(out)
    assert 2 <= len(first) < 6
    assert len(first) % 2 == 0, "a cohort that is trained is kept whole"
    assert f"interrupted: {len(first)} of 6 missing runs were finished and are kept" in errors

    stamps = {name: (out / "records" / f"{name}.json").stat().st_mtime_ns for name in first}
    status, _ = Bench(study, out).stop(len(first) + 2, signal.SIGKILL)
    assert status == -signal.SIGKILL
    second = records(out)  # every file is a whole record
    assert len(first) + 2 <= len(second) < 6

    result = bench(study, out)
    assert result.exit_code == 0, result.output
    assert f"6 runs, {len(second)} finished, {6 - len(second)} to train" in result.stdout
    third = records(out)
    assert len(third) == 6
    assert {name: third[name] for name in second} == second
    assert {name: (out / "records" / f"{name}.json").stat().st_mtime_ns for name in first} == stamps
    for name in third:
        assert (out / "artefacts" / name / "weights.npz").exists()


def test_two_benches_on_one_folder_share_the_work(tmp_path: Path) -> None:
    """Each run is trained by one of them; both end with the whole study."""
    study, out = tmp_path / "long.toml", tmp_path / "out"
    study.write_text(LONG)
    benches = [Bench(study, out) for _ in range(2)]
    told = [bench.process.communicate(timeout=300) for bench in benches]
    assert [bench.process.returncode for bench in benches] == [0, 0], told
    trained = [re.findall(r"\] (\S+): (?:ELBO|distortion)", stdout) for stdout, _ in told]
    assert sorted(trained[0] + trained[1]) == sorted(records(out))
    elsewhere = [sum(map(int, re.findall(r"\] (\d+) of .* done by another bench", stdout))) for stdout, _ in told]
    assert [len(own) + others for own, others in zip(trained, elsewhere, strict=True)] == [len(records(out))] * 2
    assert {path.suffix for path in (out / "locks").iterdir()} == {".lock"}
