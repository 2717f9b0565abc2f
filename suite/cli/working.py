"""What `aebench worker` does: tasks that come as lines on standard input, told of on standard output."""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
from collections.abc import Sequence
from typing import NoReturn

from aebench.cli import signals
from aebench.harness.launchers.attending import attend
from aebench.harness.launchers.tasks import LEFT, Job, Message, Task, line
from aebench.harness.stopping import Stopping


def work(cores: Sequence[int]) -> NoReturn:
    """Does tasks until it is asked to stop, or until whoever started it ends: then at once.

    Args:
        cores: numbers of those that it may use; none for all.
    """
    if cores:
        os.sched_setaffinity(0, cores)
    out = os.dup(1)
    os.dup2(2, 1)  # what a study's own code prints is no message
    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    stopping = Stopping()
    status = signals.STATUS[signal.SIGTERM]
    with signals.heeded(stopping):
        # Slurm's warning before it takes a job's place, as submitit asks for it, goes to all processes of a step.
        signal.signal(signal.SIGUSR2, lambda *_: signal.raise_signal(signal.SIGTERM))
        threading.Thread(target=_listen, args=(messages,), daemon=True, name="tasks").start()
        try:
            while True:
                given = messages.get()
                job, task = Job.model_validate(given["job"]), Task.model_validate(given["task"])
                attend(job, task, lambda message: _write(out, line(message)), stopping)
        except KeyboardInterrupt:
            _write(out, line({"kind": LEFT}))
            status = signals.STATUS[signal.Signals(stopping.asked or signal.SIGINT)]
    os._exit(status)  # a framework takes seconds to end, and has nothing left to do


def _listen(messages: queue.SimpleQueue[Message]) -> None:
    received = b""
    while chunk := os.read(0, 65536):  # without Python's buffer, whose lock would be held when the process ends
        *lines, received = (received + chunk).split(b"\n")
        for given in map(json.loads, lines):
            if "stop" in given:
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                messages.put(given)
    os._exit(0)  # nobody listens


def _write(out: int, content: bytes) -> None:
    while content:
        content = content[os.write(out, content) :]
