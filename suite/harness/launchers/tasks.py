"""What a bench tells a worker, and what the worker tells it. Imports no Keras."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aebench.harness.watching import Failure, Watcher
from aebench.records.record import RunRecord
from aebench.records.spec import Frozen, RunSpec, TimingSpec

Message = dict[str, Any]  # plain data with its `kind`, so that it goes through pipes, files and networks
Tell = Callable[[Message], None]

DONE: Final = "done"  # each run has a record or has crashed
BUSY: Final = "busy"  # another bench on the same folder is at the cohort
LEFT: Final = "left"  # the worker was asked to stop; what it trained is written aside
REFUSED: Final = "refused"  # bad input, told in one line: nobody else will do better
LOST: Final = "lost"  # the worker has ended without a word; a place says so in its stead
ENDS: Final = frozenset({DONE, BUSY, LEFT, REFUSED, LOST})


class Job(Frozen):
    """What all tasks of a bench share.

    Attributes:
        study: name of a study of the suite, or absolute path of the TOML file.
        backend: the Keras backend that trains.
        root: the store's folder, absolute; workers see it under the same path.
        engine: as `aebench.harness.engine.choice.EngineOption`.
        interval: seconds between two checkpoints; `None` for never.
    """

    study: str
    backend: str
    root: str
    engine: str
    interval: float | None


class Task(Frozen):
    """A cohort to be done.

    Attributes:
        cohort: its name.
        runs: ids of those to be done, each with the time at which the record that it replaces was made, if it has one.
        wait: whether to wait for another bench that is at it.
    """

    cohort: str
    runs: dict[str, str | None]
    wait: bool = False


@dataclass(frozen=True)
class Teller:
    """A `Watcher` that turns what it is told into messages."""

    tell: Tell

    def cohort(self, specs: tuple[RunSpec, ...]) -> None:
        """These runs come next, as one cohort."""
        self.tell({"kind": "cohort", "runs": _ids(specs)})

    def resumed(self, specs: Sequence[RunSpec]) -> None:
        """Runs that are trained together go on from their checkpoint."""
        self.tell({"kind": "resumed", "runs": _ids(specs)})

    def epoch(self, specs: Sequence[RunSpec], epoch: int, objectives: Sequence[float]) -> None:
        """Runs that go side by side have finished an epoch."""
        self.tell({"kind": "epoch", "runs": _ids(specs), "epoch": epoch, "objectives": [*map(float, objectives)]})

    def finished(self, outcome: RunRecord | Failure) -> None:
        """A run is done, or has crashed."""
        if isinstance(outcome, RunRecord):
            self.tell({"kind": "finished", "runs": [outcome.run_id], "record": outcome.model_dump_json()})
        else:
            told = {"runs": [outcome.spec.run_id], "error": outcome.error, "details": outcome.details}
            self.tell({"kind": "failed", **told})

    def waiting(self, specs: tuple[RunSpec, ...], holder: str) -> None:
        """These runs are being done by another bench."""
        self.tell({"kind": "waiting", "runs": _ids(specs), "holder": holder})

    def waiting_for_speeds(self, holder: str) -> None:
        """Workers measure no speeds."""

    def elsewhere(self, specs: Sequence[RunSpec]) -> None:
        """Another bench has done these runs in the meantime."""
        self.tell({"kind": "elsewhere", "runs": _ids(specs)})

    def workers(self, busy: int, lost: int) -> None:
        """Workers have none."""

    def lost(self, specs: Sequence[RunSpec], why: str) -> None:
        """Workers have none."""

    def timing(self, spec: TimingSpec) -> None:
        """Workers measure no speeds."""

    def untimed(self, failure: Failure) -> None:
        """Workers measure no speeds."""


def retell(message: Message, planned: Mapping[str, RunSpec], watcher: Watcher) -> None:
    """Tells a watcher what a worker's `Teller` was told.

    Args:
        message: any but a warning and those that end a task.
        planned: the study's runs by id; a worker may tell of company that was not asked for.
        watcher: told.
    """
    specs = tuple(planned[run] for run in message.get("runs", ()))
    match message["kind"]:
        case "cohort":
            watcher.cohort(specs)
        case "resumed":
            watcher.resumed(specs)
        case "epoch":
            watcher.epoch(specs, message["epoch"], message["objectives"])
        case "finished":
            watcher.finished(RunRecord.model_validate_json(message["record"]))
        case "failed":
            for spec in specs:
                watcher.finished(Failure(spec=spec, error=message["error"], details=message["details"]))
        case "waiting":
            watcher.waiting(specs, message["holder"])
        case "elsewhere":
            watcher.elsewhere(specs)


def message_of(line: bytes) -> Message | None:
    """What a line says; `None` where it was torn, as by a kill."""
    try:
        message: Message = json.loads(line)
    except ValueError:
        return None
    return message


def line(message: Message) -> bytes:
    """A message as a line of JSON."""
    return json.dumps(message).encode() + b"\n"


def _ids(specs: Sequence[RunSpec]) -> list[str]:
    return [spec.run_id for spec in specs]
