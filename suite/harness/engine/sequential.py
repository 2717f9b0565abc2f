"""The sequential engine: one run after the other through Keras `fit`, with one compiled program for the cohort."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import keras
import numpy as np
from keras import ops

from aebench import backends
from aebench.backends.weights import Weights, get_weights, names, set_weights
from aebench.data.pixels import Inputs
from aebench.harness.engine.curves import Rows
from aebench.harness.engine.trained import (
    UNSAVED,
    MakeModel,
    Place,
    Progress,
    Saving,
    State,
    Trained,
    gathered,
    milestones,
    numbered,
)
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
from aebench.records.record import EngineName
from aebench.records.spec import RunSpec


class Curves(keras.callbacks.Callback):
    """Records learning curves and the weights at milestones, tells progress, and stops a run that has diverged.

    Attributes:
        epoch: finished epochs.
        seconds: of training, without validation and what else is done after an epoch.
    """

    def __init__(self, spec: RunSpec, validate: Validation, progress: Progress) -> None:
        super().__init__()
        self.spec, self.validate, self.progress = spec, validate, progress
        self.rows = Rows()
        self.earlier: dict[int, Weights] = {}
        self.epoch, self.seconds, self._since = 0, 0.0, 0.0
        self.then: Callable[[], None] = lambda: None  # what else is done after an epoch

    @property
    def over(self) -> bool:
        """Whether no epoch is left."""
        return self.epoch == self.spec.epochs or self.rows.diverged

    def start(self) -> None:
        """Starts the clock, which each epoch's end stops."""
        self._since = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds this epoch's row."""
        self.seconds += time.perf_counter() - self._since
        row = {name: float(value) for name, value in (logs or {}).items()}
        row["objective"] = row.pop("loss")
        self.epoch = epoch + 1
        self.rows.add({**row, **self.validate()})
        if self.epoch in milestones(self.spec.epochs):
            self.earlier[self.epoch] = get_weights(self.validate.model)
        self.progress((self.spec,), self.epoch, (row["objective"],))
        if self.rows.diverged:
            self.model.stop_training = True  # the trainer that `fit` was called on
        self.then()
        self.start()

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """It as a part of the training's state."""
        columns, numbers = self.rows.table()
        yield "clock", np.array([self.epoch, self.seconds])
        yield "columns", np.array(columns, "U")
        yield "rows", numbers
        for epoch, weights in self.earlier.items():
            yield from numbered(f"earlier/{epoch}", [*weights.values()])

    def load(self, state: State) -> None:
        """Puts back what `arrays` was taken of."""
        epoch, self.seconds = state["clock"].tolist()
        self.epoch = int(epoch)
        self.rows = Rows.of(state["columns"].tolist(), state["rows"])
        for at in milestones(self.spec.epochs):
            if weights := gathered(state, f"earlier/{at}"):
                self.earlier[at] = dict(zip(names(self.validate.model), weights, strict=True))


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


def train(
    specs: Sequence[RunSpec],
    make_model: MakeModel,
    inputs: Inputs,
    progress: Progress,
    saving: Saving = UNSAVED,
    engine: EngineName = "sequential",
) -> Iterator[Trained]:
    """Trains the runs of one cohort one after the other.

    Every step takes a full batch: an epoch's last, incomplete batch is left out, and since each epoch is shuffled
    anew, no image is left out for good.

    Args:
        specs: runs that share everything but seed and scalars; at least one.
        make_model: a run's model, with its initial weights.
        inputs: what they train on.
        progress: told of every epoch.
        saving: where they are kept on their way, each by itself.
        engine: what their records call it; `parallel` inside `backends.spread_batches`.
    """
    try:
        program = Program(specs[0], make_model(specs[0]), inputs)
        for spec in specs:
            trained = program.run(spec, make_model(spec), progress, saving.begin(engine, [spec]))
            yield replace(trained, engine=engine)
    except BaseException:  # an interrupt too: whoever takes it may go on
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

    def run(self, spec: RunSpec, source: Any, progress: Progress, place: Place) -> Trained:
        """Trains one run from the initial weights of `source`, or from where it was."""
        initial = get_weights(source)
        self._load(spec, initial, source)
        curves = Curves(spec, self.validate, progress)
        if place.state is not None:
            curves.load(place.state)
            for variable, value in zip(self._variables(), gathered(place.state, "variables"), strict=True):
                variable.assign(value)
            place.forget()
        curves.then = lambda: place.offer(lambda: self._state(curves), finished=curves.over)
        if not curves.over:
            self._go_on(spec, curves, place)
        return Trained(
            spec=spec,
            engine="sequential",
            outcome="diverged" if curves.rows.diverged else "ok",
            initial=initial,
            final=get_weights(self.model),
            earlier=curves.earlier,
            curve=curves.rows.curve(),
            cohort_size=1,
            cohort_seconds=curves.seconds,
            compile_seconds=self.compile_seconds,
            images=len(curves.rows) * self.steps * spec.batch_size,
        )

    def _go_on(self, spec: RunSpec, curves: Curves, place: Place) -> None:
        """Trains for the epochs that are left."""
        epochs = islice(batches(spec.seed, self.images, self.steps, spec.batch_size), curves.epoch, spec.epochs)
        order = np.concatenate([epoch.ravel() for epoch in epochs])
        rates = keras.callbacks.LearningRateScheduler(lambda epoch: spec.learning_rate_at(epoch + 1))
        with place.training():
            curves.start()
            self._fit(order, begin=curves.epoch, epochs=spec.epochs, steps=self.steps, callbacks=[rates, curves])

    def _variables(self) -> list[Any]:
        """All that a step reads and changes, once; metrics start anew in each epoch."""
        model, trainer = self.model, self.trainer
        weights = [*model.trainable_variables, *model.non_trainable_variables]
        variables = [*weights, model.noise.state, trainer.binarisation.state, *trainer.optimizer.variables]
        return list({id(variable): variable for variable in variables}.values())

    def _state(self, curves: Curves) -> Iterator[tuple[str, np.ndarray]]:
        """All that the run goes on from, by name."""
        yield from curves.arrays()
        yield from numbered("variables", [ops.convert_to_numpy(variable.value) for variable in self._variables()])

    def _fit(self, order: np.ndarray, *, epochs: int, steps: int, callbacks: list[Any], begin: int = 0) -> None:
        self.trainer.fit(
            order,
            batch_size=self.spec.batch_size,
            shuffle=False,
            initial_epoch=begin,
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
