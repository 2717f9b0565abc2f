"""The sequential engine: one run after the other through Keras `fit`, with one compiled program for the cohort."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from models.streams import stream
from suite import backend
from suite.engine.trained import MakeModel, Progress, Trained
from suite.inputs import Inputs
from suite.record import Curve
from suite.spec import RunSpec
from suite.weights import Weights, get_weights, set_weights

VALIDATION_CHUNK = 2000  # images scored at once after an epoch
_ON_DEVICE: dict[int, tuple[np.ndarray, keras.Variable]] = {}


def on_device(images: np.ndarray) -> keras.Variable:
    """`images` as a variable on the device, one for all programs of this process that train on that array.

    TensorFlow never frees what a compiled function has captured, so a copy for each program would add up.
    """
    if id(images) not in _ON_DEVICE:  # the array is kept too, so that its id stays its own
        _ON_DEVICE[id(images)] = (images, keras.Variable(images, dtype="float32", trainable=False, name="images"))
    return _ON_DEVICE[id(images)][1]


def forget_on_device(images: np.ndarray) -> None:
    """Gives up the variable of `images`: on JAX a `fit` that crashes has donated its content and not put it back."""
    _ON_DEVICE.pop(id(images), None)


class Trainer(keras.Model):
    """Trains a model by the indices of its training images, so that the images stay on the device.

    Gathers a batch, binarises it afresh where asked to, and lets the model compute its loss.

    Args:
        model: an `Autoencoder`.
        images: `(n, *image_shape)` in [0, 1].
        resample: whether each draw is a new Bernoulli sample of the grey pixels.
    """

    def __init__(self, model: Any, images: np.ndarray, *, resample: bool) -> None:
        super().__init__(name="trainer")
        self.model = model
        self.images = on_device(images)
        self.resample = resample
        self.binarisation = keras.random.SeedGenerator(0)
        self.built = True

    @property
    def metrics(self) -> list[Any]:
        """Its own and the model's, which Keras would leave out: it takes a model inside a model for a layer."""
        return [*super().metrics, *self.model.metrics]

    def call(self, indices: Any) -> Any:
        """Nothing: all work is in the loss."""
        return indices

    def draw(self, indices: Any) -> Any:
        """The training images at `indices` `(batch,)` as this step sees them."""
        images = ops.take(self.images, indices, axis=0)
        if not self.resample:
            return images
        draws = keras.random.uniform(ops.shape(images), seed=self.binarisation)
        return ops.cast(draws < images, "float32")

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,  # noqa: ARG002
        y_pred: Any = None,  # noqa: ARG002
        sample_weight: Any = None,  # noqa: ARG002
        training: bool = True,
    ) -> Any:
        """The model's own loss on the images at indices `x`."""
        return self.model.compute_loss(x=self.draw(x), training=training)


class Curves(keras.callbacks.Callback):
    """Records the learning curves, tells progress, and stops a run that has diverged."""

    def __init__(self, spec: RunSpec, validate: Any, progress: Progress) -> None:
        super().__init__()
        self.spec, self.validate, self.progress = spec, validate, progress
        self.rows: list[dict[str, float]] = []
        self.validation_seconds = 0.0

    @property
    def diverged(self) -> bool:
        """Whether some number of the last epoch was not finite."""
        return bool(self.rows) and not all(math.isfinite(value) for value in self.rows[-1].values())

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds this epoch's row."""
        row = {name: float(value) for name, value in (logs or {}).items()}
        row["objective"] = row.pop("loss")
        start = time.perf_counter()
        self.rows.append({**row, **self.validate()})
        self.validation_seconds += time.perf_counter() - start
        self.progress(self.spec, epoch + 1, row["objective"])
        if self.diverged:
            self.trainer.stop_training = True

    @property
    def trainer(self) -> Any:
        """The model that `fit` was called on."""
        return self.model

    def curve(self) -> Curve:
        """The finite epochs as a record keeps them, to 6 significant digits."""
        rows = self.rows[:-1] if self.diverged else self.rows
        return Curve(
            **{
                name: tuple(float(f"{row[name]:.6g}") for row in rows)
                for name in Curve.model_fields
                if rows and name in rows[0]
            }
        )


class Validation:
    """Objective, distortion and rate on the validation images, with the same noise at every call."""

    def __init__(self, model: Any, images: np.ndarray) -> None:
        self.model = model
        self.variables = [*model.weights, model.noise.state]
        self.noise = ops.convert_to_tensor(np.array([stream(0, "validation"), 0], "uint32"))
        size = min(len(images), VALIDATION_CHUNK)
        self.chunks = [ops.convert_to_tensor(images[i : i + size]) for i in range(0, len(images), size)]
        self.total = len(images)
        self.sums = backend.stateless(self._sums, self.variables)

    def _sums(self, images: Any) -> tuple[Any, ...]:
        terms = self.model.terms(images)
        parts = (terms.objective, terms.distortion, terms.rate)
        return tuple(ops.sum(part) for part in parts if part is not None)

    def __call__(self) -> dict[str, float]:
        """`val_objective`, `val_distortion` and, with a posterior, `val_rate`: means in nats per image."""
        values = [*(ops.convert_to_tensor(weight.value) for weight in self.model.weights), self.noise]
        sums = [[float(part) for part in self.sums(values, chunk)] for chunk in self.chunks]
        means = [sum(column) / self.total for column in zip(*sums, strict=True)]
        return dict(zip(("val_objective", "val_distortion", "val_rate"), means, strict=False))


