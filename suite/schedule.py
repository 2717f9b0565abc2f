"""What of a study is missing, cut into cohorts, and the doing of it. Imports no Keras until there is work to do."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from suite import backend, data, environment
from suite.errors import UserError
from suite.expectations import Measures
from suite.metrics import METRICS, PROFILES
from suite.record import RunRecord
from suite.spec import Backend, ModelSpec, RunSpec, TimingSpec
from suite.store import Store
from suite.study import Study

if TYPE_CHECKING:
    from suite.engine.choice import EngineOption
    from suite.run import Cohort, Failure

TIMED_BATCHES = (1, 1024, 8192)  # timed beside the study's own batch size
REPORTS = Path("reports")


class Watcher(Protocol):
    """Told how a bench goes on."""

    def cohort(self, specs: tuple[RunSpec, ...]) -> None:
        """These runs come next, as one cohort."""

    def epoch(self, specs: Sequence[RunSpec], epoch: int, objectives: Sequence[float]) -> None:
        """Runs that go side by side have finished an epoch."""

    def finished(self, outcome: RunRecord | Failure) -> None:
        """A run is done, or has crashed."""

    def timing(self, spec: TimingSpec) -> None:
        """The speed of a configuration is about to be measured."""

    def untimed(self, failure: Failure) -> None:
        """Measuring that speed has crashed."""


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

    @property
    def finished(self) -> tuple[RunSpec, ...]:
        """The chosen runs that have a record, diverged ones included."""
        return tuple(spec for spec in self.chosen if spec.run_id in self.records)

    @property
    def outdated(self) -> tuple[RunRecord, ...]:
        """Finished runs that were measured by older code, or less or more thoroughly than the study now asks for."""
        return tuple(record for record in self.records.values() if _outdated(record, self.study.measures))


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
        only: a condition, as pandas reads it, on the columns of `suite table` that are known before a run, such as
            `"variant == 'vae' and latent_dim <= 4"`.
        retry_diverged: whether runs that diverged count as missing.

    Raises:
        UserError: a data set cannot be had or is smaller than a batch, `only` is not a condition or matches nothing, or
            the store cannot be read.
    """
    grid = study.expand({name: data.digest(name) for name in study.datasets}, backend)
    chosen = grid if only is None else _only(grid, only)
    _refuse_large_batches(chosen)
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


def _outdated(record: RunRecord, measures: Measures) -> bool:
    if record.outcome != "ok":
        return False
    now = {name: metric.version for name, metric in {**METRICS, **PROFILES}.items()}
    samples = record.metrics.get("nll_samples")
    return record.metric_versions != now or (samples is not None and samples != measures.nll_samples)


def _only(grid: list[RunSpec], query: str) -> list[RunSpec]:
    import pandas as pd

    nested = {"scalars", "options", "adam"}
    frame = pd.DataFrame([{**spec.model_dump(exclude=nested), **spec.scalars, **spec.options} for spec in grid])
    try:
        matches = frame.eval(query)
    except Exception as error:  # pandas raises whatever its parser met
        reason = f"{error}".splitlines()[:1] or [type(error).__name__]
        raise UserError(f"--only {query!r} is not a condition on {', '.join(map(str, frame))}: {reason[0]}") from None
    if not (isinstance(matches, pd.Series) and pd.api.types.is_bool_dtype(matches)):
        raise UserError(
            f"--only {query!r} is not a condition; give one such as \"variant == 'vae' and latent_dim <= 4\""
        )
    if not matches.any():
        raise UserError(f"--only {query!r} matches none of the study's {len(grid)} runs")
    return list(itertools.compress(grid, matches))


