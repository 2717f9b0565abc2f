"""What of a study is missing, cut into cohorts, and the doing of it. Imports no Keras until there is work to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from suite import backend, data, environment
from suite.errors import UserError
from suite.record import RunRecord
from suite.spec import Backend, ModelSpec, RunSpec, TimingSpec
from suite.store import Store
from suite.study import Study

if TYPE_CHECKING:
    from suite.run import Cohort, Failure

LARGE_BATCH = 1024  # timed beside the study's own batch size
REPORTS = Path("reports")


class Watcher(Protocol):
    """Told how a bench goes on."""

    def cohort(self, specs: tuple[RunSpec, ...]) -> None:
        """These runs come next, as one cohort."""

    def epoch(self, spec: RunSpec, epoch: int, objective: float) -> None:
        """A run has finished an epoch."""

    def finished(self, outcome: RunRecord | Failure) -> None:
        """A run is done, or has crashed."""

    def timing(self, spec: TimingSpec) -> None:
        """The speed of a configuration is about to be measured."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study against its store: the whole grid, what is finished, and what is to be done.

    Attributes:
        grid: every run of the study, in its order.
        chosen: those that were asked for.
        records: the finished ones of the grid, by run id.
        missing: the chosen runs to be done.
        timings: the speeds to be measured on this machine.
    """

    study: Study
    backend: Backend
    store: Store
    grid: tuple[RunSpec, ...]
    chosen: tuple[RunSpec, ...]
    records: dict[str, RunRecord]
    missing: tuple[RunSpec, ...]
    timings: tuple[tuple[RunSpec, TimingSpec], ...]


def plan(
    study: Study,
    backend: Backend,
    store: Store,
    *,
    only: str | None = None,
    retry_diverged: bool = False,
) -> Plan:
    """Compares a study's grid with its store.

    Args:
        study: the grid.
        backend: the Keras backend that trains.
        store: what is finished.
        only: a pandas query over the columns of `suite table` that are known before a run, such as
            `"variant == 'vae' and latent_dim <= 4"`.
        retry_diverged: whether runs that diverged count as missing.

    Raises:
        UserError: a data set cannot be had, or `only` is not a query or matches nothing.
    """
    grid = study.expand({name: data.digest(name) for name in study.datasets}, backend)
    chosen = _only(grid, only) if only else grid
    records = {spec.run_id: record for spec in grid if (record := store.read_record(spec)) is not None}
    done = {name for name, record in records.items() if record.outcome == "ok" or not retry_diverged}
    return Plan(
        study=study,
        backend=backend,
        store=store,
        grid=tuple(grid),
        chosen=tuple(chosen),
        records=records,
        missing=tuple(spec for spec in chosen if spec.run_id not in done),
        timings=tuple(_missing_timings(chosen, store)),
    )


def _only(grid: list[RunSpec], query: str) -> list[RunSpec]:
    import pandas as pd

    rows = [{**spec.model_dump(), **spec.scalars, **spec.options} for spec in grid]
    try:
        kept = pd.DataFrame(rows).query(query).index
    except Exception as error:  # pandas raises whatever its parser met
        known = ", ".join(rows[0])
        raise UserError(f"--only {query!r} is not a query over {known}: {str(error).splitlines()[0]}") from None
    if kept.empty:
        raise UserError(f"--only {query!r} matches none of the study's {len(grid)} runs")
    return [grid[i] for i in kept]


def _missing_timings(chosen: list[RunSpec], store: Store) -> Iterator[tuple[RunSpec, TimingSpec]]:
    programs = {spec.cohort: spec for spec in reversed(chosen)}
    seen: set[str] = set()
    for spec in reversed(programs.values()):
        here = environment.current(spec.backend)
        for timing in timing_specs(spec):
            path = store.timing_path(timing, here)
            if timing.timing_id not in seen and not path.exists():
                seen.add(timing.timing_id)
                yield spec, timing


def timing_specs(spec: RunSpec) -> list[TimingSpec]:
    """What is timed of this run's program: the study's batch size and a large one."""
    shared = spec.model_dump(include=set(ModelSpec.model_fields))
    height, width, channels = data.load(spec.dataset).test.images.shape[1:]
    sizes = sorted({spec.batch_size, LARGE_BATCH})
    return [TimingSpec(**shared, image_shape=(height, width, channels), batch_size=size) for size in sizes]


def execute(todo: Plan, watcher: Watcher) -> None:
    """Trains, measures and times what is missing; each finished run is kept at once.

    Args:
        todo: see `plan`.
        watcher: told of everything.

    Raises:
        UserError: the store cannot be written to, or a study cannot be run as it is.
    """
    if not todo.missing and not todo.timings:
        return
    backend.choose(todo.backend)
    for cohort in cohorts(todo, todo.missing):
        watcher.cohort(cohort.specs)
        for outcome in cohort.train(watcher.epoch):
            watcher.finished(outcome)
    for spec, timing in todo.timings:
        watcher.timing(timing)
        (cohort,) = cohorts(todo, (spec,))
        cohort.time(timing)


def rescore(todo: Plan, watcher: Watcher) -> None:
    """Measures the chosen, finished runs anew from their kept weights, without training."""
    backend.choose(todo.backend)
    kept = tuple(spec for spec in todo.chosen if spec.run_id in todo.records)
    for cohort in cohorts(todo, kept):
        watcher.cohort(cohort.specs)
        for record in cohort.rescore():
            watcher.finished(record)


def cohorts(todo: Plan, specs: tuple[RunSpec, ...]) -> list[Cohort]:
    """Cuts runs into cohorts, in the order of the grid; pictures are drawn of each configuration's first seed."""
    from suite.run import Cohort

    groups: dict[str, list[RunSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.cohort, []).append(spec)
    pictured = {spec.configuration: spec.run_id for spec in reversed(todo.grid)}
    return [
        Cohort(
            specs=tuple(group),
            variant=todo.study.declaration(group[0].variant),
            dataset=data.load(group[0].dataset),
            store=todo.store,
            pictured=frozenset(pictured.values()),
        )
        for group in groups.values()
    ]
