"""Does what a plan says is missing. Imports no Keras until there is work to do."""

from __future__ import annotations

import itertools
import socket
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from aebench import backends, data
from aebench.backends import environment
from aebench.errors import UserError
from aebench.harness.pace import Policy
from aebench.harness.plan import Plan
from aebench.harness.saving import Saver, circumstances
from aebench.harness.watching import Failure, Watcher
from aebench.records.record import DatasetRecord, RunRecord
from aebench.records.spec import RunSpec, TimingSpec

if TYPE_CHECKING:
    from aebench.harness.cohort import Cohort
    from aebench.harness.engine.choice import EngineOption
    from aebench.harness.timing import Timer


Launch = Callable[[Plan, Watcher, Policy], set[str]]


def execute(
    todo: Plan,
    watcher: Watcher,
    engine: EngineOption = "auto",
    policy: Policy | None = None,
    launch: Launch | None = None,
) -> None:
    """Trains, measures and times what is missing; each finished run is kept at once.

    Args:
        todo: see `plan`.
        watcher: told of everything.
        engine: trains the runs of a cohort side by side, one by one, or as `aebench.harness.engine.choice` finds best.
        policy: when trainings are written aside.
        launch: has the missing runs done elsewhere, and returns the cohorts in which one crashed; by default they are
            done in this process. Speeds are measured in this one in any case, when all runs are done.

    Raises:
        Stopped: that was asked for.
        UserError: the store cannot be written to, or a study cannot be run as it is.
    """
    for name in todo.study.datasets:
        todo.store.write_dataset(_dataset_record(data.load(name)))
    _sweep(todo)
    if not todo.missing and not todo.timings:
        return
    policy = policy or Policy()
    crashed: set[str] = set()
    if launch is not None and todo.missing:
        crashed = launch(todo, watcher, policy)
    if launch is None or todo.timings:
        backends.choose(todo.backend)
        for name in {spec.precision for spec in todo.chosen}:
            backends.refuse_missing(name)  # before anything is trained
    if launch is None:
        crashed = _train(todo, watcher, engine, policy)
    if todo.timings:
        _time_all(todo, watcher, crashed, policy)


def _train(todo: Plan, watcher: Watcher, engine: EngineOption, policy: Policy) -> set[str]:
    """Does the missing runs, first those that no other bench is at; returns the cohorts in which one crashed."""
    crashed: set[str] = set()
    groups = by_cohort(todo.missing)
    for wait in (False, True):
        for name, specs in [*groups.items()]:
            had = do_cohort(todo, specs, watcher, engine, policy, wait=wait)
            if had is not None:
                del groups[name]
                crashed |= had
    return crashed


def do_cohort(
    todo: Plan, specs: tuple[RunSpec, ...], watcher: Watcher, engine: EngineOption, policy: Policy, *, wait: bool
) -> set[str] | None:
    """Does runs of one cohort, as `execute` does; returns it if one crashed.

    Args:
        todo: see `plan`.
        specs: missing runs of one cohort.
        watcher: told of everything.
        engine: see `execute`.
        policy: when trainings are written aside.
        wait: whether to wait for another bench that is at them; without, `None` is returned.
    """
    name = specs[0].cohort_name
    waiting = partial(watcher.waiting, specs) if wait else None
    with todo.store.locks.taken(name, waiting) as ours:
        if not ours:
            return None
        crashed = _train_cohort(todo, specs, watcher, engine, policy)
        todo.store.checkpoints.sweep(name, todo.store.has_record, todo.plans)
    return crashed


def _train_cohort(
    todo: Plan, specs: tuple[RunSpec, ...], watcher: Watcher, engine: EngineOption, policy: Policy
) -> set[str]:
    """Does runs of one cohort, but those that another bench has done since the plan was made."""
    crashed: set[str] = set()
    left = tuple(spec for spec in specs if not _done_meanwhile(todo, spec))
    watcher.elsewhere([spec for spec in specs if spec not in left])
    for spec in left:
        todo.store.remove_unfinished(spec.run_id)
    for cohort in cohorts(todo, left):
        watcher.cohort(cohort.specs)
        for outcome in cohort.train(engine, watcher.epoch, _saver(todo, cohort, watcher, policy)):
            watcher.finished(outcome)
            policy.stopping.heed()
            if not isinstance(outcome, RunRecord):
                crashed.add(outcome.spec.cohort)
    return crashed


def _saver(todo: Plan, cohort: Cohort, watcher: Watcher, policy: Policy) -> Saver:
    now = circumstances(todo.backend, cohort.own_code)
    return Saver(todo.store.checkpoints, todo.store.partial_scores, policy, now, watcher.resumed)


def by_cohort(specs: tuple[RunSpec, ...]) -> dict[str, tuple[RunSpec, ...]]:
    """Groups runs by the name of their cohort, in their order."""
    groups: dict[str, tuple[RunSpec, ...]] = {}
    for spec in specs:
        groups[spec.cohort_name] = (*groups.get(spec.cohort_name, ()), spec)
    return groups


