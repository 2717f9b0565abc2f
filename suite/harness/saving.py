"""When a training is written aside, and what it goes on from. Imports no Keras."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from aebench import backends, data, harness, models
from aebench.backends import environment
from aebench.errors import UserError
from aebench.harness.stopping import Stopping
from aebench.records.checkpoints import Arrays, Checkpoints, Circumstances, Header
from aebench.records.record import EngineName
from aebench.records.spec import RunSpec

INTERVAL: Final = 60.0  # seconds between two checkpoints
SHARE: Final = 0.02  # the most of its time that a training spends on them
QUICK: Final = 0.02  # seconds that one takes until one has been written: a guess

State = Callable[[], Iterator[tuple[str, np.ndarray]]]


@dataclass
class Policy:
    """When the trainings of a bench are written aside.

    Attributes:
        interval: seconds between two checkpoints of a training; `None` for never.
        stopping: whether the process is to stop.
        clock: tells seconds.
        complained: whether it was told that a checkpoint could not be written, which is told once.
    """

    interval: float | None = INTERVAL
    stopping: Stopping = field(default_factory=Stopping)
    clock: Callable[[], float] = time.monotonic
    complained: bool = False


class Saver:
    """Keeps the trainings of a cohort on their way: see `aebench.harness.engine.trained.Saving`.

    Args:
        checkpoints: where to.
        policy: when.
        now: what decides to the last bit how a training goes on.
        resumed: told of runs that do not start anew.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        policy: Policy,
        now: Circumstances,
        resumed: Callable[[Sequence[RunSpec]], None],
    ) -> None:
        self.checkpoints, self.policy, self.now, self.resumed = checkpoints, policy, now, resumed
        self._found: dict[tuple[str, ...], Arrays | None] = {}  # by the runs that are trained together
        self._told: set[Path] = set()  # what cannot be used

    def company(self, engine: EngineName, specs: Sequence[RunSpec], planned: Sequence[RunSpec]) -> tuple[RunSpec, ...]:
        """The runs that are trained together so that these come to be: themselves, or all of their checkpoint.

        How a member's numbers are rounded depends on its cohort. So where some of one are finished already, as when
        a bench was killed while it kept them, the others go on in the company in which they were.

        Args:
            engine: what trains them.
            specs: the runs to be done.
            planned: all runs that they may be trained with.
        """
        known = {spec.run_id: spec for spec in planned}
        wanted = self._header(engine, specs)
        header, unfit = self.checkpoints.find(wanted, known.keys())
        for path in unfit.keys() - self._told:
            self._told.add(path)
            self.checkpoints.warn(f"{path} is not used, its runs are trained from the start: {unfit[path]}")
        arrays = self.checkpoints.read(header) if header else None
        if header is None or arrays is None:
            self._found[wanted.runs] = None
            return tuple(specs)
        self._found[header.runs] = arrays
        return tuple(known[run] for run in header.runs)

    def begin(self, engine: EngineName, specs: Sequence[RunSpec]) -> SavedPlace:
        """The place of runs that an engine trains together."""
        header = self._header(engine, specs)
        if header.runs not in self._found:
            self.company(engine, specs, specs)
        state = self._found.pop(header.runs)
        if state is not None:
            self.resumed(specs)
        return SavedPlace(self, header, state)

    def _header(self, engine: EngineName, specs: Sequence[RunSpec]) -> Header:
        runs = tuple(spec.run_id for spec in specs)
        return Header(cohort=specs[0].cohort_name, runs=runs, engine=engine, circumstances=self.now)

    def write(self, header: Header, state: State) -> None:
        """Writes a checkpoint; where that fails, the training goes on and it is told once."""
        try:
            self.checkpoints.write(header, state())
        except UserError as error:
            if not self.policy.complained:
                self.policy.complained = True
                self.checkpoints.warn(f"{error}; training goes on, and an interrupt loses what is not in a checkpoint")


class SavedPlace:
    """Where one training is kept: see `aebench.harness.engine.trained.Place`."""

    def __init__(self, saver: Saver, header: Header, state: Arrays | None) -> None:
        self.saver, self.policy, self.header, self.state = saver, saver.policy, header, state
        self._begun = self._last = self.policy.clock()
        self._spent, self._cost = 0.0, QUICK

    def forget(self) -> None:
        """Lets go of `state`, which has been taken up."""
        self.state = None

    def training(self) -> AbstractContextManager[None]:
        """Inside it, whoever wants the process to stop waits for the next `offer`, if that keeps anything."""
        self._begun = self._last = self.policy.clock()
        return nullcontext() if self.policy.interval is None else self.policy.stopping.deferred()

    def offer(self, state: State, *, finished: bool) -> None:
        """Writes the state aside if it is time to, and stops the process if it was asked to.

        A finished training is written whatever the interval, so that it is measured and not done again.
        """
        stopping = self.policy.stopping.asked is not None
        if self.policy.interval is not None and (stopping or self._due(self.policy.interval, finished=finished)):
            self._write(state)
        self.policy.stopping.heed()

    def _due(self, interval: float, *, finished: bool) -> bool:
        now = self.policy.clock()
        affordable = self._spent + self._cost <= SHARE * (now - self._begun)
        return affordable and (finished or now - self._last >= interval)

    def _write(self, state: State) -> None:
        begun = self.policy.clock()
        self.saver.write(self.header, state)
        self._last = self.policy.clock()
        self._cost = self._last - begun
        self._spent += self._cost


def circumstances(backend: str, own: Sequence[Path]) -> Circumstances:
    """What decides here and now how a training goes on, beside its spec; `own` are files of a user's own code."""
    here = environment.current(backend)
    return Circumstances(
        code=_digest(tuple(own)),
        device_kind=here.device_kind,
        versions={"python": here.python, **here.versions},
        switches={name: switch.value for name, switch in here.switches.items()},
    )


@cache
def _digest(own: tuple[Path, ...]) -> str:
    """A digest of the source that training runs through."""
    folders = [Path(next(iter(room.__path__))) for room in (backends, data, harness, models)]
    found = hashlib.sha256()
    for path in [*(path for folder in folders for path in sorted(folder.rglob("*.py"))), *own]:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]
