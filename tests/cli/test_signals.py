"""Signals that ask a bench to stop: at once where nothing is lost by that, else at the end of an epoch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from aebench.cli import signals
from aebench.harness.stopping import Stopped, Stopping

# Calls into C for longer than a test lasts, as a framework does; Python's own handlers do not run meanwhile.
AT_WORK = """
import hashlib, threading
from aebench.cli import signals
from aebench.harness.stopping import Stopping
stopping = Stopping()
with signals.heeded(stopping) as heeded, signals.answered(stopping, heeded), stopping.deferred():
    print("working", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000_000)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_at_once_where_nothing_is_deferred(number: int) -> None:
    stopping, former = Stopping(), signal.getsignal(number)
    with signals.heeded(stopping), pytest.raises(Stopped):
        signal.raise_signal(number)
    assert stopping.asked == number
    assert signal.getsignal(number) is former


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_training_waits_until_it_is_heeded(number: int) -> None:
    stopping = Stopping()
    with signals.heeded(stopping):
        with stopping.deferred():
            stopping.heed()  # nobody has asked
            signal.raise_signal(number)
            with pytest.raises(Stopped):
                stopping.heed()
        with pytest.raises(Stopped):  # and after it, should the exception have been swallowed
            stopping.heed()


def test_a_second_interrupt_insists_and_a_second_warning_does_not() -> None:
    stopping = Stopping()
    with signals.heeded(stopping), stopping.deferred():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGINT)
    assert stopping.asked == signal.SIGTERM, "the status is that of the first"


def test_an_interrupt_that_is_ignored_or_somebody_else_s_stays_so() -> None:
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals.heeded(Stopping()) as heeded:
            assert heeded == {signal.SIGTERM}
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, former)


class Dying:
    """Raises in its finaliser."""

    def __init__(self, die: Callable[[], object]) -> None:
        self.die = die

    def __del__(self) -> None:
        self.die()


def test_an_interrupt_in_a_finaliser_is_heeded_and_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.exc_type))
    stopping = Stopping()
    with signals.heeded(stopping):
        Dying(lambda: signal.raise_signal(signal.SIGINT))
        Dying(lambda: 1 / 0)
        with pytest.raises(Stopped):
            stopping.heed()
    assert told == [ZeroDivisionError]


def test_a_process_that_calls_into_c_answers_at_once_and_leaves_on_the_second_interrupt() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", AT_WORK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == (
            "interrupted: writing a checkpoint at the end of this epoch; interrupt again to leave at once\n"
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == "interrupted again: left at once\n"
