"""The sequential engine: one run after the other through Keras `fit`, with one compiled program for the cohort."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import keras
import numpy as np
from keras import ops

from aebench import backends
from aebench.backends.weights import Weights, get_weights, set_weights
from aebench.data.pixels import Inputs
from aebench.harness.engine.curves import Rows
from aebench.harness.engine.trained import MakeModel, Progress, Trained, milestones
from aebench.harness.engine.trainer import (
    Trainer,
    batches,
    binarisation_state,
    forget_on_device,
    steps_per_epoch,
    validation_chunks,
    validation_noise,
    validation_row,
    validation_sums,
)
from aebench.records.spec import RunSpec


class Curves(keras.callbacks.Callback):
    """Records learning curves and the weights at milestones, tells progress, and stops a run that has diverged."""

    def __init__(self, spec: RunSpec, validate: Validation, progress: Progress) -> None:
        super().__init__()
        self.spec, self.validate, self.progress = spec, validate, progress
        self.rows = Rows()
        self.earlier: dict[int, Weights] = {}
        self.validation_seconds = 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds this epoch's row."""
        row = {name: float(value) for name, value in (logs or {}).items()}
        row["objective"] = row.pop("loss")
        start = time.perf_counter()
        self.rows.add({**row, **self.validate()})
        if epoch + 1 in milestones(self.spec.epochs):
            self.earlier[epoch + 1] = get_weights(self.validate.model)
        self.validation_seconds += time.perf_counter() - start
        self.progress((self.spec,), epoch + 1, (row["objective"],))
        if self.rows.diverged:
            self.model.stop_training = True  # the trainer that `fit` was called on


class Validation:
    """Objective, distortion and rate on the validation images, with the same noise at every call."""

    def __init__(self, model: Any, images: np.ndarray) -> None:
        self.model = model
        self.noise = ops.convert_to_tensor(validation_noise())
        self.chunks = validation_chunks(images)
        self.total = len(images)
        self.sums = backends.stateless(lambda chunk: validation_sums(model, chunk), [*model.weights, model.noise.state])

    def __call__(self) -> dict[str, float]:
        """The validation part of an epoch's row."""
        values = [*(ops.convert_to_tensor(weight.value) for weight in self.model.weights), self.noise]
        sums = [[float(part) for part in self.sums(values, chunk)] for chunk in self.chunks]
        return validation_row(np.sum(sums, axis=0), self.total)


def train(specs: Sequence[RunSpec], make_model: MakeModel, inputs: Inputs, progress: Progress) -> Iterator[Trained]:
    """Trains the runs of one cohort one after the other.

    Every step takes a full batch: an epoch's last, incomplete batch is left out, and since each epoch is shuffled
    anew, no image is left out for good.

    Args:
        specs: runs that share everything but seed and scalars; at least one.
        make_model: a run's model, with its initial weights.
        inputs: what they train on.
        progress: told of every epoch.
    """
    try:
        program = Program(specs[0], make_model(specs[0]), inputs)
        for spec in specs:
            yield program.run(spec, make_model(spec), progress)
    except Exception:
        forget_on_device(inputs)
        raise


class Program:
    """One compiled training program, into which each run of a cohort is loaded in turn."""

    def __init__(self, spec: RunSpec, model: Any, inputs: Inputs) -> None:
        self.spec, self.model = spec, model
        self.images, self.steps = len(inputs.train), steps_per_epoch(spec, len(inputs.train))
        self.trainer = Trainer(model, inputs)
        compile_trainer(self.trainer, spec, self.steps)
        self.fresh_optimizer = [ops.convert_to_numpy(v.value) for v in self.trainer.optimizer.variables]
        self.validate = Validation(model, inputs.validation)
        self.compile_seconds = self._warm_up()

    def _warm_up(self) -> float:
        """Compiles by taking one step and scoring validation once; returns the seconds that took."""
        start = time.perf_counter()
        self._fit(np.zeros(self.spec.batch_size, "int32"), epochs=1, steps=1, callbacks=[])
        self.validate()
        return time.perf_counter() - start

    def run(self, spec: RunSpec, source: Any, progress: Progress) -> Trained:
        """Trains one run from the initial weights of `source`."""
        initial = get_weights(source)
        self._load(spec, initial, source)
        curves = Curves(spec, self.validate, progress)
        epochs = islice(batches(spec.seed, self.images, self.steps, spec.batch_size), spec.epochs)
        order = np.concatenate([epoch.ravel() for epoch in epochs])
        start = time.perf_counter()
        rates = keras.callbacks.LearningRateScheduler(lambda epoch: spec.learning_rate_at(epoch + 1))
        self._fit(order, epochs=spec.epochs, steps=self.steps, callbacks=[rates, curves])
        seconds = time.perf_counter() - start - curves.validation_seconds
        return Trained(
            spec=spec,
            engine="sequential",
            outcome="diverged" if curves.rows.diverged else "ok",
            initial=initial,
            final=get_weights(self.model),
            earlier=curves.earlier,
            curve=curves.rows.curve(),
            cohort_size=1,
            cohort_seconds=seconds,
            compile_seconds=self.compile_seconds,
            images=len(curves.rows) * self.steps * spec.batch_size,
        )

    def _fit(self, order: np.ndarray, *, epochs: int, steps: int, callbacks: list[Any]) -> None:
        self.trainer.fit(
            order,
            batch_size=self.spec.batch_size,
            shuffle=False,
            epochs=epochs,
            steps_per_epoch=steps,
            callbacks=callbacks,
            verbose=0,
        )

    def _load(self, spec: RunSpec, initial: Weights, source: Any) -> None:
        """Puts the program into the state in which this run starts."""
        set_weights(self.model, initial)
        for variable, start in zip(self.model.non_trainable_variables, source.non_trainable_variables, strict=True):
            variable.assign(start)  # random states of layers such as Dropout, which are no weights
        for variable, value in zip(self.trainer.optimizer.variables, self.fresh_optimizer, strict=True):
            variable.assign(value)
        self.model.noise.state.assign(source.noise.state)
        self.trainer.binarisation.state.assign(binarisation_state(spec.seed))


def compile_trainer(trainer: Trainer, spec: RunSpec, steps: int) -> None:
    """Gives the trainer its Adam, with `steps` steps in one call of the compiled program."""
    backend = backends.current()
    trainer.compile(
        optimizer=backend.optimizer(spec),
        jit_compile=backend.jit_pays(),
        steps_per_execution=backend.steps_per_call(steps),
    )
    trainer.optimizer.build(trainer.trainable_variables)
