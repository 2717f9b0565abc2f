"""The one place that knows both engine and measures: cohort -> train -> measure -> record."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from suite import environment, inputs, variants
from suite.data import Dataset
from suite.engine import sequential
from suite.engine.trained import Progress, Trained
from suite.errors import UserError
from suite.measure import generation, latent, likelihood, throughput
from suite.measure.evaluator import Evaluator
from suite.measure.throughput import Operation
from suite.record import METRICS, Metrics, Outcome, RunRecord, TimingRecord, Training
from suite.spec import RunSpec, TimingSpec
from suite.store import Store
from suite.weights import Weights, get_weights


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
        variant: what their variant's file declares.
        dataset: what they train on.
        store: where they go.
        pictured: run ids whose pictures are drawn (the first seed of each configuration).
    """

    specs: tuple[RunSpec, ...]
    variant: variants.Declaration
    dataset: Dataset
    store: Store
    pictured: frozenset[str]

    @cached_property
    def inputs(self) -> inputs.Inputs:
        """The pixels that these runs see."""
        return inputs.prepare(self.dataset, self.specs[0].likelihood, self.specs[0].train_on)

    @cached_property
    def evaluator(self) -> Evaluator:
        """Their model, compiled for the measures."""
        return Evaluator(self.make_model(self.specs[0]))

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
        model.adapt(self.inputs.train)
        return model

    def train(self, progress: Progress) -> Iterator[RunRecord | Failure]:
        """Trains, measures and records the runs; one that crashes does not stop the others."""
        pending = list(self.specs)
        while pending:
            try:
                for trained in sequential.train(pending, self.make_model, self.inputs, progress):
                    yield self._record(trained)
                    pending = pending[1:]
            except UserError:
                raise
            except Exception as error:  # whatever a user's variant raises; told, and the next run goes on
                yield Failure(spec=pending[0], error=_one_line(error), details=traceback.format_exc())
                pending = pending[1:]

    def rescore(self) -> Iterator[RunRecord]:
        """Measures finished runs anew from their kept weights, and rewrites their records."""
        for spec in self.specs:
            record = self.store.read_record(spec)
            weights = self.store.read_arrays(spec.run_id, "weights")
            if record is None or weights is None:
                raise UserError(f"run {spec.run_id} has no record or no kept weights; run `suite bench` first")
            times = record.metrics.model_dump(include={"train_seconds", "train_images_per_s"})
            initial = get_weights(self.make_model(spec))
            metrics = self._measure(spec, weights, initial, record.outcome)
            update = {"metrics": metrics.model_copy(update=times), "metric_versions": _versions()}
            yield self._keep(record.model_copy(update=update))

    def _record(self, trained: Trained) -> RunRecord:
        spec = trained.spec
        self.store.write_arrays(spec.run_id, "weights", dict(trained.final))
        metrics = self._measure(spec, trained.final, trained.initial, trained.outcome)
        times = {"train_seconds": trained.seconds, "train_images_per_s": trained.images / trained.seconds}
        return self._keep(
            RunRecord(
                run_id=spec.run_id,
                spec=spec,
                outcome=trained.outcome,
                metrics=metrics.model_copy(update=times),
                metric_versions=_versions(),
                curve=trained.curve,
                training=Training(
                    engine="sequential",
                    reason="the only engine of this version",
                    cohort_size=1,
                    compile_seconds=trained.compile_seconds,
                ),
                environment=environment.current(spec.backend),
                finished=_now(),
            )
        )

    def _keep(self, record: RunRecord) -> RunRecord:
        self.store.write_record(record)
        return record

    def _measure(self, spec: RunSpec, weights: Weights, initial: Weights, outcome: Outcome) -> Metrics:
        """All numbers of a run; keeps its test latents and pictures."""
        count = float(sum(array.size for name, array in weights.items() if name in self._trainable))
        if outcome == "diverged":
            return Metrics(parameters=count)
        data, evaluator = self.inputs, self.evaluator
        codes = evaluator.representation(weights, data.test)
        bound = likelihood.evidence_bound(evaluator, weights, data.test)
        back = likelihood.reconstruction(evaluator, weights, data.test, codes)
        self._keep_arrays(spec, weights, codes, bound)
        return Metrics(
            elbo_nats=bound.elbo,
            elbo_nats_mc_se=bound.mc_se,
            elbo_bits_per_dim=None if bound.elbo is None else likelihood.bits_per_dim(bound.elbo, data.test.shape[1:]),
            distortion_nats=float(bound.distortion.mean(dtype=np.float64)),
            rate_nats=None if bound.rate is None else float(bound.rate.mean()),
            recon_mse=back.mse,
            recon_nats=back.nats,
            active_units=float(latent.active_units(codes)),
            parameters=count,
            **self._silhouettes(weights, initial, codes),
        )

    def _silhouettes(self, weights: Weights, initial: Weights, codes: np.ndarray) -> dict[str, float | None]:
        data, encode = self.inputs, self.evaluator.representation
        if data.labels is None:
            return {}
        return {
            "silhouette": latent.mean_silhouette(codes, data.labels),
            "silhouette_grey": latent.mean_silhouette(encode(weights, data.grey_test), data.labels),
            "silhouette_untrained": latent.mean_silhouette(encode(initial, data.test), data.labels),
            **self._references,
        }

    @cached_property
    def _references(self) -> dict[str, float | None]:
        """Silhouettes that don't depend on the run: of the pixels, and of as many principal components."""
        data, size = self.inputs, self.specs[0].latent_dim
        train = inputs.binarise(data.train, "train") if data.resample else data.train
        components = latent.principal_components(train, data.test, size)
        return {
            "silhouette_pixels": latent.mean_silhouette(data.test.reshape(len(data.test), -1), data.labels),
            "silhouette_pca": latent.mean_silhouette(components, data.labels),
        }

    @cached_property
    def _trainable(self) -> set[str]:
        model = self.evaluator.model
        return {str(weight.path).split("/", 1)[-1] for weight in model.trainable_weights}

    def _keep_arrays(self, spec: RunSpec, weights: Weights, codes: np.ndarray, bound: likelihood.Bound) -> None:
        arrays = {"mean": codes, "distortion": bound.distortion.astype("float32")}
        if bound.rate is not None:
            arrays["rate"] = bound.rate.astype("float32")
        self.store.write_arrays(spec.run_id, "latents", arrays)
        if spec.run_id in self.pictured:
            pictures = generation.figures(self.evaluator, weights, self.inputs, codes)
            self.store.write_arrays(spec.run_id, "figures", pictures)

    def time(self, spec: TimingSpec) -> TimingRecord:
        """Times this cohort's program at one batch size, and keeps the record."""
        timings = {
            operation.name: throughput.time_operation(operation) for operation in self.operations(spec.batch_size)
        }
        record = TimingRecord(
            timing_id=spec.timing_id,
            spec=spec,
            environment=environment.current(spec.backend),
            operations=timings,
            finished=_now(),
        )
        self.store.write_timing(record)
        return record

    def operations(self, batch_size: int) -> list[Operation]:
        """What the suite times: the very functions that training and measures call, on this many images."""
        model = self.make_model(self.specs[0])
        evaluator, weights = Evaluator(model), get_weights(model)
        images = np.resize(self.inputs.test, (batch_size, *self.inputs.test.shape[1:]))
        codes = evaluator.representation(weights, images)
        classes = np.arange(batch_size) % 10
        calls = {
            "train_step": sequential.train_step(self._trainer(model), batch_size),
            **evaluator.calls(weights, images, codes),
            "silhouette": lambda: latent.silhouette(codes, classes),
        }
        return [Operation(name=name, images=batch_size, call=call) for name, call in calls.items()]

    def _trainer(self, model: Any) -> sequential.Trainer:
        trainer = sequential.Trainer(model, self.inputs.train, resample=self.inputs.resample)
        sequential.compile_trainer(trainer, self.specs[0], steps=1)
        return trainer


def _versions() -> dict[str, int]:
    return {name: metric.version for name, metric in METRICS.items()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
