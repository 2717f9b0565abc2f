"""The bench's side: hands cohorts out to workers, the largest first, and hands out again what a dead one was at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from aebench import data
from aebench.errors import UserError
from aebench.harness.execute import by_cohort
from aebench.harness.launchers.tasks import BUSY, DONE, ENDS, LEFT, LOST, REFUSED, Job, Message, Task, retell
from aebench.harness.pace import Policy
from aebench.harness.plan import Plan
from aebench.harness.watching import Failure, Watcher
from aebench.records.spec import RunSpec
from aebench.study import reading

MOST_DEATHS: Final = 3  # of workers at one cohort without an epoch's progress in between, until it counts as crashed


class Place(Protocol):
    """Where workers are. Each submitted task ends with one message of `ENDS`, whatever becomes of its worker."""

    def submit(self, tasks: Sequence[Task]) -> None:
        """Hands out tasks, to be begun in this order."""

    def heard(self) -> Iterable[tuple[str, Message]]:
        """What workers have told of cohorts; waits for it, at most about a second.

        Raises:
            UserError: the place is gone.
        """

    def stop(self) -> None:
        """Asks workers to stop at the end of their epoch, and takes back what none has begun."""


@dataclass
class _Course:
    """How a cohort goes on.

    Attributes:
        specs: its runs to be done.
        begun: whether a worker is at it.
        deaths: of workers, since it last came further.
        epochs: of each run, the furthest that was told.
        scores: files of what has been measured of it, when a worker died last.
        left: its runs that have neither a record nor failed.
    """

    specs: tuple[RunSpec, ...]
    begun: bool = False
    deaths: int = 0
    epochs: dict[str, int] = field(default_factory=dict)
    scores: int = 0
    left: set[str] = field(default_factory=set)


def job_of(todo: Plan, engine: str, interval: float | None) -> Job:
    """What workers must know of a plan."""
    source = todo.study.source
    own = source.parent != reading.STUDIES  # else another machine has it where it has the suite
    return Job(
        study=str(source.resolve()) if own else source.stem,
        backend=todo.backend,
        root=str(todo.store.root.resolve()),
        engine=engine,
        interval=interval,
    )


def largest_first(todo: Plan) -> dict[str, tuple[RunSpec, ...]]:
    """The missing runs by cohort, that with the most pixels to see first: so workers end at about the same time.

    A cohort is never cut for this: how a run is rounded depends on its company.
    """
    groups = by_cohort(todo.missing)
    return dict(sorted(groups.items(), key=lambda group: -sum(map(_pixels, group[1]))))


def _pixels(spec: RunSpec) -> int:
    dataset = data.load(spec.dataset)
    return spec.epochs * len(dataset.train) * math.prod(dataset.image_shape)


class Driver:
    """Has the missing runs of a plan done at a place.

    Args:
        todo: the plan.
        place: where workers are.
        watcher: told of everything.
        policy: whether to stop.
    """

    def __init__(self, todo: Plan, place: Place, watcher: Watcher, policy: Policy) -> None:
        self.todo, self.place, self.watcher, self.stopping = todo, place, watcher, policy.stopping
        self.planned = {spec.run_id: spec for spec in todo.grid}
        self.crashed: set[str] = set()
        self._open: dict[str, _Course] = {}
        self._lost = 0
        self._refusal: str | None = None
        self._stopped = False

    def run(self) -> set[str]:
        """Returns when every cohort is done, with the cohorts in which a run crashed.

        Raises:
            Stopped: that was asked for; all workers have stopped.
            UserError: a worker refused, as where the store cannot be written to, or the place is gone.
        """
        for name, specs in largest_first(self.todo).items():
            self._open[name] = _Course(specs, left={spec.run_id for spec in specs})
        with self.stopping.deferred():
            self.place.submit([self._task(name) for name in self._open])
            while self._open:
                if self.stopping.asked is not None or self._refusal is not None:
                    self._stop()
                for name, message in self.place.heard():
                    self._hear(name, message)
        self.stopping.heed()
        if self._refusal is not None:
            raise UserError(self._refusal)
        return self.crashed

    def _stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self.place.stop()

    def _task(self, name: str, *, wait: bool = False) -> Task:
        records = self.todo.records
        course = self._open[name]
        runs = {run.run_id: records[run.run_id].finished if run.run_id in records else None for run in course.specs}
        return Task(cohort=name, runs={run: made for run, made in runs.items() if run in course.left}, wait=wait)

    def _hear(self, name: str, message: Message) -> None:
        course = self._open.get(name)
        if course is None:  # a worker that was thought dead has a late word
            return
        if message["kind"] in ENDS:
            course.begun = False
            self._end(name, course, message)
        elif message["kind"] == "warning":
            self.todo.store.warn(message["line"])
        else:
            course.begun = True
            self._note(course, message)
            retell(message, self.planned, self.watcher)
        self.watcher.workers(sum(one.begun for one in self._open.values()), self._lost)

    def _note(self, course: _Course, message: Message) -> None:
        """Remembers how far a cohort has come."""
        runs = message.get("runs", ())
        if message["kind"] == "epoch":
            if any(message["epoch"] > course.epochs.get(run, 0) for run in runs):
                course.deaths = 0
            course.epochs.update(dict.fromkeys(runs, message["epoch"]))
        elif message["kind"] in ("finished", "failed", "elsewhere"):
            course.deaths = 0
            course.left.difference_update(runs)
        if message["kind"] == "failed":
            self.crashed |= {self.planned[run].cohort for run in runs}

    def _end(self, name: str, course: _Course, message: Message) -> None:
        kind = message["kind"]
        if kind == REFUSED:
            self._refusal = self._refusal or message["error"]
        if kind == LOST:
            self._note_scores(name, course)
            course.deaths += 1
            self._lost += 1
        if kind == DONE:
            self._read_unheard(course)
        if kind == LOST and not course.left:  # it died when all was done but this
            self._sweep(name)
        if kind in (DONE, REFUSED) or self._stopped or not course.left:
            del self._open[name]
        elif kind in (BUSY, LEFT):  # left by itself: somebody has sent its worker a signal
            self.place.submit([self._task(name, wait=kind == BUSY)])
        elif course.deaths < MOST_DEATHS:
            self.watcher.lost(course.specs, message["why"])
            self.place.submit([self._task(name)])
        else:
            self._give_up(name, course, message["why"])

    def _note_scores(self, name: str, course: _Course) -> None:
        """A worker that died in measuring has come further if it has left scores."""
        scores = self.todo.store.partial_scores.count(name)
        if scores > course.scores:
            course.deaths = 0
        course.scores = scores

    def _read_unheard(self, course: _Course) -> None:
        """Tells of records that a worker has left, if its word of them was lost."""
        for spec in course.specs:
            if spec.run_id in course.left and (record := self.todo.store.read_record(spec)) is not None:
                self.watcher.finished(record)

    def _sweep(self, name: str) -> None:
        """Does what a worker does at last: the cohort's checkpoint goes, and what says who holds its lock."""
        with self.todo.store.locks.taken(name) as ours:
            if ours:
                self.todo.store.checkpoints.sweep(name, self.todo.store.has_record, self.todo.plans)

    def _give_up(self, name: str, course: _Course, why: str) -> None:
        del self._open[name]
        error = f"{MOST_DEATHS} workers died at it, the last one: {why}"
        for spec in course.specs:
            if spec.run_id in course.left:
                self.crashed.add(spec.cohort)
                self.watcher.finished(Failure(spec=spec, error=error, details=f"{error}\n"))
