"""Signals that ask a bench to stop: an interrupt (Ctrl-C, SIGINT), and SIGTERM, by which schedulers warn."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from aebench.harness.stopping import Stopping

# How a process ends that was asked to stop: as shells report an interrupted one; and as sysexits.h has a failure that
# passes, EX_TEMPFAIL, so that a batch script knows that the same command is to be run again.
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 75}
_NAMES = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_SHOW_CURSOR = "\x1b[?25h"


def name(number: int) -> str:
    """What has happened to a process that got a signal."""
    return _NAMES[signal.Signals(number)]


@contextmanager
def heeded(stopping: Stopping) -> Iterator[frozenset[int]]:
    """Tells `stopping` of signals inside it; a second interrupt insists.

    Yields:
        The signals: those that are ignored, or that somebody else handles, are left as they are, and only a process's
        main thread may change any.
    """
    former_hook = sys.unraisablehook

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        insisting = number == signal.SIGINT and stopping.asked is not None
        stopping.ask(number, insisting=insisting)

    def unraisable(raised: sys.UnraisableHookArgs) -> None:
        """Python tells of an interrupt that fell into some object's `__del__`; it is remembered, so nothing is lost."""
        if not isinstance(raised.exc_value, KeyboardInterrupt):
            former_hook(raised)

    theirs: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    main = threading.current_thread() is threading.main_thread()
    ours = frozenset(number for number, default in theirs.items() if main and signal.getsignal(number) is default)
    for number in ours:
        signal.signal(number, handle)
    sys.unraisablehook = unraisable
    try:
        yield ours
    finally:
        sys.unraisablehook = former_hook
        for number in ours:
            signal.signal(number, theirs[number])


@contextmanager
def answered(stopping: Stopping, numbers: frozenset[int]) -> Iterator[None]:
    """Says at once what a signal does, and on a second interrupt ends the process, whatever it is at.

    Python's own handlers run between its instructions, and a call into a framework, such as an epoch, may take minutes;
    by then two signals are one. So a thread listens to what Python's handler in C writes of each.

    Args:
        stopping: what `heeded` was given.
        numbers: what it yielded.
    """
    if not numbers:
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    former = signal.set_wakeup_fd(writing)
    listener = threading.Thread(target=_listen, args=(reading, stopping, numbers), daemon=True, name="signals")
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(former)
        os.close(writing)  # ends the listener
        listener.join()
        os.close(reading)


def _listen(reading: int, stopping: Stopping, numbers: frozenset[int]) -> None:
    asked = False
    while received := os.read(reading, 1):
        number = received[0]
        if number not in numbers:
            continue
        if asked and number == signal.SIGINT:
            _say(f"{_SHOW_CURSOR if sys.stdout.isatty() else ''}interrupted again: left at once\n")
            os._exit(STATUS[signal.SIGINT])
        if stopping.deferring and not asked:
            _say(f"{name(number)}: writing a checkpoint at the end of this epoch; interrupt again to leave at once\n")
        asked = True


def _say(line: str) -> None:
    os.write(2, line.encode())  # unlike print, it waits for no lock
