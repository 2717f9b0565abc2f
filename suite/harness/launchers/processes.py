"""Workers on this machine."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from aebench.backends import environment
from aebench.harness.launchers.tasks import ENDS, LEFT, LOST, Job, Message, Task
from aebench.harness.launchers.worker import Worker


class Processes:
    """A `Place` of a number of processes; each is started when there is a task for it, and another when it dies.

    Args:
        job: what the tasks are of.
        count: how many work at most.
        split: whether they divide the machine's cores, or have them all in common, as a bench by itself has.
    """

    def __init__(self, job: Job, count: int, *, split: bool = False) -> None:
        self._job = job
        cores = environment.core_numbers() if split else ()
        self._cores = [cores[seat::count] or cores[seat % len(cores) :][:1] if cores else () for seat in range(count)]
        self._seats = [*reversed(range(count))]  # that are free
        self._waiting: deque[Task] = deque()
        self._taken_back: deque[Task] = deque()
        self._seat: dict[Worker, int] = {}
        self._task: dict[Worker, Task] = {}
        self._told: queue.SimpleQueue[tuple[Worker, Message | None]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._seat:
            worker.end()

    def submit(self, tasks: Sequence[Task]) -> None:
        """Queues tasks."""
        self._waiting.extend(tasks)
        self._deal()

    def heard(self) -> Iterator[tuple[str, Message]]:
        """See `Place`."""
        while self._taken_back:
            yield self._taken_back.pop().cohort, {"kind": LEFT}
        try:
            worker, message = self._told.get(timeout=0.5)
        except queue.Empty:
            return
        left = message is None or message["kind"] == LEFT
        if left and worker in self._seat:  # a worker that left is not given more, and then tells its end too
            self._seats.append(self._seat.pop(worker))
            worker.end()
        ended = message is None or message["kind"] in ENDS
        task = self._task.pop(worker, None) if ended else self._task.get(worker)
        if task is not None:
            yield task.cohort, message or {"kind": LOST, "why": worker.why()}
        if ended:
            self._deal()

    def stop(self) -> None:
        """See `Place`."""
        self._taken_back, self._waiting = self._waiting, deque()
        for worker in self._seat:
            worker.stop()

    def _deal(self) -> None:
        """Gives tasks to workers that have none."""
        while self._waiting:
            idle = next((worker for worker in self._seat if worker not in self._task), None)
            if idle is None and not self._seats:
                return
            worker = idle or self._started()
            self._task[worker] = self._waiting.popleft()
            worker.give(self._job, self._task[worker])

    def _started(self) -> Worker:
        seat = self._seats.pop()
        worker = Worker(lambda who, what: self._told.put((who, what)), self._cores[seat], _gpu(seat))
        self._seat[worker] = seat
        return worker


def _gpu(seat: int) -> dict[str, str]:
    """The variables by which a worker has one GPU, and takes of its memory only what it needs."""
    gpus = environment.gpu_numbers()
    shared = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return {"CUDA_VISIBLE_DEVICES": gpus[seat % len(gpus)], **shared} if gpus else {}
