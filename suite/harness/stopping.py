"""Whether somebody wants the process to stop, and when it does: at once, or at the end of an epoch in training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(KeyboardInterrupt):
    """The process was asked to stop, and does: an interrupt that no `except Exception` takes."""


class Stopping:
    """A wish to stop; whoever receives a signal tells it, and who works heeds it.

    Attributes:
        asked: the signal that asked first.
        deferring: whether a training is on its way that will stop at the end of its epoch, once it is written aside.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self.deferring = False

    def ask(self, signal: int, *, insisting: bool = False) -> None:
        """Asks to stop; who insists does not wait for the end of an epoch.

        Raises:
            Stopped: nothing has to be waited for.
        """
        self.asked = self.asked or signal
        if insisting or not self.deferring:
            raise Stopped

    def heed(self) -> None:
        """Stops if that was asked for: code that ran in between may have swallowed the exception.

        Raises:
            Stopped: it was.
        """
        if self.asked is not None:
            raise Stopped

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside it a wish waits until it is heeded."""
        self.deferring = True
        try:
            yield
        finally:
            self.deferring = False
