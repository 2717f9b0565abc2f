"""What is done of a plan, in which order, and what happens where something fails or somebody else is at it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from plans import planned, record

from aebench.errors import UserError
from aebench.harness import execute
from aebench.harness.plan import Plan
from aebench.records.record import RunRecord
from aebench.records.spec import RunSpec, TimingSpec
from aebench.records.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@dataclass
class Told:
    """A watcher that remembers."""

    events: list[str] = field(default_factory=list)

    def cohort(self, specs: tuple[RunSpec, ...]) -> None:
        self.events.append(f"cohort of {len(specs)}")

    def resumed(self, specs: Sequence[RunSpec]) -> None:
        self.events.append(f"resumed {len(specs)}")

    def epoch(self, specs: Sequence[RunSpec], epoch: int, objectives: Sequence[float]) -> None:
        self.events.append("epoch")

    def finished(self, outcome: Any) -> None:
        self.events.append("finished" if isinstance(outcome, RunRecord) else f"failed: {outcome.error}")

    def waiting(self, specs: tuple[RunSpec, ...], holder: str) -> None:
        self.events.append(f"waiting for {len(specs)}")

    def waiting_for_speeds(self, holder: str) -> None:
        self.events.append("waiting for speeds")

    def elsewhere(self, specs: Sequence[RunSpec]) -> None:
        self.events.extend(["elsewhere"] * len(specs))

    def timing(self, spec: TimingSpec) -> None:
        self.events.append(f"timing at {spec.batch_size}")

    def untimed(self, failure: Any) -> None:
        self.events.append(f"untimed: {failure.error}")


@dataclass
class Crashed:
    spec: RunSpec
    error: str = "ValueError: no"


@dataclass
class Cohort:
    """Stands in for a cohort: trains at once; AE crashes, and every batch of 1024 is too large."""

    specs: tuple[RunSpec, ...]
    own_code: tuple[Path, ...] = ()

    def train(self, engine: str, progress: Any, saving: Any) -> Iterator[Any]:
        for spec in self.specs:
            yield Crashed(spec) if spec.variant == "ae" else record(spec)


class Timer:
    def time(self, timing: TimingSpec) -> None:
        if timing.batch_size == 1024:
            raise MemoryError("1024 images\nare too many")


def timer(todo: Plan, spec: RunSpec) -> Timer:
    return Timer()


def by_cohort(todo: Plan, specs: tuple[RunSpec, ...]) -> list[Cohort]:
    groups: dict[str, list[RunSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.cohort, []).append(spec)
    return [Cohort(tuple(group)) for group in groups.values()]


def test_crashes_stop_neither_runs_nor_timings(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "cohorts", by_cohort)
    monkeypatch.setattr(execute, "_timer", timer)
    told = Told()
    execute.execute(planned(store, only="latent_dim == 2"), told)
    assert told.events == [
        "cohort of 2",
        *["failed: ValueError: no"] * 2,
        "cohort of 4",
        *["finished"] * 4,
        "timing at 1",  # of the VAE alone: the AE's program crashed
        "timing at 128",
        "timing at 1024",
        "untimed: timing at batch size 1024: MemoryError: 1024 images",
        "timing at 8192",
    ]


@dataclass
class Waiting(Told):
    """Another bench ends its work when it is waited for."""

    end: Callable[[tuple[RunSpec, ...]], None] = lambda specs: None

    def waiting(self, specs: tuple[RunSpec, ...], holder: str) -> None:
        super().waiting(specs, holder)
        self.end(specs)


@pytest.mark.parametrize("ended", ["done", "killed"])
def test_what_another_bench_is_at_comes_last_and_is_done_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    monkeypatch.setattr(execute, "cohorts", by_cohort)
    monkeypatch.setattr(execute, "_timer", timer)
    todo = planned(store, only="latent_dim == 2")
    first = tuple(spec for spec in todo.missing if spec.cohort == todo.missing[0].cohort)
    code = "import sys; from pathlib import Path; from aebench.records.locks import Locks\n"
    code += "with Locks(Path(sys.argv[1])).taken(sys.argv[2]): print(flush=True), sys.stdin.readline()"
    command = [sys.executable, "-c", code, str(store.locks.folder), first[0].cohort_name]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    other.stdout.readline()

    def end(specs: tuple[RunSpec, ...]) -> None:
        assert specs == first
        if ended == "done":
            for spec in specs:
                store.write_record(record(spec))
        other.kill()
        other.communicate()

    told = Waiting(end=end)
    execute.execute(todo, told)
    again = {"done": ["elsewhere"] * 2, "killed": ["cohort of 2", *["failed: ValueError: no"] * 2]}
    expected = ["cohort of 4", *["finished"] * 4, "waiting for 2", *again[ended]]
    assert told.events[: len(expected)] == expected


def test_a_store_that_cannot_be_written_to_stops_everything(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Cohort, engine: str, progress: Any, saving: Any) -> Iterator[Any]:
        raise UserError("cannot write")
        yield

    monkeypatch.setattr(execute, "cohorts", by_cohort)
    monkeypatch.setattr(execute, "_timer", timer)
    monkeypatch.setattr(Cohort, "train", refuse)
    with pytest.raises(UserError, match="cannot write"):
        execute.execute(planned(store), Told())


def test_cohorts_are_the_same_however_much_is_missing(store: Store) -> None:
    todo = planned(store)
    sizes = [(cohort.specs[0].variant, len(cohort.specs)) for cohort in execute.cohorts(todo, todo.grid)]
    assert sizes == [("ae", 2), ("ae", 2), ("vae", 4), ("vae", 4)]
    for cohort in execute.cohorts(todo, todo.grid[3:]):
        assert {spec.cohort for spec in cohort.specs} == {cohort.specs[0].cohort}
