"""How often something on its way is written aside. Imports no Keras."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from aebench.harness.stopping import Stopping

INTERVAL: Final = 60.0  # seconds between two checkpoints
SHARE: Final = 0.02  # the most of its time that a training spends on them
QUICK: Final = 0.02  # seconds that one takes until one has been written: a guess


@dataclass
class Policy:
    """When the cohorts of a bench are written aside.

    Attributes:
        interval: seconds between two checkpoints of a cohort; `None` for never.
        stopping: whether the process is to stop.
        clock: tells seconds.
        complained: whether it was told that a checkpoint could not be written, which is told once.
    """

    interval: float | None = INTERVAL
    stopping: Stopping = field(default_factory=Stopping)
    clock: Callable[[], float] = time.monotonic
    complained: bool = False


class Pace:
    """When to write next: an interval after the last time, and for no more than a share of the time in all.

    Args:
        policy: with the interval and the clock.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._begun = self._last = policy.clock()
        self._spent, self._cost = 0.0, QUICK

    def restart(self) -> None:
        """Begins to count now."""
        self._begun = self._last = self.policy.clock()

    def due(self, *, finished: bool = False) -> bool:
        """Whether it is time to write; what is finished is written without delay where there is time for it."""
        if self.policy.interval is None:
            return False
        now = self.policy.clock()
        affordable = self._spent + self._cost <= SHARE * (now - self._begun)
        return affordable and (finished or now - self._last >= self.policy.interval)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Counts the time of what is done inside it."""
        begun = self.policy.clock()
        yield
        self._last = self.policy.clock()
        self._cost = self._last - begun
        self._spent += self._cost
