"""What every engine takes and yields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aebench.backends.weights import Weights
from aebench.records.record import PARTS, Curve, EngineName, Outcome
from aebench.records.spec import RunSpec

MakeModel = Callable[[RunSpec], Any]
_SHORTEST = 10  # epochs of a training that has such parts


class Progress(Protocol):
    """Told of each epoch that runs have finished; may do nothing."""

    def __call__(self, specs: Sequence[RunSpec], epoch: int, objectives: Sequence[float]) -> None:
        """Called after `epoch` (from 1) of the runs that go side by side, with the training objective of each."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A run's weights before and after training, its learning curves and its time.

    Attributes:
        earlier: its weights at the end of epochs before the last, by epoch: see `milestones`.
        cohort_size: runs that were trained as one program.
        cohort_seconds: what they took together, without compilation and validation.
        compile_seconds: of that program, paid once.
        images: that this run has seen in training.
    """

    spec: RunSpec
    engine: EngineName
    outcome: Outcome
    initial: Weights
    final: Weights
    earlier: Mapping[int, Weights]
    curve: Curve
    cohort_size: int
    cohort_seconds: float
    compile_seconds: float
    images: int

    @property
    def seconds(self) -> float:
        """This run's share of the cohort's time."""
        return self.cohort_seconds / self.cohort_size


def milestones(epochs: int) -> dict[int, float]:
    """The epochs at whose end a run is measured too, with the part of the training behind; of short ones none.

    Whether the answers would change with longer training is told by whether they have changed since.
    """
    return {round(part * epochs): part for part in PARTS} if epochs >= _SHORTEST else {}
