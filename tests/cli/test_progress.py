from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from aebench.cli.progress import TerminalWatcher
from aebench.harness.watching import Failure
from aebench.records.record import Curve, RunRecord

RECORD = RunRecord.model_validate_json(
    (Path(__file__).parent.parent / "records" / "frozen" / "run_record_v1.json").read_text()
)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=40)


def printed(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_every_run_has_one_line_however_narrow_the_console(console: Console) -> None:
    diverged = RECORD.model_copy(update={"outcome": "diverged", "curve": Curve(objective=(1.0, 2.0))})
    with TerminalWatcher(console, (RECORD.spec,) * 3) as watch:
        watch.finished(RECORD)
        watch.finished(diverged)
        watch.finished(Failure(spec=RECORD.spec, error="KeyError: [/x]", details=""))
    assert printed(console) == [
        f"[1/3] {RECORD.run_id}: ELBO -26.94 nats/image, 0.2 s",
        f"[2/3] {RECORD.run_id}: diverged in epoch 3",
        f"[3/3] {RECORD.run_id}: failed: KeyError: [/x]",
    ]
    assert watch.kept == 2
    assert [failure.error for failure in watch.failures] == ["KeyError: [/x]"]


def test_a_timing_that_crashed_is_told_and_is_no_run(console: Console) -> None:
    with TerminalWatcher(console, (), timings=1) as watch:
        watch.untimed(Failure(spec=RECORD.spec, error="timing at batch size 1024: MemoryError", details=""))
    assert printed(console) == [f"{RECORD.run_id}: failed: timing at batch size 1024: MemoryError"]
    assert (watch.kept, len(watch.failures)) == (0, 1)


def test_the_bar_counts_every_epoch_of_every_run_once() -> None:
    specs = tuple(RECORD.spec.model_copy(update={"seed": seed, "epochs": 5}) for seed in (1, 2))
    with TerminalWatcher(Console(file=io.StringIO(), force_terminal=True, width=200), specs) as watch:
        (bar, _) = watch._progress.tasks
        watch.epoch(specs, 1, (3.0, 4.0))
        assert "2 runs of VAE z=4 mlp-256 digits: 3.00 to 4.00 nats/image" in bar.fields["live"]
        watch.epoch(specs, 2, (3.0, 4.0))
        assert bar.completed == 4
        for epoch in (1, 2, 3):  # one by one, from the start: the two together had failed
            watch.epoch(specs[:1], epoch, (3.0,))
        assert bar.completed == 5
        for spec in specs:
            watch.finished(RECORD.model_copy(update={"spec": spec, "run_id": spec.run_id}))
        assert bar.completed == bar.total == 10


def test_workers_are_shown_with_those_that_died_and_with_failures(console: Console) -> None:
    with TerminalWatcher(console, (RECORD.spec,)) as watch:
        (bar, _) = watch._progress.tasks
        watch.workers(1, 0)
        assert bar.description == "training on 1 worker"
        watch.lost((RECORD.spec,), "process 12 was killed")
        watch.finished(Failure(spec=RECORD.spec, error="KeyError: x", details=""))
        watch.workers(3, 1)
        assert bar.description == "training on 3 workers, 1 lost, 1 failed"
    assert (
        printed(console)[0]
        == "a worker is lost, another goes on with VAE β=4 z=4 mlp-256 digits: process 12 was killed"
    )