def _sweep(todo: Plan) -> None:
    """Removes checkpoints of finished or abandoned runs, where nobody is at them and they are not to be done again."""
    for name in todo.store.checkpoints.cohorts() - by_cohort(todo.missing).keys():
        with todo.store.locks.taken(name) as ours:
            if ours:
                todo.store.checkpoints.sweep(name, todo.store.has_record, todo.plans)


def _done_meanwhile(todo: Plan, spec: RunSpec) -> bool:
    record, planned = todo.store.read_record(spec), todo.records.get(spec.run_id)
    return record is not None and (planned is None or planned.finished != record.finished)


def _rescored_meanwhile(todo: Plan, spec: RunSpec) -> bool:
    record, planned = todo.store.read_record(spec), todo.records[spec.run_id]
    asked = ("metric_versions", "measured_with")
    return record is not None and any(getattr(record, name) != getattr(planned, name) for name in asked)


def _timed_meanwhile(todo: Plan, timing: TimingSpec) -> bool:
    return todo.store.timing_path(timing, environment.current(todo.backend)).exists()


def _time_all(todo: Plan, watcher: Watcher, crashed: set[str], policy: Policy) -> None:
    """Measures the missing speeds, but of cohorts that crashed."""
    one = f"timing-{socket.gethostname()}"  # a machine's speeds disturb each other
    with todo.store.locks.taken(one, watcher.waiting_for_speeds):
        for spec, group in itertools.groupby(todo.timings, key=lambda timing: timing[0]):
            own = [timing for _, timing in group if not _timed_meanwhile(todo, timing)]
            if own and spec.cohort not in crashed:
                timer = _timer(todo, spec)  # one for all its batch sizes: it compiles them once
                for timing in own:
                    _time(timer, spec, timing, watcher)
                    policy.stopping.heed()


def _timer(todo: Plan, spec: RunSpec) -> Timer:
    from aebench.harness.timing import Timer

    (cohort,) = cohorts(todo, (spec,))
    return Timer(cohort)


def _time(timer: Timer, spec: RunSpec, timing: TimingSpec, watcher: Watcher) -> None:
    """Measures one speed; a crash, as of a batch that fits no memory, does not stop the others."""
    watcher.timing(timing)
    try:
        timer.time(timing)
    except UserError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        line = f"timing at batch size {timing.batch_size}: {what}"
        watcher.untimed(Failure(spec=spec, error=line, details=traceback.format_exc()))


def rescore(todo: Plan, specs: tuple[RunSpec, ...], watcher: Watcher, policy: Policy) -> None:
    """Measures finished runs anew from their kept weights, without training; each is kept at once.

    Args:
        todo: the plan of their study.
        specs: the runs.
        watcher: told of everything.
        policy: when scores are written aside.

    Raises:
        Stopped: that was asked for.
        UserError: the weights of a run are not there or damaged, or the store cannot be written to.
    """
    backends.choose(todo.backend)
    for name, group in by_cohort(specs).items():
        with todo.store.locks.taken(name, partial(watcher.waiting, group)):
            left = tuple(spec for spec in group if not _rescored_meanwhile(todo, spec))
            watcher.elsewhere([spec for spec in group if spec not in left])
            for cohort in cohorts(todo, left):
                watcher.cohort(cohort.specs)
                for record in cohort.rescore(_saver(todo, cohort, watcher, policy)):
                    watcher.finished(record)
                    policy.stopping.heed()
            todo.store.checkpoints.sweep(name, todo.store.has_record, todo.plans)


def cohorts(todo: Plan, specs: tuple[RunSpec, ...]) -> Iterator[Cohort]:
    """Cuts runs into cohorts, in the order of the grid; pictures are drawn of each configuration's first seed.

    One at a time: each holds its pixels and its compiled model for as long as it is held.
    """
    from aebench.harness.cohort import Cohort

    pictured = {spec.configuration: spec.run_id for spec in reversed(todo.grid)}
    grid = by_cohort(todo.grid)
    for name, group in by_cohort(specs).items():
        yield Cohort(
            specs=group,
            planned=grid[name],
            variant=todo.study.declaration(group[0].variant),
            network=todo.study.networks.get(group[0].network),
            dataset=data.load(group[0].dataset),
            store=todo.store,
            pictured=frozenset(pictured.values()),
            settings=todo.study.measures,
        )


def _dataset_record(dataset: data.Dataset) -> DatasetRecord:
    return DatasetRecord(
        name=dataset.name,
        digest=dataset.digest,
        sizes=(len(dataset.train), len(dataset.validation), len(dataset.test)),
        image_shape=dataset.image_shape,
        class_names=dataset.class_names,
        source=dataset.source,
        split_rule=dataset.split_rule,
        factors=dataset.factors,
        values=dataset.values,
        columns=dataset.columns,
    )