def _refuse_large_batches(specs: list[RunSpec]) -> None:
    """Told before anything is trained; engines leave out an epoch's last, incomplete batch."""
    for name, train_on, size in dict.fromkeys((spec.dataset, spec.train_on, spec.batch_size) for spec in specs):
        dataset = data.load(name)
        images = len(dataset.train) + (len(dataset.validation) if train_on == "train+validation" else 0)
        if size > images:
            raise UserError(
                f"batch_size {size} is larger than what {name} has to train on ({images} images in {train_on}); "
                "lower it in the study"
            )


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
    """What is timed of this run's program: the study's batch size and others from one image to thousands."""
    shared = spec.model_dump(include=set(ModelSpec.model_fields))
    height, width, channels = data.load(spec.dataset).test.images.shape[1:]
    sizes = sorted({spec.batch_size, *TIMED_BATCHES})
    return [TimingSpec(**shared, image_shape=(height, width, channels), batch_size=size) for size in sizes]


def execute(todo: Plan, watcher: Watcher, engine: EngineOption = "auto") -> None:
    """Trains, measures and times what is missing; each finished run is kept at once.

    Args:
        todo: see `plan`.
        watcher: told of everything.
        engine: trains the runs of a cohort side by side, one by one, or as `suite.engine.choice` finds best.

    Raises:
        UserError: the store cannot be written to, or a study cannot be run as it is.
    """
    if not todo.missing and not todo.timings:
        return
    backend.choose(todo.backend)
    for name in {spec.precision for spec in todo.chosen}:
        backend.refuse_missing(name)  # before anything is trained
    crashed = _train(todo, watcher, engine)
    for spec, group in itertools.groupby(todo.timings, key=lambda timing: timing[0]):
        if spec.cohort not in crashed:
            (cohort,) = cohorts(todo, (spec,))  # one for all its batch sizes: it compiles them once
            for _, timing in group:
                _time(cohort, spec, timing, watcher)


def _train(todo: Plan, watcher: Watcher, engine: EngineOption) -> set[str]:
    """Does the missing runs; returns the cohorts in which one crashed."""
    crashed: set[str] = set()
    for cohort in cohorts(todo, todo.missing):
        watcher.cohort(cohort.specs)
        for outcome in cohort.train(engine, watcher.epoch):
            watcher.finished(outcome)
            if not isinstance(outcome, RunRecord):
                crashed.add(outcome.spec.cohort)
    return crashed


def _time(cohort: Cohort, spec: RunSpec, timing: TimingSpec, watcher: Watcher) -> None:
    """Measures one speed; a crash, as of a batch that fits no memory, does not stop the others."""
    from suite.run import Failure

    watcher.timing(timing)
    try:
        cohort.time(timing)
    except UserError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        line = f"timing at batch size {timing.batch_size}: {what}"
        watcher.untimed(Failure(spec=spec, error=line, details=traceback.format_exc()))


def rescore(todo: Plan, watcher: Watcher) -> None:
    """Measures the chosen, finished runs anew from their kept weights, without training.

    Raises:
        UserError: the weights of a run are not there or damaged, or the store cannot be written to.
    """
    backend.choose(todo.backend)
    for cohort in cohorts(todo, todo.finished):
        watcher.cohort(cohort.specs)
        for record in cohort.rescore():
            watcher.finished(record)


def cohorts(todo: Plan, specs: tuple[RunSpec, ...]) -> Iterator[Cohort]:
    """Cuts runs into cohorts, in the order of the grid; pictures are drawn of each configuration's first seed.

    One at a time: each holds its pixels and its compiled model for as long as it is held.
    """
    from suite.run import Cohort

    groups: dict[str, list[RunSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.cohort, []).append(spec)
    pictured = {spec.configuration: spec.run_id for spec in reversed(todo.grid)}
    grid: dict[str, list[RunSpec]] = {}
    for spec in todo.grid:
        grid.setdefault(spec.cohort, []).append(spec)
    for name, group in groups.items():
        yield Cohort(
            specs=tuple(group),
            planned=tuple(grid[name]),
            variant=todo.study.declaration(group[0].variant),
            dataset=data.load(group[0].dataset),
            store=todo.store,
            pictured=frozenset(pictured.values()),
            measures=todo.study.measures,
        )
