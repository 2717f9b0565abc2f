"""The one place that knows both engine and measures: cohort -> train -> measure -> record."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from suite import backend, environment, inputs, variants
from suite.data import Dataset
from suite.engine import sequential, vectorised
from suite.engine.choice import Choice, EngineOption, choose, member_bytes
from suite.engine.trained import Progress, Trained
from suite.engine.trainer import Trainer
from suite.errors import UserError
from suite.expectations import Measures
from suite.measure import memory, throughput
from suite.measure.classifier import classifier
from suite.measure.flops import matmul_flops_per_s
from suite.measure.operations import Operations
from suite.measure.power import EnergyCounter, energy_counter
from suite.measure.score import Member, Score, Scorer
from suite.measure.throughput import Operation
from suite.metrics import METRICS, PROFILES
from suite.record import OperationTiming, RunRecord, TimingRecord, Training
from suite.spec import RunSpec, TimingSpec
from suite.store import Store
from suite.weights import Weights, get_weights

MOST_SCORED = 64  # runs whose weights are held at once to be measured anew


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A run that crashed: it leaves no record and is tried again next time."""

    spec: RunSpec
    error: str
    details: str


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """Runs that differ in seed and scalars alone, with the data that they share.

    Attributes:
        specs: the runs to do.
        planned: all runs of the study that share them, in its order; how they are cut depends on no run's being done.
        variant: what their variant's file declares.
        dataset: what they train on.
        store: where they go.
        measures: how thoroughly they are measured.
        pictured: run ids whose pictures are drawn (the first seed of each configuration).
    """

    specs: tuple[RunSpec, ...]
    planned: tuple[RunSpec, ...]
    variant: variants.Declaration
    dataset: Dataset
    store: Store
    pictured: frozenset[str]
    measures: Measures = field(default_factory=Measures)

    @cached_property
    def inputs(self) -> inputs.Inputs:
        """The pixels that these runs see."""
        return inputs.prepare(self.dataset, self.specs[0].likelihood, self.specs[0].train_on)

    @cached_property
    def scorer(self) -> Scorer:
        """Their model in full float32, compiled for the measures."""
        with backend.precision("float32"):
            return Scorer(self.make_model(self.specs[0]), self.inputs, self.measures, classifier(self.dataset))

    def make_model(self, spec: RunSpec) -> Any:
        """A run's model with its own initial weights."""
        model = variants.load(self.variant)(
            spec.latent_dim,
            network=spec.network,
            likelihood=spec.likelihood,
            seed=spec.seed,
            name=spec.variant,
            **spec.scalars,
            **spec.options,
        )
        model.adapt(self.inputs.train_mean)  # the mean of one image is itself; of all, it takes longer than the rest
        return model

    def train(self, asked: EngineOption, progress: Progress) -> Iterator[RunRecord | Failure]:
        """Trains, measures and records the runs; one that crashes does not stop the others.

        Args:
            asked: which engine trains.
            progress: told of every epoch.
        """
        try:
            choice = self._choose(asked)
        except UserError:
            raise
        except Exception as error:  # whatever a user's variant raises
            yield from _failures(self.specs, error)
            return
        if choice.engine == "sequential":
            yield from self._one_by_one(self.specs, choice.reason, progress)
            return
        for part in self._parts(choice.members):
            yield from self._together(part, asked, choice, progress)

    def _choose(self, asked: EngineOption) -> Choice:
        spec = self.specs[0]
        return choose(asked, self.make_model(spec), spec, environment.current(spec.backend).device_kind)

    def _parts(self, members: int) -> Iterator[tuple[RunSpec, ...]]:
        """The runs to do in parts of about equal size, cut as if the whole grid were to be done."""
        size = math.ceil(len(self.planned) / math.ceil(len(self.planned) / members))
        for start in range(0, len(self.planned), size):
            if part := tuple(spec for spec in self.planned[start : start + size] if spec in self.specs):
                yield part

    def _together(
        self, specs: tuple[RunSpec, ...], asked: EngineOption, choice: Choice, progress: Progress
    ) -> Iterator[RunRecord | Failure]:
        """Trains runs as one program; where that fails and nobody insisted on it, one by one."""
        try:
            with backend.precision(specs[0].precision):
                trained = list(vectorised.train(specs, self.make_model, self.inputs, progress))
        except UserError:
            raise
        except Exception as error:
            if asked == "vectorised":
                yield from _failures(specs, error)
            else:
                yield from self._one_by_one(specs, f"the vectorised engine failed: {_one_line(error)}", progress)
            return
        yield from self._record(trained, choice.reason)

    def _one_by_one(self, specs: tuple[RunSpec, ...], reason: str, progress: Progress) -> Iterator[RunRecord | Failure]:
        pending = specs
        while pending:
            runs = sequential.train(pending, self.make_model, self.inputs, progress)
            try:
                while pending:
                    with backend.precision(specs[0].precision):
                        trained = next(runs)
                    yield from self._record([trained], reason)
                    pending = pending[1:]
            except UserError:
                raise
            except Exception as error:  # told, and the next run goes on
                yield from _failures(pending[:1], error)
                pending = pending[1:]

    def rescore(self) -> Iterator[RunRecord]:
        """Measures finished runs anew from their kept weights, and rewrites their records."""
        for part in self._parts(MOST_SCORED):
            records = [self._finished(spec) for spec in part]
            scored = [(record, weights) for record, weights in records if record.outcome == "ok"]
            scores = self._score([(record.spec, weights, self._initial(record.spec)) for record, weights in scored])
            for (record, _), score in zip(scored, scores, strict=True):
                times = {name: record.metrics.get(name) for name in ("train_seconds", "train_images_per_s")}
                update = {
                    "metrics": {**score.metrics, **times},
                    "profiles": score.profiles,
                    "metric_versions": _versions(),
                }
                yield self._keep(record.model_copy(update=update), score.arrays)
            yield from (record for record, _ in records if record.outcome == "diverged")

    def _finished(self, spec: RunSpec) -> tuple[RunRecord, Weights]:
        record = self.store.read_record(spec)
        weights = self.store.read_arrays(spec.run_id, "weights")
        if record is None or weights is None:
            raise UserError(f"run {spec.run_id} has no record or no kept weights; run `suite bench` first")
        return record, weights

    def _initial(self, spec: RunSpec) -> Weights:
        return get_weights(self.make_model(spec))

    def _score(self, runs: Sequence[tuple[RunSpec, Weights, Weights]]) -> list[Score]:
        """Numbers and arrays of runs, each with its weights and its initial ones, in full float32."""
        members = [
            Member(weights=final, initial=initial, pictured=spec.run_id in self.pictured)
            for spec, final, initial in runs
        ]
        return self.scorer.score(members) if members else []

    def _record(self, trained: Sequence[Trained], reason: str) -> Iterator[RunRecord | Failure]:
        """Measures trained runs and keeps them; a crash of a measure fails them all, which tells its reason to each."""
        finite = [run for run in trained if run.outcome == "ok"]
        try:
            scores = iter(self._score([(run.spec, run.final, run.initial) for run in finite]))
        except Exception as error:
            yield from _failures([run.spec for run in trained], error)
            return
        for run in trained:
            score = next(scores) if run.outcome == "ok" else self._unscored()
            times = {"train_seconds": run.seconds, "train_images_per_s": run.images / run.seconds}
            self.store.write_arrays(run.spec.run_id, "weights", dict(run.final))
            record = RunRecord(
                run_id=run.spec.run_id,
                spec=run.spec,
                outcome=run.outcome,
                metrics={**score.metrics, **times},
                profiles=score.profiles,
                metric_versions=_versions(),
                curve=run.curve,
                training=Training(
                    engine=run.engine,
                    reason=reason,
                    cohort_size=run.cohort_size,
                    cohort_seconds=run.cohort_seconds,
                    compile_seconds=run.compile_seconds,
                ),
                environment=environment.current(run.spec.backend),
                finished=_now(),
            )
            yield self._keep(record, score.arrays)

    def _unscored(self) -> Score:
        """Of a run that diverged: its size is known, its numbers are not."""
        return Score(metrics={"parameters": self.scorer.parameters}, profiles={}, arrays={})

    def _keep(self, record: RunRecord, arrays: dict[str, dict[str, np.ndarray]]) -> RunRecord:
        for name, content in arrays.items():
            self.store.write_arrays(record.run_id, name, content)
        self.store.write_record(record)
        return record

    def time(self, spec: TimingSpec) -> TimingRecord:
        """Times this cohort's program at one batch size, and keeps the record.

        Operations for which there is not enough memory are told of, and left out of it.
        """
        with backend.precision(spec.precision):
            timed = [(operation.name, self._timed(operation)) for operation in self._fitting(spec.batch_size)]
            peak = matmul_flops_per_s(spec.precision)
        record = TimingRecord(
            timing_id=spec.timing_id,
            spec=spec,
            environment=environment.current(spec.backend),
            operations={name: timing for name, timing in timed if timing is not None},
            matmul_flops_per_s=peak,
            finished=_now(),
        )
        self.store.write_timing(record)
        return record

    def _fitting(self, batch_size: int) -> list[Operation]:
        """The operations on batches of this size; none where they are not expected to fit into memory."""
        need, free = member_bytes(self._operations.model, batch_size), memory.free_bytes()
        if free is None or need <= free:
            return self.operations(batch_size)
        self._untimed("all operations", batch_size, f"about {need / 2**30:.1f} GiB needed, {free / 2**30:.1f} GiB free")
        return []

    def _timed(self, operation: Operation) -> OperationTiming | None:
        try:
            return throughput.time_operation(operation, self._energy_counter())
        except Exception as error:
            if not memory.ran_out(error):
                raise
            self._untimed(operation.name, operation.images, "memory ran out")
            return None

    def _energy_counter(self) -> EnergyCounter | None:
        gpu = environment.current(self.specs[0].backend).device_kind == "GPU"
        return energy_counter() if gpu else None

    def _untimed(self, what: str, batch_size: int, why: str) -> None:
        spec = self.specs[0]
        self.store.warn(f"{spec.label()} z{spec.latent_dim}, batch size {batch_size}: {what} not timed, {why}")

    def operations(self, batch_size: int) -> list[Operation]:
        """What the suite times, on this many images; to be made and called inside `backend.precision`."""
        return self._operations.at(batch_size)

    @cached_property
    def _operations(self) -> Operations:
        model = self.make_model(self.specs[0])
        trainer = Trainer(model, self.inputs.train, resample=self.inputs.resample)
        sequential.compile_trainer(trainer, self.specs[0], steps=1)
        return Operations(model, trainer, self.inputs.test)


def _versions() -> dict[str, int]:
    return {name: metric.version for name, metric in {**METRICS, **PROFILES}.items()}


def _failures(specs: Sequence[RunSpec], error: Exception) -> Iterator[Failure]:
    """To be called while `error` is being handled."""
    details = traceback.format_exc()
    return (Failure(spec=spec, error=_one_line(error), details=details) for spec in specs)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
