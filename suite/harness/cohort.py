"""The one place that knows both engine and measures: cohort -> train -> measure -> record."""

from __future__ import annotations

import hashlib
import math
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from aebench import backends, measures
from aebench.backends import environment
from aebench.backends.weights import Weights, get_weights
from aebench.data import Dataset, pixels
from aebench.errors import UserError
from aebench.harness.engine import sequential, vectorised
from aebench.harness.engine.choice import Choice, EngineOption, choose
from aebench.harness.engine.trained import UNSAVED, Progress, Saving, Scores, Trained, milestones
from aebench.harness.engine.trainer import steps_per_epoch
from aebench.harness.watching import Failure
from aebench.measures import cost
from aebench.measures.context import Member
from aebench.measures.samples.classifier import classifier
from aebench.measures.scorer import Score, Scorer
from aebench.records.keeping import Keeping, Piece
from aebench.records.kept import Kept, latents_after
from aebench.records.record import MeasureSettings, Milestone, RunRecord, Training, now
from aebench.records.spec import RunSpec
from aebench.records.store import Store
from aebench.study import declarations, networks, variants

ADAPTED = 1000  # training images that a variant may look at before it is trained
MOST_SCORED = 64  # runs whose weights are held at once to be measured anew


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """Runs that differ in seed and scalars alone, with the data that they share.

    Attributes:
        specs: the runs to do.
        planned: all runs of the study that share them, in its order; how they are cut depends on no run's being done.
        variant: what their variant's file declares.
        dataset: what they train on.
        store: where they go.
        pictured: run ids whose pictures are drawn (the first seed of each configuration).
        network: what their network's file declares, if the study brings it along.
        settings: how thoroughly they are measured.
    """

    specs: tuple[RunSpec, ...]
    planned: tuple[RunSpec, ...]
    variant: variants.Declaration
    dataset: Dataset
    store: Store
    pictured: frozenset[str]
    network: networks.Declaration | None = None
    settings: MeasureSettings = field(default_factory=MeasureSettings)

    @cached_property
    def inputs(self) -> pixels.Inputs:
        """The pixels that these runs see."""
        first = self.specs[0]
        return pixels.prepare(self.dataset, first.likelihood, first.train_on, first.without_class)

    @cached_property
    def scorer(self) -> Scorer:
        """Their model in full float32, compiled for the measures."""
        with backends.precision("float32"):
            return Scorer(self.make_model(self.specs[0]), self.inputs, self.settings, classifier(self.dataset))

    def make_model(self, spec: RunSpec) -> Any:
        """A run's model with its own initial weights."""
        model = variants.load(self.variant)(
            spec.latent_dim,
            network=networks.load(self.network) if self.network else spec.network,
            likelihood=spec.likelihood,
            seed=spec.seed,
            name=spec.variant,
            **self._schedules(spec),
            **spec.scalars,
            **spec.options,
        )
        model.adapt(self.inputs.train[:ADAPTED], self.inputs.train_mean)  # of all images, the mean takes too long
        return model

    def _schedules(self, spec: RunSpec) -> dict[str, Any]:
        """What a model must be told for its schedules."""
        steps = steps_per_epoch(spec, len(self.inputs.train)) * spec.epochs
        return {"training_steps": steps, **spec.rate_schedule}

    @property
    def own_code(self) -> tuple[Path, ...]:
        """The files that the runs' variant and network come from."""
        return (self.variant.path, *(self.network.files if self.network else ()))

    def train(self, asked: EngineOption, progress: Progress, saving: Saving = UNSAVED) -> Iterator[RunRecord | Failure]:
        """Trains, measures and records the runs; one that crashes does not stop the others.

        Args:
            asked: which engine trains.
            progress: told of every epoch.
            saving: where trainings are kept on their way.
        """
        try:
            choice = self._choose(asked)
        except UserError:
            raise
        except Exception as error:  # whatever a user's variant raises
            yield from _failures(self.specs, error)
            return
        if choice.engine != "vectorised":
            yield from self._one_by_one(self.specs, choice, progress, saving)
            return
        for part in self._parts(choice.members):
            yield from self._together(part, asked, choice, progress, saving)

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
        self,
        specs: tuple[RunSpec, ...],
        asked: EngineOption,
        choice: Choice,
        progress: Progress,
        saving: Saving,
    ) -> Iterator[RunRecord | Failure]:
        """Trains runs as one program; where that fails and nobody insisted on it, one by one."""
        try:
            company = saving.company("vectorised", specs, self.planned)
            with backends.precision(specs[0].precision):
                trained = list(vectorised.train(company, self.make_model, self.inputs, progress, saving))
        except UserError:
            raise
        except Exception as error:
            if asked == "vectorised":
                yield from _failures(specs, error)
            else:
                reason = f"the vectorised engine failed: {_one_line(error)}"
                yield from self._one_by_one(
                    specs, replace(choice, engine="sequential", reason=reason), progress, saving
                )
            return
        yield from self._record(trained, choice.reason, saving)

    def _one_by_one(
        self, specs: tuple[RunSpec, ...], choice: Choice, progress: Progress, saving: Saving
    ) -> Iterator[RunRecord | Failure]:
        """Trains runs one after the other; what they come to is measured on one device in any case."""
        pending, spread = specs, backends.spread_batches if choice.engine == "parallel" else nullcontext
        while pending:
            runs = sequential.train(pending, self.make_model, self.inputs, progress, saving, choice.engine)
            try:
                while pending:
                    with backends.precision(specs[0].precision), spread():
                        trained = next(runs)
                    yield from self._record([trained], choice.reason, saving)
                    pending = pending[1:]
            except UserError:
                raise
            except Exception as error:  # told, and the next run goes on
                yield from _failures(pending[:1], error)
                pending = pending[1:]

    def rescore(self, saving: Saving = UNSAVED) -> Iterator[RunRecord]:
        """Measures finished runs anew from their kept weights, and rewrites their records.

        Args:
            saving: where scores are kept on their way.
        """
        for part in self._parts(MOST_SCORED):
            records = [self._finished(spec) for spec in part]
            scored = [(record, weights) for record, weights in records if record.outcome == "ok"]
            members = [
                self._member(record.spec, weights, get_weights(self.make_model(record.spec)))
                for record, weights in scored
            ]
            both = [(one.initial, one.weights) for one in members]
            of = self._scored_by(zip((record.spec for record, _ in scored), both, strict=True))
            with saving.measuring(records[0][0].training.engine, part, of) as kept:
                scores = self.scorer.score(members, kept=kept)
                for (record, _), score in zip(scored, scores, strict=True):
                    yield self._keep(self._rescored(record, score), score.arrays)
            yield from (record for record, _ in records if record.outcome == "diverged")

    def _rescored(self, record: RunRecord, score: Score) -> RunRecord:
        """A record with other numbers, but for the times of its training."""
        times = {name: record.metrics.get(name) for name in ("train_seconds", "train_images_per_s")}
        update = {
            "metrics": {**score.metrics, **times},
            "profiles": score.profiles,
            "image_sd": score.image_sd,
            "metric_versions": measures.versions(),
            "measured_with": self.settings,
        }
        return record.model_copy(update=update)

    def _finished(self, spec: RunSpec) -> tuple[RunRecord, Weights]:
        record = self.store.read_record(spec)
        weights = self.store.read_arrays(spec.run_id, Kept.WEIGHTS)
        if record is None or weights is None:
            raise UserError(f"run {spec.run_id} has no record or no kept weights; run `aebench bench` first")
        return record, weights

    def _member(self, spec: RunSpec, weights: Weights, initial: Weights) -> Member:
        return Member(weights=weights, initial=initial, pictured=spec.run_id in self.pictured)

    def _record(self, trained: Sequence[Trained], reason: str, saving: Saving) -> Iterator[RunRecord | Failure]:
        """Measures trained runs and keeps them; a crash of a measure fails them all, which tells its reason to each."""
        specs = [run.spec for run in trained]
        finite = [run for run in trained if run.outcome == "ok"]
        of = self._scored_by((run.spec, (run.initial, run.final, *run.earlier.values())) for run in finite)
        with saving.measuring(trained[0].engine, specs, of) as kept:
            yield from self._score_and_keep(trained, reason, kept)

    def _score_and_keep(self, trained: Sequence[Trained], reason: str, kept: Scores) -> Iterator[RunRecord | Failure]:
        finite = [run for run in trained if run.outcome == "ok"]
        try:
            members = [self._member(run.spec, run.final, run.initial) for run in finite]
            scores = iter(self.scorer.score(members, kept=kept))
            earlier = iter(self._on_the_way(finite, kept))
        except Exception as error:
            kept.leave()
            yield from _failures([run.spec for run in trained if run.spec in self.specs], error)
            return
        for run in trained:
            ok = run.outcome == "ok"
            score, before = (next(scores), next(earlier)) if ok else (self.scorer.of_diverged(), {})
            if run.spec not in self.specs:  # company alone: see `Saver.company`
                continue
            self.store.write_arrays(run.spec.run_id, Kept.WEIGHTS, dict(run.final))
            for part, one in before.items():
                self.store.write_arrays(run.spec.run_id, latents_after(part), one.arrays.get(Kept.LATENTS, {}))
            yield self._keep(self._record_of(run, score, before, reason), score.arrays)

    def _scored_by(self, runs: Iterable[tuple[RunSpec, Sequence[Weights]]]) -> str:
        """A digest of what the scores of runs with such weights hang on, beside the code that measures."""
        found = hashlib.sha256(f"{self.settings.model_dump_json()} {self.dataset.digest}".encode())
        for spec, all_weights in runs:
            found.update(f"{spec.run_id} {spec.run_id in self.pictured}".encode())
            for weights in all_weights:
                for name, array in weights.items():
                    found.update(name.encode())
                    found.update(np.ascontiguousarray(array))
        return found.hexdigest()

    def _on_the_way(self, runs: Sequence[Trained], kept: Keeping) -> list[dict[float, Score]]:
        """Main measures of each run after parts of its training."""
        parts = milestones(self.specs[0].epochs) if runs else {}
        scores = {
            part: self.scorer.score(
                [self._member(run.spec, run.earlier[epoch], run.initial) for run in runs],
                milestone=True,
                kept=partial(_kept_of, kept, epoch),
            )
            for epoch, part in parts.items()
        }
        return [{part: found[at] for part, found in scores.items()} for at in range(len(runs))]

    def _record_of(self, run: Trained, score: Score, before: Mapping[float, Score], reason: str) -> RunRecord:
        return RunRecord(
            run_id=run.spec.run_id,
            spec=run.spec,
            outcome=run.outcome,
            metrics={**score.metrics, **cost.training_time(run.seconds, run.images)},
            profiles=score.profiles,
            image_sd=score.image_sd,
            metric_versions=measures.versions(),
            measured_with=self.settings,
            curve=run.curve,
            milestones=tuple(
                Milestone(
                    part=part,
                    epoch=epoch,
                    metrics=before[part].metrics,
                    profiles=before[part].profiles,
                    metric_versions=_versions_of(before[part]),
                )
                for epoch, part in milestones(run.spec.epochs).items()
                if part in before
            ),
            training=Training(
                engine=run.engine,
                reason=reason,
                cohort_size=run.cohort_size,
                cohort_seconds=run.cohort_seconds,
                compile_seconds=run.compile_seconds,
                variant_code=declarations.code(self.variant.path),
                network_code=declarations.code(own) if self.network and (own := self.network.code) else None,
            ),
            environment=environment.current(run.spec.backend),
            finished=now(),
        )

    def _keep(self, record: RunRecord, arrays: dict[str, dict[str, np.ndarray]]) -> RunRecord:
        for name, content in arrays.items():
            self.store.write_arrays(record.run_id, name, content)
        self.store.write_record(record)
        return record


def _kept_of(kept: Keeping, epoch: int, name: str, compute: Callable[[], Piece], /) -> Piece:
    """What is kept of runs on their way, apart from what is kept of them at the end."""
    return kept(f"{epoch}/{name}", compute)


def _versions_of(score: Score) -> dict[str, int]:
    """The versions of what was measured."""
    return {name: version for name, version in measures.versions().items()
            if name in score.metrics or name in score.profiles}  # fmt: skip


def _failures(specs: Sequence[RunSpec], error: Exception) -> Iterator[Failure]:
    """Turns an error into failures of these runs; to be called while it is being handled."""
    details = traceback.format_exc()
    return (Failure(spec=spec, error=_one_line(error), details=details) for spec in specs)


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
