"""How fast operations run: warm-up and compilation apart, the device waited for, every round kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from suite import backend
from suite.record import OperationTiming

ROUNDS = 15
ROUND_SECONDS = 0.01  # a round repeats the call until it lasts about this long, to rise above the clock's noise
WARM_UPS = 2


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A call that handles `images` images and returns what the device has to finish."""

    name: str
    images: int
    call: Callable[[], Any]

    def run(self) -> None:
        """Makes the call and waits for the device."""
        backend.wait(self.call())


def time_operation(operation: Operation) -> OperationTiming:
    """Times an operation: compilation from its first call, then `ROUNDS` rounds after a warm-up."""
    first = _seconds(operation, 1)
    usual = min(_seconds(operation, 1) for _ in range(WARM_UPS))
    repeats = max(1, round(ROUND_SECONDS / max(usual, 1e-6)))
    return OperationTiming(
        images=operation.images * repeats,
        seconds=tuple(_seconds(operation, repeats) for _ in range(ROUNDS)),
        compile_seconds=max(0.0, first - usual),
    )


def _seconds(operation: Operation, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats - 1):
        operation.call()
    operation.run()
    return time.perf_counter() - start