def train(specs: list[RunSpec], make_model: MakeModel, inputs: Inputs, progress: Progress) -> Iterator[Trained]:
    """Trains the runs of one cohort one after the other.

    Every step takes a full batch: an epoch's last, incomplete batch is left out, and since each epoch is shuffled
    anew, no image is left out for good.

    Args:
        specs: runs of one cohort (`RunSpec.cohort`), which differ in seed and scalars alone.
        make_model: builds a run's model with its own initial weights.
        inputs: what they train on.
        progress: told of every epoch.
    """
    steps = steps_per_epoch(specs[0], len(inputs.train))
    try:
        program = Program(specs[0], make_model(specs[0]), inputs, steps)
        for spec in specs:
            yield program.run(spec, make_model(spec), progress)
    except Exception:
        forget_on_device(inputs.train)
        raise


def steps_per_epoch(spec: RunSpec, images: int) -> int:
    """Full batches in an epoch; `schedule.plan` refuses a study whose batches are larger than its data."""
    return images // spec.batch_size


def batch_order(spec: RunSpec, images: int, steps: int) -> np.ndarray:
    """Indices of the training images in the order in which a run draws them, `(epochs * steps * batch_size,)`.

    Each epoch is a fresh permutation from the stream `shuffle` of the run's seed, cut to full batches.
    """
    rng = np.random.default_rng(stream(spec.seed, "shuffle"))
    kept = steps * spec.batch_size
    return np.concatenate([rng.permutation(images)[:kept] for _ in range(spec.epochs)]).astype("int32")


class Program:
    """One compiled training program, into which each run of a cohort is loaded in turn."""

    def __init__(self, spec: RunSpec, model: Any, inputs: Inputs, steps: int) -> None:
        self.spec, self.model, self.steps = spec, model, steps
        self.trainer = Trainer(model, inputs.train, resample=inputs.resample)
        compile_trainer(self.trainer, spec, steps)
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
        order = batch_order(spec, self.trainer.images.shape[0], self.steps)
        start = time.perf_counter()
        self._fit(order, epochs=spec.epochs, steps=self.steps, callbacks=[curves])
        seconds = time.perf_counter() - start - curves.validation_seconds
        return Trained(
            spec=spec,
            outcome="diverged" if curves.diverged else "ok",
            initial=initial,
            final=get_weights(self.model),
            curve=curves.curve(),
            seconds=seconds,
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
        for variable, value in zip(self.trainer.optimizer.variables, self.fresh_optimizer, strict=True):
            variable.assign(value)
        self.model.noise.state.assign(source.noise.state)
        self.trainer.binarisation.state.assign(np.array([stream(spec.seed, "binarisation"), 0], "uint32"))


def compile_trainer(trainer: Trainer, spec: RunSpec, steps: int) -> None:
    """Gives the trainer its Adam, as published, with `steps` steps in one call of the compiled program."""
    trainer.compile(
        optimizer=keras.optimizers.Adam(spec.learning_rate, **spec.adam.model_dump()),
        jit_compile=backend.jit_pays(),
        steps_per_execution=backend.steps_per_call(steps),
    )
    trainer.optimizer.build(trainer.trainable_variables)


def train_step(trainer: Trainer, batch_size: int) -> Callable[[], Any]:
    """One training step on one batch, compiled as in training, as a call that returns what the device must finish.

    Args:
        trainer: compiled by Keras (`Trainer.compile`).
        batch_size: images in the batch, drawn from the start of the training images.
    """
    indices = ops.convert_to_tensor(np.arange(batch_size, dtype="int32") % trainer.images.shape[0])
    match keras.backend.backend():
        case "jax":
            return _jax_step(trainer, indices)
        case "tensorflow":
            step = backend.compiled(trainer.train_step)
            return lambda: step((indices,))
        case _:
            return lambda: trainer.train_step((indices,))


def _jax_step(trainer: Trainer, indices: Any) -> Callable[[], Any]:
    import jax

    step = jax.jit(trainer.train_step, donate_argnums=0)
    groups = (
        trainer.trainable_variables,
        trainer.non_trainable_variables,
        trainer.optimizer.variables,
        trainer.metrics_variables,
    )
    state = tuple([jax.numpy.copy(variable.value) for variable in group] for group in groups)

    def call() -> Any:
        nonlocal state
        logs, state = step(state, (indices,))
        return logs, state[0]

    return call
