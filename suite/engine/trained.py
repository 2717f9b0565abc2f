"""What every engine takes and yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from suite.record import Curve, Outcome
from suite.spec import RunSpec
from suite.weights import Weights

MakeModel = Callable[[RunSpec], Any]


class Progress(Protocol):
    """Told of each epoch that a run has finished; may do nothing."""

    def __call__(self, spec: RunSpec, epoch: int, objective: float) -> None:
        """Called after `epoch` (from 1) of the run, with its training objective in nats per image."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A run's weights before and after training, its learning curves and its time.

    Attributes:
        seconds: of training, without compilation.
        compile_seconds: of the cohort's program, paid once.
    """

    spec: RunSpec
    outcome: Outcome
    initial: Weights
    final: Weights
    curve: Curve
    seconds: float
    compile_seconds: float
    images: int
