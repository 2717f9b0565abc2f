"""Tasks of Slurm job arrays, by submitit; each has an `aebench worker`, and goes on where Slurm takes its place."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from aebench.errors import UserError
from aebench.harness.launchers.tasks import BUSY, DONE, LEFT, LOST, REFUSED, Job, Message, Task, line, message_of
from aebench.harness.launchers.worker import Worker

POLL: Final = 1.0  # seconds between two looks at what tasks have told
ASK: Final = 5.0  # seconds between two questions to Slurm
LINGER: Final = 30  # looks at the queue until all jobs have left it
MOST_TIMEOUTS: Final = 1000  # that a task may be queued again: each time it goes on from its checkpoint
MINUTES: Final = 60  # of a task, unless others are given
_FINAL: Final = frozenset({DONE, BUSY, REFUSED})  # else a task may be queued again


def parameters(given: str) -> dict[str, Any]:
    """Options of a job, as people write them: `partition=gpu time=60 gpus_per_node=1`.

    Names are submitit's, which are sbatch's with `_`; others are given to sbatch as they are.

    Raises:
        UserError: it is not of that form, or submitit is not installed.
    """
    # Where submitit sets up logging, Python closes all handlers that there are, and Abseil's closes what it writes to.
    os.environ.setdefault("SUBMITIT_LOG_LEVEL", "NOCONFIG")
    try:
        from submitit.slurm.slurm import _get_default_parameters
    except ImportError:
        raise UserError("--slurm needs submitit; run: pip install 'aebench[slurm]'") from None
    found: dict[str, Any] = {"time": MINUTES, "job_name": "aebench"}
    others: dict[str, Any] = {}
    for part in given.split():
        name, sign, value = part.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        if not (name and sign and value):
            raise UserError(f"--slurm takes KEY=VALUE, such as 'partition=gpu time=60', and got {part!r}")
        if name == "time" and not value.isdigit():
            raise UserError(f"--slurm: time is in whole minutes, as time=60, and was {value!r}")
        own = found if name in _get_default_parameters() else others
        own[name] = int(value) if value.isdigit() else value
    return {**found, "additional_parameters": others} if others else found


@dataclass
class _Submitted:
    """A task's place in the queue, and how much of what it has told was read."""

    number: str
    path: Path
    read: int = 0
    last: Message = field(default_factory=dict)


