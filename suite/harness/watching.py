"""Who is told how a bench goes on, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aebench.records.record import RunRecord
from aebench.records.spec import RunSpec, TimingSpec


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A run that crashed: it leaves no record and is tried again next time."""

    spec: RunSpec
    error: str
    details: str


class Watcher(Protocol):
    """Told how a bench goes on."""

    def cohort(self, specs: tuple[RunSpec, ...]) -> None:
        """These runs come next, as one cohort."""

    def resumed(self, specs: Sequence[RunSpec]) -> None:
        """Runs that are trained together go on from their checkpoint."""

    def epoch(self, specs: Sequence[RunSpec], epoch: int, objectives: Sequence[float]) -> None:
        """Runs that go side by side have finished an epoch."""

    def finished(self, outcome: RunRecord | Failure) -> None:
        """A run is done, or has crashed."""

    def waiting(self, specs: tuple[RunSpec, ...], holder: str) -> None:
        """These runs are being done by another bench on the same folder; `holder` says which."""

    def waiting_for_speeds(self, holder: str) -> None:
        """Another bench on the same machine is measuring speeds."""

    def elsewhere(self, specs: Sequence[RunSpec]) -> None:
        """Another bench has done these runs in the meantime."""

    def workers(self, busy: int, lost: int) -> None:
        """So many workers are at cohorts, and so many have died."""

    def lost(self, specs: Sequence[RunSpec], why: str) -> None:
        """The worker that was at these runs has died; another goes on with them."""

    def timing(self, spec: TimingSpec) -> None:
        """The speed of a configuration is about to be measured."""

    def untimed(self, failure: Failure) -> None:
        """Measuring that speed has crashed."""
