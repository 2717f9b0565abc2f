"""Benches that do not go smoothly: crashes, divergence, odd data, interrupts. Without timings."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from aebench.cli import progress
from aebench.cli.app import app
from aebench.errors import UserError
from aebench.harness import plan, saving
from aebench.records.record import RunRecord

REPO = Path(__file__).resolve().parent.parent.parent
# The command line but for the measuring of speeds, which takes longer than these studies.
UNTIMED = "from aebench.cli import app; from aebench.harness import plan; plan.timing_specs = lambda *_: []; app.main()"
# The same, which writes a checkpoint after each epoch, and in the one that it is told to waits to be killed.
WAITING = (
    """
import math, sys, time
from aebench.cli import progress
from aebench.harness import saving
saving.SHARE = math.inf
sys.argv += ["--checkpoint-every", "0"]
last, told = int(sys.stdin.readline()), progress.TerminalWatcher.epoch
def watch(self, specs, now, objectives):
    told(self, specs, now, objectives)
    if now == last:
        print("there", flush=True)
        time.sleep(3600)
progress.TerminalWatcher.epoch = watch
"""
    + UNTIMED
)
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


def bench(study: Path, out: Path, *options: str) -> Result:
    """What `bench` says and does, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "timing_specs", lambda *_: [])
        return CliRunner().invoke(app, ["bench", str(study), "--out", str(out), *options])


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

    def __init__(self, study: Path, out: Path, code: str = UNTIMED) -> None:
        command = [sys.executable, "-c", code, "bench", str(study), "--out", str(out)]
        self.process = subprocess.Popen(
            command,
            cwd=REPO,
            env=dict(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def killed(self, epoch: int) -> int:
        """Kills it when it has got to that epoch of a cohort, where it waits; returns its status."""
        assert self.process.stdout
        assert self.process.stdin
        self.process.stdin.write(f"{epoch}\n")
        self.process.stdin.flush()
        assert "there\n" in iter(self.process.stdout.readline, ""), self.process.communicate()[1]
        self.process.kill()
        return self.process.wait(60)


def stopped(study: Path, out: Path, epoch: int, how: Callable[[], object]) -> Result:
    """What `bench` says and does, in this process, if something happens in an epoch of its second cohort."""
    told = progress.TerminalWatcher.epoch

    def watch(self: Any, specs: Any, now: int, objectives: Any) -> None:
        told(self, specs, now, objectives)
        if (now, specs[0].latent_dim) == (epoch, 3):
            how()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress.TerminalWatcher, "epoch", watch)
        patch.setattr(saving, "SHARE", math.inf)  # a machine's speed does not decide when one is written
        return bench(study, out, "--checkpoint-every", "0")


def numbers(record: RunRecord) -> dict[str, float | None]:
    """Its metrics, but for those of time, and its curve by name and epoch.

    To be compared up to rounding: processes that have compiled other programs before may differ in a float's last bit,
    and one of the benches has a process of its own. `test_resuming` compares bits.
    """
    told = record.model_dump()
    curve = {
        f"{name} {epoch}": value
        for name, values in told["curve"].items()
        if isinstance(values, tuple)
        for epoch, value in enumerate(values)
    }
    return {**{name: value for name, value in told["metrics"].items() if not name.startswith("train_")}, **curve}


def test_a_stopped_bench_goes_on_where_it_was_and_ends_with_the_same_numbers(folder: Path, tmp_path: Path) -> None:
    study, out = tmp_path / "long.toml", tmp_path / "out"
    study.write_text(LONG.replace("epochs = 2", "epochs = 12").replace("[2, 3, 4]", "[2, 3]"))
    assert bench(study, tmp_path / "whole", "--checkpoint-every", "never").exit_code == 0

    ended = stopped(study, out, 5, lambda: signal.raise_signal(signal.SIGTERM))
    assert ended.exit_code == 75, ended.output
    assert "terminated: 2 of 4 missing runs were finished and are kept; run the same command again" in ended.stderr
    first = records(out)
    (checkpoint,) = (out / "checkpoints").iterdir()
    stamps = {name: (out / "records" / f"{name}.json").stat().st_mtime_ns for name in first}

    ended = stopped(study, out, 7, lambda: signal.raise_signal(signal.SIGINT))
    assert ended.exit_code == 130, ended.output
    assert "going on with 2 runs like VAE β=1 z=3 linear unlabelled from a checkpoint" in ended.stdout
    assert "interrupted: 0 of 2 missing runs were finished and are kept" in ended.stderr
    before = checkpoint.read_bytes()

    assert Bench(study, out, WAITING).killed(9) == -signal.SIGKILL
    assert checkpoint.read_bytes() != before, "the epoch before is in it"
    assert records(out) == first
    (out / "records" / f".{sorted(records(tmp_path / 'whole').keys() - first)[0]}.json.x").touch()  # of a killed write

    epochs: list[int] = []
    ended = stopped(study, out, 9, lambda: epochs.append(9))
    assert (ended.exit_code, epochs) == (0, [9]), ended.output
    assert "4 runs, 2 finished, 2 to train" in ended.stdout
    found, whole = records(out), records(tmp_path / "whole")
    assert found.keys() == whole.keys()
    for name, record in found.items():
        assert numbers(record) == pytest.approx(numbers(whole[name]), rel=1e-4, abs=1e-6)
    assert {name: (out / "records" / f"{name}.json").stat().st_mtime_ns for name in first} == stamps
    assert list((out / "checkpoints").iterdir()) == []
    assert [path for path in out.rglob(".*") if path.is_file()] == []


def test_a_cohort_that_is_trained_is_measured_and_not_trained_again(folder: Path, tmp_path: Path) -> None:
    """Stopped while its runs were being kept: those that are left are measured among the others, as they would be."""
    study, out = tmp_path / "long.toml", tmp_path / "out"
    study.write_text(LONG.replace("[2, 3, 4]", "3"))
    kept = progress.TerminalWatcher.finished

    def watch(self: Any, outcome: Any) -> None:
        kept(self, outcome)
        signal.raise_signal(signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress.TerminalWatcher, "finished", watch)
        assert stopped(study, out, 0, list).exit_code == 75
    assert len(records(out)) == 1
    epochs: list[int] = []
    ended = stopped(study, out, 2, lambda: epochs.append(2))
    assert (ended.exit_code, epochs, len(records(out))) == (0, [], 2), ended.output
    assert list((out / "checkpoints").iterdir()) == []
    for one in records(out).values():
        assert (one.training.cohort_size, len(one.curve.objective)) == (2, 2)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", ""])
def test_an_interval_that_is_none_is_refused(folder: Path, tmp_path: Path, text: str) -> None:
    result = bench(folder / "mixed.toml", tmp_path, "--checkpoint-every", text)
    assert isinstance(result.exception, UserError)
    assert f"--checkpoint-every takes seconds, 0 or more, or never, and got {text!r}" in str(result.exception)


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
