"""Workers of a Dask cluster. Each keeps an `aebench worker` beside it, which ends when it does."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from aebench.errors import UserError
from aebench.harness.launchers.tasks import ENDS, LEFT, LOST, Job, Message, Task
from aebench.harness.launchers.worker import Worker

CONNECT: Final = 10.0  # seconds in which a scheduler must answer
LOOK: Final = 5.0  # seconds between two looks for workers


class Dask:
    """A `Place` at a Dask scheduler.

    Cohorts are Dask's tasks: it gives them to workers that are free, and a lost worker's to another. What workers
    tell on the way is Dask's log of events.

    Args:
        job: what the tasks are of.
        address: of the scheduler, as `tcp://host:8786`.

    Raises:
        UserError: `distributed` is not installed, or nobody answers.
    """

    def __init__(self, job: Job, address: str) -> None:
        self._job, self._address = job, address
        self._topic = f"aebench-{uuid4().hex}"
        self._told: queue.SimpleQueue[tuple[str, Message]] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._open: dict[str, Any] = {}  # futures by cohort
        self._stopping = self._lonely = False
        self._looked = time.monotonic()  # for workers
        self._client = _connected(address)
        self._client.subscribe_topic(self._topic, lambda event: self._told.put(event[1]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):  # the scheduler may be gone
            if self._client.status == "running":
                self._client.run(leave, self._topic, on_error="return")
            else:  # it would tell, by a traceback, that it is stopped while it looks for the scheduler
                logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
            self._client.close(timeout=2)

    def submit(self, tasks: Sequence[Task]) -> None:
        """Hands tasks to the scheduler."""
        for number, task in enumerate(tasks):
            future = self._client.submit(
                attend,
                self._job.model_dump(),
                task.model_dump(),
                self._topic,
                key=f"{task.cohort}-{uuid4().hex}",
                priority=-number,
                pure=False,
            )
            self._open[task.cohort] = future
            future.add_done_callback(lambda done, name=task.cohort: self._ended.put((name, done)))

    def heard(self) -> Iterator[tuple[str, Message]]:
        """See `Place`."""
        if self._stopping:
            self._stop_all()
        yield from self._look()
        ended = []
        with suppress(queue.Empty):  # before what was told: a task's last word comes before its end
            while True:
                ended.append(self._ended.get_nowait())
        with suppress(queue.Empty):
            yield self._told.get(timeout=0.5)
            while True:
                yield self._told.get_nowait()
        for name, future in ended:
            if future is None or self._open.get(name) is future:
                self._open.pop(name, None)
                yield name, self._end(future)

    def _look(self) -> Iterator[tuple[str, Message]]:
        """Says, once each time, that there is no worker."""
        if time.monotonic() - self._looked < LOOK or self._client.status != "running":
            return
        self._looked, before = time.monotonic(), self._lonely
        self._lonely = not self._client.scheduler_info(n_workers=1)["workers"]
        if self._lonely and not before:
            line = f"the Dask scheduler has no workers; start some: dask worker {self._address} --nthreads 1"
            yield from ((name, {"kind": "warning", "line": line}) for name in [*self._open][:1])

    def stop(self) -> None:
        """See `Place`."""
        self._stopping = True

    def _stop_all(self) -> None:
        """Tells all workers, also those that have come since it was told last, to stop; queued tasks then end."""
        with suppress(OSError):  # the scheduler is gone, which `_end` tells
            self._client.run(stop, self._topic, on_error="return")
            if not self._client.scheduler_info(n_workers=1)["workers"]:  # nobody is there to end them
                open_, self._open = self._open, {}  # first, so that what releasing calls back finds nothing to end
                for name, future in open_.items():
                    future.release()
                    self._ended.put((name, None))

    def _end(self, future: Any) -> Message:
        from distributed import KilledWorker

        if future is None:
            return {"kind": LEFT}
        if future.status == "finished":
            message: Message = future.result()
            return message
        if future.status != "error":
            raise UserError(
                f"lost the Dask scheduler at {self._address}; what is finished or in a checkpoint is kept: start it "
                "and its workers again, and run the same command"
            )
        error = future.exception()
        if isinstance(error, KilledWorker):
            return {"kind": LOST, "why": f"{error}".splitlines()[0]}
        raise UserError(
            f"a Dask worker cannot work, {type(error).__name__}: {error}; it needs the same version of aebench, and "
            "the same study file, data and folder under the same paths"
        )


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise UserError("--scheduler needs Dask; run: pip install 'aebench[dask]'") from None
    try:
        return Client(address, timeout=CONNECT, set_as_default=False, name="aebench")
    except (OSError, ValueError) as error:
        raise UserError(
            f"no Dask scheduler answers at {address} ({type(error).__name__}); start one with `dask scheduler` and "
            "give the address that it says, as tcp://host:8786"
        ) from None


# What follows runs in Dask's workers: a task in one of their threads, `stop` in their event loop.

_Process = tuple[Worker, queue.SimpleQueue[Message | None]]
_idle: dict[str, list[_Process]] = {}  # by topic: those of a bench have its job
_busy: dict[str, list[Worker]] = {}
_stopped: set[str] = set()
_changing = threading.Lock()


def attend(job: dict[str, Any], task: dict[str, Any], topic: str) -> Message:
    """Has a task done by a process of its own, and passes on what it tells; returns how it ended."""
    from distributed import get_worker

    todo = Task.model_validate(task)
    with _changing:
        if topic in _stopped:
            return {"kind": LEFT}
        _end_idle([other for other in _idle if other != topic])  # a bench that was killed left them
        process, told = (_idle.get(topic) or [_started()]).pop()
        _busy.setdefault(topic, []).append(process)
    process.give(Job.model_validate(job), todo)
    dask = get_worker()
    while (message := told.get()) is not None and message["kind"] not in ENDS:
        dask.log_event(topic, (todo.cohort, message))
    with _changing:
        _busy[topic].remove(process)
        if message is not None and message["kind"] != LEFT:
            _idle.setdefault(topic, []).append((process, told))
        else:
            process.end()
    return message or {"kind": LOST, "why": f"{process.why()} on {dask.address}"}


def stop(topic: str) -> None:
    """Stops what a bench has here, and begins no more of it."""
    with _changing:
        told = topic in _stopped
        _stopped.add(topic)
        for process in () if told else _busy.get(topic, ()):
            process.stop()


def leave(topic: str) -> None:
    """Ends the processes that a bench has here."""
    with _changing:
        _end_idle([topic])


def _end_idle(topics: Sequence[str]) -> None:
    for topic in topics:
        for process, _ in _idle.pop(topic, ()):
            process.end()


def _started() -> _Process:
    told: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
    return Worker(lambda _, message: told.put(message), environment=_unlimited()), told


def _unlimited() -> dict[str, None]:
    """The variables by which Dask holds NumPy to one thread, since it has threads of its own; no worker uses those.

    With them, some numbers would be rounded otherwise than by a bench in one process.
    """
    import dask

    limits = dask.config.get("distributed.nanny.pre-spawn-environ", {})
    return {name: None for name, value in limits.items() if os.environ.get(name) == str(value)}
