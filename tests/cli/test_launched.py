"""Benches whose cohorts are trained by workers, which are killed on the way: the same runs as in one process."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benches import bench, records
from typer.testing import CliRunner

from aebench.cli import places
from aebench.cli.app import app
from aebench.errors import UserError
from aebench.harness.launchers.tasks import Job, Task
from aebench.harness.launchers.worker import Worker
from aebench.records.record import RunRecord

REPO = Path(__file__).resolve().parent.parent.parent
LIMIT = 300.0  # seconds for anything that is waited for
UNTIMED = "from aebench.cli import app; from aebench.harness import plan; plan.timing_specs = lambda *_: []; app.main()"
# Two cohorts of a variant and a network of its own. Long enough to be caught in training.
STUDY = """
dataset = "plain"
network = "flat"
seeds = 2
epochs = 3000
batch_size = 32
latent_dim = [2, 3]
[measure]
nll_budget = 64
[[own_network]]
name = "flat"
file = "flat.py"
[[variant]]
name = "half-vae"
file = "half_vae.py"
"""
NETWORK = """
from keras import Sequential, layers
from aebench.models import register_network

@register_network("flat", version=1)
def flat(image_shape, latent_dim, seed):
    print("what a study's own code prints does not disturb anybody")
    encoder = Sequential([layers.Flatten(), layers.Dense(8, kernel_initializer=initial(seed))])
    return encoder, Sequential([layers.Dense(64, kernel_initializer=initial(seed + 1)), layers.Reshape(image_shape)])

def initial(seed):
    from keras import initializers

    return initializers.GlorotUniform(seed)
"""
VARIANT = """
from aebench.models import VAE, register

@register("half-vae", version=1)
class HalfVAE(VAE):
    '''VAE of half the rate.'''

    def __init__(self, latent_dim, **options):
        super().__init__(latent_dim, **{**options, "beta": 0.5})
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that brings its own code, of a small data set."""
    folder = tmp_path_factory.mktemp("launched")
    rng = np.random.default_rng(0)
    images = {f"x_{split}": rng.integers(0, 256, (n, 8, 8), np.uint8) for split, n in (("train", 80), ("test", 40))}
    np.savez(folder / "plain.npz", **images)
    result = CliRunner().invoke(app, ["data", "import", "plain", str(folder / "plain.npz")])
    assert result.exit_code == 0, result.output
    for name, text in (("own.toml", STUDY), ("flat.py", NETWORK), ("half_vae.py", VARIANT)):
        (folder / name).write_text(text)
    return folder / "own.toml"


@pytest.fixture(scope="module")
def alone(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of it, without a stop."""
    out = tmp_path_factory.mktemp("alone")
    result = bench(study, out, "--checkpoint-every", "never")
    assert result.exit_code == 0, result.output
    return out


