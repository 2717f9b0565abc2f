"""A worker: a process of its own that does one task after the other. It ends as soon as whoever started it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from aebench.harness.launchers.tasks import Job, Message, Task, line, message_of

COMMAND = (sys.executable, "-m", "aebench", "worker")  # see `aebench.cli.working`


class Worker:
    """A worker, as seen by who started it.

    A cohort that is killed, or for which there is not enough memory, takes only that process with it.

    Args:
        hear: told, from a thread, what the worker tells, and `None` at its end.
        cores: numbers of those that it may use; none for all that this process may.
        environment: variables that it has beside those of this process; `None` for one that it has not.
    """

    def __init__(
        self,
        hear: Callable[[Worker, Message | None], None],
        cores: Sequence[int] = (),
        environment: Mapping[str, str | None] | None = None,
    ) -> None:
        self._hear = hear
        variables = {**os.environ, **(environment or {})}
        self.process = subprocess.Popen(
            [*COMMAND, *(f"--core={core}" for core in cores)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: value for name, value in variables.items() if value is not None},
            start_new_session=True,  # an interrupt at the terminal is for whoever started it, who tells it
        )
        threading.Thread(target=self._listen, daemon=True, name=f"worker {self.process.pid}").start()

    def give(self, job: Job, task: Task) -> None:
        """Hands it a task."""
        self._send({"job": job.model_dump(), "task": task.model_dump()})

    def stop(self) -> None:
        """Asks it to write a checkpoint at the end of its epoch and to leave."""
        self._send({"stop": True})

    def end(self) -> None:
        """Ends it at once, whatever it is at."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def why(self) -> str:
        """How it has ended."""
        status = self.process.wait()
        if status == -signal.SIGKILL:
            return f"process {self.process.pid} was killed (SIGKILL; by somebody, or because memory ran out)"
        if status < 0:
            return f"process {self.process.pid} died of {signal.Signals(-status).name}"
        return f"process {self.process.pid} ended with status {status}"

    def _send(self, content: Message) -> None:
        assert self.process.stdin is not None
        with suppress(OSError, ValueError):  # its end is told by `_listen`
            self.process.stdin.write(line(content))
            self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for received in self.process.stdout:
            if (message := message_of(received)) is not None:
                self._hear(self, message)
        self._hear(self, None)
