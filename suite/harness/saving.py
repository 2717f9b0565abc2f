"""When a training is written aside, and what it goes on from. Imports no Keras."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np

from aebench import backends, data, harness, measures, models
from aebench.backends import environment
from aebench.errors import UserError
from aebench.harness.pace import Pace, Policy
from aebench.records.checkpoints import Checkpoints
from aebench.records.headed import Arrays, Circumstances, Header
from aebench.records.partial_scores import KEY, PartialScores
from aebench.records.record import EngineName
from aebench.records.spec import RunSpec

TRAINING: Final = (backends, data, harness, models)  # the rooms whose code training runs through
MEASURING: Final = (measures,)  # and measuring beside these
State = Callable[[], Iterator[tuple[str, np.ndarray]]]


class Saver:
    """Keeps the trainings and the scores of a cohort on their way: see `aebench.harness.engine.trained.Saving`.

    Args:
        checkpoints: where trainings go.
        scores: where scores go.
        policy: when.
        now: what decides to the last bit how a training goes on.
        resumed: told of runs that do not start anew.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        scores: PartialScores,
        policy: Policy,
        now: Circumstances,
        resumed: Callable[[Sequence[RunSpec]], None],
    ) -> None:
        self.checkpoints, self.scores, self.policy = checkpoints, scores, policy
        self.now, self.resumed = now, resumed
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
        for path in unfit.keys() - self._told if header is None else ():
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

    @contextmanager
    def measuring(self, engine: EngineName, specs: Sequence[RunSpec], of: str) -> Iterator[SavedScores]:
        """Where the scores of runs that were trained together are kept until their records are written.

        Args:
            engine: what trained them.
            specs: the runs.
            of: all that their scores hang on, beside the code that measures.
        """
        key = hashlib.sha256(f"{self.now.model_dump_json()} {_digest((), MEASURING)} {of}".encode()).hexdigest()[:KEY]
        kept = SavedScores(self, self._header(engine, specs), key)
        try:
            yield kept
        except BaseException:
            kept.leave()
            raise

    def write(self, how: Callable[[], None]) -> None:
        """Writes something aside; where that fails, the work goes on and it is told once."""
        try:
            how()
        except UserError as error:
            if not self.policy.complained:
                self.policy.complained = True
                self.checkpoints.warn(f"{error}; work goes on, and an interrupt loses what is not in a checkpoint")


class SavedPlace:
    """Where one training is kept: see `aebench.harness.engine.trained.Place`."""

    def __init__(self, saver: Saver, header: Header, state: Arrays | None) -> None:
        self.saver, self.policy, self.header, self.state = saver, saver.policy, header, state
        self._pace = Pace(saver.policy)

    def forget(self) -> None:
        """Lets go of `state`, which has been taken up."""
        self.state = None

    def training(self) -> AbstractContextManager[None]:
        """Inside it, whoever wants the process to stop waits for the next `offer`, if that keeps anything."""
        self._pace.restart()
        return nullcontext() if self.policy.interval is None else self.policy.stopping.deferred()

    def offer(self, state: State, *, finished: bool) -> None:
        """Writes the state aside if it is time to, and stops the process if it was asked to.

        A finished training is written whatever the interval, so that it is measured and not done again.
        """
        stopping = self.policy.stopping.asked is not None
        if self.policy.interval is not None and (stopping or self._pace.due(finished=finished)):
            with self._pace.writing():
                self.saver.write(lambda: self.saver.checkpoints.write(self.header, state()))
        self.policy.stopping.heed()


class SavedScores:
    """Where the scores of one cohort are kept on their way: see `aebench.records.keeping.Keeping`.

    Pieces wait until it is time to write, so that many small ones make one file; `leave` writes those that wait.
    """

    def __init__(self, saver: Saver, header: Header, key: str) -> None:
        self.saver, self.header, self.key = saver, header, key
        self._pace = Pace(saver.policy)
        self._found = saver.scores.read(header, key)
        self._waiting: dict[str, Arrays] = {}

    def __call__(self, name: str, compute: Callable[[], Arrays], /) -> Arrays:
        """What `compute` gives, or gave under this name before an interrupt."""
        if name in self._found:
            return self._found[name]
        piece = compute()
        if self.saver.policy.interval is not None:
            self._waiting[name] = piece
            if self._pace.due():
                self._write()
        return piece

    def leave(self) -> None:
        """Writes what waits, before the process ends or the cohort is given up."""
        if self._waiting:
            self._write()

    def _write(self) -> None:
        with self._pace.writing():
            self.saver.write(lambda: self.saver.scores.write(self.header, self.key, self._waiting))
        self._waiting = {}


def circumstances(backend: str, own: Sequence[Path]) -> Circumstances:
    """What decides here and now how a training goes on, beside its spec; `own` are files of a user's own code."""
    here = environment.current(backend)
    return Circumstances(
        code=_digest(tuple(own), TRAINING),
        device_kind=here.device_kind,
        versions={"python": here.python, **here.versions},
        switches={name: switch.value for name, switch in here.switches.items()},
    )


@cache
def _digest(own: tuple[Path, ...], rooms: tuple[ModuleType, ...]) -> str:
    """A digest of the source in rooms, and in other files."""
    folders = [Path(next(iter(room.__path__))) for room in rooms]
    found = hashlib.sha256()
    for path in [*(path for folder in folders for path in sorted(folder.rglob("*.py"))), *own]:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]