def waited_for(what: Callable[[], Any]) -> Any:
    """What it returns as soon as that is something."""
    end = time.monotonic() + LIMIT
    while not (found := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


class Launched:
    """A bench in a process of its own, and what it said in a file."""

    def __init__(self, study: Path, out: Path, *options: str) -> None:
        self.out, self.said = out, out.with_suffix(".log")
        command = [sys.executable, "-c", UNTIMED, "bench", str(study), "--out", str(out), "--checkpoint-every", "0"]
        with self.said.open("w") as file:
            self.process = subprocess.Popen(
                [*command, *options], cwd=REPO, env=dict(os.environ), stdout=file, stderr=file
            )

    def training(self) -> list[int]:
        """The processes that are at cohorts with a checkpoint; waits for one."""
        found = waited_for(lambda: self._saved() or self.process.poll() is not None)
        assert found is not True, self.said.read_text()
        return list(found)

    def _saved(self) -> list[int]:
        cohorts = [path.stem.rpartition("-")[0] for path in (self.out / "checkpoints").glob("*.npz")]
        holders = [self.out / "locks" / f"{cohort}.holder" for cohort in cohorts]
        found = []
        for path in holders:
            with suppress(FileNotFoundError):  # the cohort may be done by now, or its holder be being written
                found += re.findall(r"^process (\d+) ", path.read_text())
        return [*map(int, found)]

    def says(self, text: str) -> None:
        """Waits until it has said something."""
        waited_for(lambda: text in self.said.read_text() or self.process.poll() is not None)
        assert text in self.said.read_text()

    def ended(self) -> int:
        return self.process.wait(LIMIT)


@contextmanager
def running(*command: str, **options: Any) -> Iterator[subprocess.Popen[Any]]:
    process = subprocess.Popen([sys.executable, "-m", *command], stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def is_there(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def numbers(record: RunRecord) -> dict[str, Any]:
    """All that it says but for when, where and in what time."""
    told = record.model_dump(exclude={"training", "environment", "finished"})
    told["metrics"] = {name: value for name, value in told["metrics"].items() if not name.startswith("train_")}
    return told


def assert_the_same(out: Path, alone: Path, runs: int = 4) -> None:
    found, whole = records(out), records(alone)
    assert len(found) == runs
    assert {name: numbers(found[name]) for name in found} == {name: numbers(whole[name]) for name in found}
    for path in (path for name in found for path in sorted((alone / "artefacts" / name).glob("*.npz"))):
        with np.load(path) as one, np.load(out / path.relative_to(alone)) as two:
            assert {name: one[name].tobytes() for name in one.files} == {n: two[n].tobytes() for n in two.files}, path
    assert list((out / "checkpoints").iterdir()) == []
    assert {path.suffix for path in (out / "locks").iterdir()} == {".lock"}
    assert [path for path in out.rglob(".*") if path.is_file()] == []


def test_local_workers_are_killed_and_stopped_and_end_with_the_same_runs(
    study: Path, alone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = Launched(study, out, "--workers", "2")
    killed = first.training()[0]
    os.kill(killed, signal.SIGKILL)
    first.says("from a checkpoint")
    working = first.training()
    first.process.send_signal(signal.SIGINT)
    assert first.ended() == 130, first.said.read_text()
    said = first.said.read_text()
    assert "a worker is lost, another goes on with 2 runs like " in said
    assert f"process {killed} was killed (SIGKILL" in said
    assert "interrupted: writing a checkpoint at the end of this epoch" in said
    assert not any(map(is_there, [killed, *working]))
    assert {path.suffix for path in (out / "locks").iterdir()} == {".lock"}
    assert any((out / "checkpoints").glob("*.npz"))

    second = Launched(study, out, "--workers", "1")
    assert second.ended() == 0, second.said.read_text()
    assert "from a checkpoint" in second.said.read_text()
    assert_the_same(out, alone)


def test_a_worker_ends_with_whoever_started_it() -> None:
    ended: queue.SimpleQueue[None] = queue.SimpleQueue()
    worker = Worker(lambda _, message: ended.put(message))
    assert worker.process.poll() is None
    assert worker.process.stdin is not None
    worker.process.stdin.close()  # as the system does when a process ends
    assert ended.get(timeout=LIMIT) is None
    assert worker.process.wait() == 0


def test_a_dask_worker_is_killed_and_the_runs_are_the_same(study: Path, alone: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    out, port = tmp_path / "out", free_port()
    address, quiet = f"tcp://127.0.0.1:{port}", {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(REPO)}}
    scheduler = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    worker = ("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
    with running(*scheduler, **quiet), running(*worker, **quiet) as one, running(*worker, **quiet) as two:
        bench = Launched(study, out, "--scheduler", address, "--only", "latent_dim == 2")
        held = bench.training()
        parents = {pid: int(Path(f"/proc/{pid}/stat").read_text().split()[3]) for pid in held}
        assert set(parents.values()) <= {one.pid, two.pid}
        os.kill(parents[held[0]], signal.SIGKILL)
        assert bench.ended() == 0, bench.said.read_text()
    assert "going on with 2 runs" in bench.said.read_text()
    assert_the_same(out, alone, runs=2)


def test_a_dask_scheduler_that_goes_away_is_told_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    from aebench.harness.launchers.dask import Dask

    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    command = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    job = Job(study="smoke", backend="tensorflow", root=str(tmp_path), engine="auto", interval=None)
    with running(*command, cwd=tmp_path) as scheduler, Dask(job, address) as place:
        place.submit([Task(cohort="one", runs={})])
        ((cohort, message),) = waited_for(lambda: [*place.heard()])
        assert (cohort, message["kind"]) == ("one", "warning")
        assert message["line"].startswith(f"the Dask scheduler has no workers; start some: dask worker {address} ")
        scheduler.kill()
        with pytest.raises(
            UserError, match=f"^lost the Dask scheduler at {address}; what is finished or in a .* again"
        ):
            waited_for(lambda: [*place.heard()])
    with pytest.raises(UserError, match=f"^no Dask scheduler answers at {address} "):
        Dask(job, address)


def free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def slurm_is_here() -> bool:
    if shutil.which("sbatch") is None:
        return False
    return subprocess.run(["sinfo"], capture_output=True, timeout=30, check=False).returncode == 0


@pytest.mark.skipif(not slurm_is_here(), reason="needs Slurm: sbatch, and a controller that answers")
def test_a_slurm_task_is_cancelled_and_the_runs_are_the_same(study: Path, alone: Path, tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    out = tmp_path / "out"
    bench = Launched(study, out, "--slurm", "time=20 mem=2000MB cpus-per-task=1")
    bench.training()
    (script,) = (out / "slurm").glob("*/*_submission.sh")
    subprocess.run(["scancel", f"{script.name.partition('_')[0]}_0"], check=True)
    assert bench.ended() == 0, bench.said.read_text()
    assert not (out / "slurm").exists()
    assert_the_same(out, alone)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--workers", "2", "--slurm", "time=5"], "--workers and --slurm are different places to train at; give one"),
        (["--split-cores"], "--split-cores divides the cores among --workers; give their number too"),
        (["--slurm", "partition"], "--slurm takes KEY=VALUE, such as 'partition=gpu time=60', and got 'partition'"),
        (["--slurm", "time=1:00"], "--slurm: time is in whole minutes, as time=60, and was '1:00'"),
    ],
)
def test_places_that_are_none_are_refused(options: list[str], told: str, tmp_path: Path) -> None:
    result = bench(Path("smoke"), tmp_path, *options)
    assert isinstance(result.exception, UserError)
    assert told in str(result.exception)


def test_handlers_of_logging_are_left_open(python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """submitit's own logging would close them, and TensorFlow's closes its stream unless that is `sys.stderr`."""
    code = (
        "import io, sys; told = sys.stderr = io.StringIO(); from absl import logging; logging.use_absl_handler();"
        "sys.stderr = io.StringIO(); from aebench.harness.launchers.slurm import parameters; parameters('time=5');"
        "print('closed' if told.closed else 'open')"
    )
    assert python("-c", code).stdout == "open\n"


def test_no_worker_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="workers is a number of processes, 1 or more, and was 0"):
        places.asked(workers=0, scheduler=None, slurm=None)


@pytest.mark.parametrize(
    ("package", "given"), [("distributed", {"scheduler": "tcp://127.0.0.1:1"}), ("submitit", {"slurm": "time=5"})]
)
def test_a_missing_extra_is_told_with_what_to_install(
    package: str, given: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, "submitit.slurm.slurm", None)
    asked = places.asked(workers=None, **{"scheduler": None, "slurm": None, **given})
    assert asked is not None
    job = Job(study="smoke", backend="tensorflow", root=str(tmp_path), engine="auto", interval=None)
    with pytest.raises(UserError, match=r"needs \w+; run: pip install 'aebench\[(dask|slurm)\]'"):
        asked.open(job)
