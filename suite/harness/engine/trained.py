"""What every engine takes and yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from aebench.backends.weights import Weights
from aebench.records.keeping import Keeping, Piece
from aebench.records.record import PARTS, Curve, EngineName, Outcome
from aebench.records.spec import RunSpec

MakeModel = Callable[[RunSpec], Any]
State = Mapping[str, np.ndarray]
_SHORTEST = 10  # epochs of a training that has such parts


class Progress(Protocol):
    """Told of each epoch that runs have finished; may do nothing."""

    def __call__(self, specs: Sequence[RunSpec], epoch: int, objectives: Sequence[float]) -> None:
        """Called after `epoch` (from 1) of the runs that go side by side, with the training objective of each."""


class Place(Protocol):
    """Where one training is kept on its way.

    Attributes:
        state: what it goes on from, in the names under which the engine gave it; `None` from the start.
    """

    @property
    def state(self) -> State | None: ...  # noqa: D102

    def forget(self) -> None:
        """Lets go of `state`, which has been taken up."""

    def training(self) -> AbstractContextManager[None]:
        """Inside it, whoever wants the process to stop waits for the next `offer`."""

    def offer(self, state: Callable[[], Iterator[tuple[str, np.ndarray]]], *, finished: bool) -> None:
        """Called after each epoch: writes the state aside if it is time to, and stops the process if it was asked to.

        Args:
            state: all that the training goes on from, by name.
            finished: whether that was its last epoch.
        """


class Scores(Keeping, Protocol):
    """Where the scores of runs that were trained together are kept on their way."""

    def leave(self) -> None:
        """Called where they come to no record now: what was measured of them is not to be lost."""


class Saving(Protocol):
    """Where trainings are kept on their way."""

    def company(
        self, engine: EngineName, specs: tuple[RunSpec, ...], planned: tuple[RunSpec, ...]
    ) -> tuple[RunSpec, ...]:
        """The runs that an engine trains together so that `specs` come to be: those, or more of what is `planned`."""

    def begin(self, engine: EngineName, specs: Sequence[RunSpec]) -> Place:
        """The place of runs that an engine trains together."""

    def measuring(self, engine: EngineName, specs: Sequence[RunSpec], of: str) -> AbstractContextManager[Scores]:
        """The place of the scores of runs that were trained together, until their records are written.

        Args:
            engine: what trained them.
            specs: the runs.
            of: all that their scores hang on, beside the code that measures.
        """


class Unsaved:
    """A `Saving`, its `Place` and its `Scores` that keep nothing."""

    state = None

    def company(
        self,
        engine: EngineName,  # noqa: ARG002
        specs: tuple[RunSpec, ...],
        planned: tuple[RunSpec, ...],  # noqa: ARG002
    ) -> tuple[RunSpec, ...]:
        """The runs themselves."""
        return specs

    def begin(self, engine: EngineName, specs: Sequence[RunSpec]) -> Place:  # noqa: ARG002
        """Itself."""
        return self

    def forget(self) -> None:
        """There is nothing."""

    def training(self) -> AbstractContextManager[None]:
        """Nobody waits."""
        return nullcontext()

    def offer(self, state: Callable[[], Iterator[tuple[str, np.ndarray]]], *, finished: bool) -> None:
        """Writes nothing."""

    def measuring(self, engine: EngineName, specs: Sequence[RunSpec], of: str) -> AbstractContextManager[Scores]:  # noqa: ARG002
        """Itself."""
        return nullcontext(self)

    def __call__(self, name: str, compute: Callable[[], Piece], /) -> Piece:  # noqa: ARG002
        """What `compute` gives, each time anew."""
        return compute()

    def leave(self) -> None:
        """There is nothing."""


UNSAVED = Unsaved()


def numbered(name: str, arrays: Sequence[Any]) -> Iterator[tuple[str, np.ndarray]]:
    """A state's arrays of one kind: `name/0`, `name/1` ..."""
    return ((f"{name}/{i}", array) for i, array in enumerate(arrays))


def gathered(state: State, name: str) -> list[np.ndarray]:
    """What `numbered` has named."""
    found: list[np.ndarray] = []
    while (key := f"{name}/{len(found)}") in state:
        found.append(state[key])
    return found


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
