from __future__ import annotations

import io
import signal
from pathlib import Path

import pytest
from rich.console import Console

from suite.record import Curve, RunRecord
from suite.run import Failure
from suite.watch import Watch

RECORD = RunRecord.model_validate_json((Path(__file__).parent / "frozen" / "run_record_v1.json").read_text())


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=40)


def printed(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_every_run_has_one_line_however_narrow_the_console(console: Console) -> None:
    diverged = RECORD.model_copy(update={"outcome": "diverged", "curve": Curve(objective=(1.0, 2.0))})
    with Watch(console, (RECORD.spec,) * 3) as watch:
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
    with Watch(console, (), timings=1) as watch:
        watch.untimed(Failure(spec=RECORD.spec, error="timing at batch size 1024: MemoryError", details=""))
    assert printed(console) == [f"{RECORD.run_id}: failed: timing at batch size 1024: MemoryError"]
    assert (watch.kept, len(watch.failures)) == (0, 1)


@pytest.mark.parametrize("step", ["epoch", "finished"])
def test_an_interrupt_that_something_swallowed_is_heeded_at_the_next_step(console: Console, step: str) -> None:
    with Watch(console, (RECORD.spec,)) as watch:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            watch.epoch(RECORD.spec, 1, 1.0) if step == "epoch" else watch.finished(RECORD)
    assert watch.kept == (step == "finished")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_interrupt_stays_ignored(console: Console) -> None:
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Watch(console, ()):
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, former)