class Slurm:
    """A `Place` in a Slurm cluster; each `submit` is a job array.

    What tasks tell lies in files of the study's folder, which all machines share. Slurm's queue says which tasks are
    still there: accounting is not needed.

    Args:
        job: what the tasks are of.
        options: of the jobs; see `parameters`.

    Raises:
        UserError: there is no Slurm here, or an option is none.
    """

    def __init__(self, job: Job, options: str) -> None:
        wanted = parameters(options)
        if shutil.which("sbatch") is None:
            raise UserError("--slurm needs Slurm's commands, and there is no sbatch here; run it on a login node")
        from submitit import SlurmExecutor

        self._job = job
        self._folder = Path(job.root) / "slurm" / uuid4().hex[:12]
        self._executor = SlurmExecutor(self._folder, max_num_timeout=MOST_TIMEOUTS)
        try:
            self._executor.update_parameters(**wanted)
        except (TypeError, ValueError) as error:
            raise UserError(f"--slurm: {f'{error}'.splitlines()[0]}") from None
        self._open: dict[str, _Submitted] = {}
        self._jobs: set[str] = set()  # all that were submitted
        self._stopping = self._kept = False
        self._asked = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cancel("--state=PENDING")
        if not self._kept and not self._open and self._gone():  # else Slurm's logs say what happened
            shutil.rmtree(self._folder, ignore_errors=True)
            with suppress(OSError):
                self._folder.parent.rmdir()

    def submit(self, tasks: Sequence[Task]) -> None:
        """Submits tasks as one job array."""
        paths = [self._folder / f"{task.cohort}-{uuid4().hex[:8]}.jsonl" for task in tasks]
        attending = [Attending(self._job, path) for path in paths]
        try:
            with self._executor.batch():
                jobs = [self._executor.submit(one, task) for one, task in zip(attending, tasks, strict=True)]
        except Exception as error:  # submitit has several, of which some are about sbatch's words
            told = [said for said in f"{error}".splitlines() if said.strip()] or [type(error).__name__]
            raise UserError(f"Slurm takes no job: {told[-1].strip()}") from None
        for task, path, job in zip(tasks, paths, jobs, strict=True):
            self._open[task.cohort] = _Submitted(job.job_id, path)
            self._jobs.add(_array(job.job_id))

    def heard(self) -> Iterator[tuple[str, Message]]:
        """See `Place`."""
        time.sleep(POLL)
        queued = self._queued()
        for name, one in [*self._open.items()]:
            for message in _read(one):
                one.last = message
                if message["kind"] != LEFT:
                    if message["kind"] in _FINAL:
                        del self._open[name]
                    yield name, message
            if name in self._open and queued is not None and one.number not in queued:
                del self._open[name]
                left = one.last.get("kind") == LEFT or self._stopping
                self._kept |= not left
                yield name, {"kind": LEFT} if left else self._lost(one)

    def stop(self) -> None:
        """See `Place`."""
        self._stopping = True
        self._cancel("--state=PENDING")
        self._cancel("--signal=TERM")

    def _lost(self, one: _Submitted) -> Message:
        return {"kind": LOST, "why": f"job {one.number} is gone; its logs are in {self._folder}"}

    def _queued(self) -> set[str] | None:
        """Which tasks are queued or run; `None` between two questions, and where Slurm does not answer."""
        if time.monotonic() - self._asked < ASK:
            return None
        self._asked = time.monotonic()
        if self._stopping:
            self._cancel("--signal=TERM")  # tasks that had just begun when it was told first
        return _queue()

    def _gone(self) -> bool:
        """Whether all jobs have left the queue; waits for those about to end, which still write to the folder."""
        for _ in range(LINGER):
            queued = _queue()
            if queued is not None and not self._jobs & set(map(_array, queued)):
                return True
            time.sleep(POLL)
        return False

    def _cancel(self, how: str) -> None:
        jobs = sorted({_array(one.number) for one in self._open.values()})
        if jobs:
            subprocess.run(["scancel", how, *jobs], capture_output=True, check=False)


def _queue() -> set[str] | None:
    """The user's tasks that are queued or run; `None` where Slurm does not answer."""
    command = ["squeue", "--me", "--noheader", "--array", "--format=%i"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(asked.stdout.split()) if asked.returncode == 0 else None


def _array(number: str) -> str:
    """The job that a task is of: 12 of 12_3."""
    return number.partition("_")[0]


def _read(one: _Submitted) -> list[Message]:
    """What a task has told since it was asked last."""
    try:
        with one.path.open("rb") as file:
            file.seek(one.read)
            told = file.read()
    except FileNotFoundError:
        return []
    whole = told[: told.rfind(b"\n") + 1]  # the rest is being written
    one.read += len(whole)
    return [message for said in whole.splitlines() if (message := message_of(said)) is not None]


@dataclass
class Attending:
    """What runs in a task of a job array: passes a worker's messages on into a file.

    Attributes:
        job: what the task is of.
        path: the file.
    """

    job: Job
    path: Path

    def __call__(self, task: Task) -> None:
        """Does a task; returns without an end where the worker is lost, which Slurm's queue then tells."""
        told: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._worker = Worker(lambda _, message: told.put(message))
        self._worker.give(self.job, task)
        with self.path.open("ab") as file:
            file.write(b"\n")  # ends what a killed task may have begun to write
            while (message := told.get()) is not None:
                file.write(line(message))
                file.flush()
                if message["kind"] in _FINAL:
                    break
        self._worker.end()

    def checkpoint(self, task: Task) -> Any:
        """Called by submitit before a job's time is up or its place is taken; it then queues what this returns."""
        from submitit.helpers import DelayedSubmission

        self._worker.stop()
        self._worker.process.wait()
        return DelayedSubmission(Attending(self.job, self.path), task)
