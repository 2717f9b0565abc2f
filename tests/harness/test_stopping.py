"""Benches that are stopped, killed, or share a folder: nothing finished is lost, and nothing is done twice."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from benches import bench, measure_little, records, typed
from typer.testing import CliRunner, Result

from aebench.cli import benching, progress
from aebench.cli.app import app
from aebench.errors import UserError
from aebench.harness import pace, plan
from aebench.measures import scorer
from aebench.records.record import RunRecord
from aebench.records.store import Store
from aebench.study import read

REPO = Path(__file__).resolve().parent.parent.parent
# The command line but for most of what is measured, which takes longer than these studies.
UNTIMED = """
import sys
sys.path.append("tests")
import pytest
from aebench.cli import app
from benches import leave_out_speeds, measure_little
patch = pytest.MonkeyPatch()
leave_out_speeds(patch)
measure_little(patch)
app.main()
"""
# The same, which writes a checkpoint after each epoch, and in the one that it is told to waits to be killed.
WAITING = (
    """
import math, sys, time
from aebench.cli import benching, progress
from aebench.harness import pace, plan
pace.SHARE = math.inf
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
LONG = """
dataset = "plain"
network = "linear"
seeds = 2
epochs = 2
batch_size = 32
latent_dim = [2, 3, 4]
[[variant]]
name = "vae"
"""


@pytest.fixture(scope="module", autouse=True)
def plain(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Imports a small data set."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("plain") / "plain.npz"
    np.savez(
        path, **{f"x_{split}": rng.integers(0, 256, (n, 8, 8), np.uint8) for split, n in (("train", 80), ("test", 40))}
    )
    result = CliRunner().invoke(app, ["data", "import", "plain", str(path)])
    assert result.exit_code == 0, result.output


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    measure_little(monkeypatch)


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
        patch.setattr(pace, "SHARE", math.inf)  # a machine's speed does not decide when one is written
        return bench(study, out, "--checkpoint-every", "0")


def numbers(record: RunRecord) -> dict[str, Any]:
    """All that it says but for when, where and in what time."""
    told = record.model_dump(exclude={"training", "environment", "finished"})
    told["metrics"] = {name: value for name, value in told["metrics"].items() if not name.startswith("train_")}
    return told


def weights(out: Path, run: str) -> dict[str, bytes]:
    """All other measures would be of these."""
    with np.load(out / "artefacts" / run / "weights.npz") as arrays:
        return {name: arrays[name].tobytes() for name in arrays.files}


def test_a_stopped_bench_goes_on_where_it_was_and_ends_with_the_same_numbers(tmp_path: Path) -> None:
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
    assert "going on with 2 runs like VAE β=1 z=3 linear plain from a checkpoint" in ended.stdout
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
    assert {name: numbers(found[name]) for name in found} == {name: numbers(whole[name]) for name in whole}
    for name in whole:
        assert weights(out, name) == weights(tmp_path / "whole", name)
    assert {name: (out / "records" / f"{name}.json").stat().st_mtime_ns for name in first} == stamps
    assert list((out / "checkpoints").iterdir()) == []
    assert [path for path in out.rglob(".*") if path.is_file()] == []


def test_a_cohort_that_is_trained_is_measured_and_not_trained_again(tmp_path: Path) -> None:
    """Stopped while its runs were being kept: what was measured of those that are left is kept too."""
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scorer, "_measured", lambda family, context: pytest.fail(f"{family.name} is measured again"))
        ended = stopped(study, out, 2, lambda: epochs.append(2))
    assert (ended.exit_code, epochs, len(records(out))) == (0, [], 2), ended.output
    assert list((out / "checkpoints").iterdir()) == []
    for one in records(out).values():
        assert (one.training.cohort_size, len(one.curve.objective)) == (2, 2)


def test_what_was_measured_before_a_measure_crashed_is_not_measured_again(tmp_path: Path) -> None:
    study, out = tmp_path / "long.toml", tmp_path / "out"
    study.write_text(LONG.replace("[2, 3, 4]", "3"))
    measure, asked, crashing = scorer._measured, [], {"classes"}

    def measured(family: Any, context: Any) -> Any:
        asked.append(family.name)
        return 1 / 0 if family.name in crashing else measure(family, context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scorer, "_measured", measured)
        ended = bench(study, out)
        assert (ended.exit_code, len(records(out))) == (1, 0), ended.output
        assert asked == ["bound", "reconstruction", "classes"]
        crashing.clear()
        ended = bench(study, out)
    assert (ended.exit_code, len(records(out))) == (0, 2), ended.output
    assert asked[3:] == ["classes", "cost"]
    assert list((out / "checkpoints").iterdir()) == []


def test_a_rescoring_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was measured of a cohort is kept, and of records that were written none is measured again."""
    study, out = tmp_path / "long.toml", tmp_path / "out"
    study.write_text(LONG.replace("[2, 3, 4]", "[2, 3]"))
    assert bench(study, out).exit_code == 0
    whole = records(out)
    for name, record in whole.items():
        old = record.model_copy(update={"metric_versions": {}})
        (out / "records" / f"{name}.json").write_text(old.model_dump_json())
    rescoring = "rescore", study, "--out", out
    measure, asked = scorer._measured, []

    def measured(family: Any, context: Any) -> Any:
        asked.append(family.name)
        if asked == ["bound", "reconstruction", "classes", "cost", "bound", "reconstruction"]:
            signal.raise_signal(signal.SIGTERM)
        return measure(family, context)

    before = plan.plan(read(str(study)), keras.backend.backend(), Store(out))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scorer, "_measured", measured)
        ended = CliRunner().invoke(app, [*map(str, rescoring)])
        assert ended.exit_code == 75, ended.output
        assert "terminated: 2 of 4 runs were measured and are kept; run the same command again" in ended.stderr
        assert len(list((out / "checkpoints").iterdir())) == 1
        asked.clear()
        assert "2 of 4 finished runs to measure anew\n" in typed(*rescoring).stdout
        assert asked == ["reconstruction", "classes", "cost"]
        assert {name: numbers(found) for name, found in records(out).items()} == {
            name: numbers(found) for name, found in whole.items()
        }
        assert list((out / "checkpoints").iterdir()) == []

        asked.clear()
        assert "0 of 4 finished runs to measure anew; --all measures them" in typed(*rescoring).stdout
        assert benching.rescore(before, None, everything=False) == 0, "planned before, and waited for a lock until now"
        assert asked == []
        first, second, *_ = whole
        damaged = out / "artefacts" / first / "latents.npz"
        damaged.write_bytes(damaged.read_bytes()[:-9])
        (out / "artefacts" / second / "latents.npz").unlink()
        assert "2 of 4 finished runs to measure anew\n" in typed(*rescoring).stdout
    assert "0 of 4 finished runs to measure anew" in typed(*rescoring).stdout


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", ""])
def test_an_interval_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    study = tmp_path / "long.toml"
    study.write_text(LONG)
    result = bench(study, tmp_path / "out", "--checkpoint-every", text)
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
