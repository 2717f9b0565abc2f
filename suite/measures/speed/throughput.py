"""How fast operations run: compilation and warm-up apart, the device waited for, every round kept."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np

from aebench import backends
from aebench.backends import environment
from aebench.measures.speed import memory
from aebench.records.rates import faster_half, rate
from aebench.records.record import OperationTiming

# A round repeats the call until it lasts this long, to rise above the clock's noise.
ROUND_SECONDS = max(0.01, 1e4 * time.get_clock_info("perf_counter").resolution)
SHORTEST_SECONDS = 0.7 * ROUND_SECONDS
STEADY = 0.05  # rounds end early once the interquartile range of their faster half is at most this share of its median
ROUNDS = 7  # at least
BUDGET_SECONDS = 0.25  # unsteady rounds go on for so long: a study times hundreds of operations
FEWEST_ROUNDS = 3  # of calls so slow that `ROUNDS` of them would take longer than `PATIENCE_SECONDS`
PATIENCE_SECONDS = 2.0
METERED_SECONDS = 0.5  # NVIDIA's energy counters move only every 20 to 100 ms


class Meter(Protocol):
    """Tells the energy that the device has used so far."""

    def joules(self) -> float:
        """Since some fixed moment."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A call that handles `images` images and returns what the device has to finish.

    Attributes:
        flops_per_image: see `aebench.measures.speed.flops`; `None` where it is not known.
    """

    name: str
    images: int
    call: Callable[[], Any]
    flops_per_image: float | None = None

    def run(self) -> None:
        """Makes the call and waits for the device."""
        backends.current().wait(self.call())


def time_operation(operation: Operation, meter: Meter | None = None) -> OperationTiming:
    """Times an operation in rounds, after a first call that compiles and a warm-up.

    Rounds go on until they are steady or their budget is used up; all are kept.

    Args:
        operation: nothing of it needs to have run before.
        meter: read before and after the rounds, where the device has one.
    """
    first = _seconds(operation, 1)
    repeats = _repeats(operation)
    rounds = _rounds(operation, repeats, meter)
    while rounds.seconds[-1] < SHORTEST_SECONDS:  # it was still warming up
        repeats = _longer(repeats, rounds.seconds[-1])
        rounds = _rounds(operation, repeats, meter)
    return OperationTiming(
        images=operation.images * repeats,
        seconds=rounds.seconds,
        compile_seconds=max(0.0, first - float(np.median(rounds.seconds)) / repeats),
        flops_per_image=operation.flops_per_image,
        joules=rounds.joules,
        peak_memory_bytes=rounds.peak_memory_bytes,
    )


def time_longer(operation: Operation, timed: OperationTiming) -> OperationTiming:
    """Adds rounds to those of an operation that was timed before, until they are steady or their budget is used up.

    What disturbed them may be over. Where energy was counted, none are added: it is of all rounds together. Nor are any
    where one takes longer than the budget.
    """
    if timed.joules is not None:
        return timed
    repeats, seconds, more = timed.images // operation.images, [*timed.seconds], 0.0
    while more + min(seconds) <= BUDGET_SECONDS and rate(faster_half(seconds)).spread > STEADY:
        seconds.append(_seconds(operation, repeats))
        more += seconds[-1]
    return timed.model_copy(update={"seconds": tuple(seconds)})


@dataclass(frozen=True, kw_only=True)
class _Rounds:
    """Seconds of each round, and what they took together."""

    seconds: tuple[float, ...]
    joules: float | None
    peak_memory_bytes: int | None


def _rounds(operation: Operation, repeats: int, meter: Meter | None) -> _Rounds:
    """Rounds of `repeats` calls, up to the first that is too short."""
    peak = memory.peak_from_now()
    before = meter.joules() if meter else 0.0
    seconds = [_seconds(operation, repeats)]
    while seconds[-1] >= SHORTEST_SECONDS and not _enough(seconds, METERED_SECONDS if meter else 0.0):
        seconds.append(_seconds(operation, repeats))
    joules = meter.joules() - before if meter else None
    return _Rounds(seconds=tuple(seconds), joules=joules, peak_memory_bytes=peak())


def _repeats(operation: Operation) -> int:
    """How many calls make a round, found while warming up."""
    repeats = 1
    while (took := _seconds(operation, repeats)) < ROUND_SECONDS:
        repeats = _longer(repeats, took)
    return repeats


def _longer(repeats: int, took: float) -> int:
    """More calls, as those took too short a time: half as many again as that asks for, since calls get faster yet."""
    wanted = math.ceil(1.5 * repeats * ROUND_SECONDS / max(took, 1e-9))
    return min(max(wanted, repeats + 1), 10 * repeats)


def _enough(seconds: Sequence[float], least_seconds: float) -> bool:
    spent = sum(seconds)
    if len(seconds) < ROUNDS:
        return len(seconds) >= FEWEST_ROUNDS and spent >= PATIENCE_SECONDS
    steady = spent >= least_seconds and rate(faster_half(seconds)).spread <= STEADY
    return steady or spent >= max(BUDGET_SECONDS, least_seconds)


def _seconds(operation: Operation, repeats: int) -> float:
    start = time.perf_counter()
    results = deque((operation.call() for _ in range(repeats)), maxlen=_in_flight())
    backends.current().wait(list(results))
    return time.perf_counter() - start


def _in_flight() -> int | None:
    """How many of the last results to wait for: a GPU works in the order of calls, JAX on a CPU does not."""
    return None if environment.current(keras.backend.backend()).device_kind == "CPU" else 1
