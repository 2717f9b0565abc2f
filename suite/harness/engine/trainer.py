"""What engines share: training images on the device, batches by index, and validation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np
from keras import ops

from aebench.data.pixels import Inputs
from aebench.errors import UserError
from aebench.models.streams import stream
from aebench.records.spec import RunSpec

VALIDATION_CHUNK = 1000  # images scored at once after an epoch
_ON_DEVICE: WeakKeyDictionary[Inputs, tuple[bool, keras.Variable]] = WeakKeyDictionary()


def on_device(inputs: Inputs) -> keras.Variable:
    """The training images as a variable on the device, one for all programs of this process that train on them.

    TensorFlow never frees what a compiled function has captured, so a copy for each program would add up.
    """
    spread = keras.distribution.distribution() is not None  # over all devices, or on the first
    if inputs not in _ON_DEVICE or _ON_DEVICE[inputs][0] != spread:
        images = keras.Variable(inputs.train, dtype="float32", trainable=False, name="images")
        _ON_DEVICE[inputs] = spread, images
    return _ON_DEVICE[inputs][1]


def forget_on_device(inputs: Inputs) -> None:
    """Gives up that variable: on JAX a `fit` that crashes has donated its content and not put it back."""
    _ON_DEVICE.pop(inputs, None)


class Trainer(keras.Model):
    """Trains a model by the indices of its training images, so that the images stay on the device.

    Gathers a batch, binarises it afresh where asked to, and lets the model compute its loss.

    Args:
        model: an `Autoencoder`.
        inputs: its training images, and whether each draw is a new Bernoulli sample of the grey pixels.
    """

    def __init__(self, model: Any, inputs: Inputs) -> None:
        super().__init__(name="trainer")
        self.model = model
        self.images = on_device(inputs)
        self.resample = inputs.resample
        self.labels = ops.convert_to_tensor(known_labels(inputs, model)) if model.takes_labels else None
        self.binarisation = keras.random.SeedGenerator(0)
        self.built = True

    @property
    def metrics(self) -> list[Any]:
        """Its own and the model's, which Keras would leave out: it takes a model inside a model for a layer."""
        return [*super().metrics, *self.model.metrics]

    def call(self, indices: Any) -> Any:
        """Nothing: all work is in the loss."""
        return indices

    def draw(self, indices: Any) -> dict[str, Any]:
        """What the model's loss takes of the training images at `indices` `(batch,)`, as this step sees them."""
        images = ops.take(self.images, indices, axis=0)
        if self.resample:
            draws = keras.random.uniform(ops.shape(images), dtype="float32", seed=self.binarisation)
            images = ops.cast(draws < images, "float32")
        return {"x": images} if self.labels is None else {"x": images, "y": ops.take(self.labels, indices, axis=0)}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,  # noqa: ARG002
        y_pred: Any = None,  # noqa: ARG002
        sample_weight: Any = None,  # noqa: ARG002
        training: bool = True,
    ) -> Any:
        """The model's own loss on the images at indices `x`."""
        return self.model.compute_loss(**self.draw(x), training=training)


def known_labels(inputs: Inputs, model: Any) -> np.ndarray:
    """Labels of the training images as a model that takes them sees them: `(n,)` int32, -1 where unknown.

    The first `model.labelled_images` of a fixed order of the images are known; all where that is 0.

    Raises:
        UserError: there are none, or more classes than the model has.
    """
    name, labels = model.variant_name, inputs.train_labels
    if labels is None:
        raise UserError(f"variant {name!r} needs labels and the data set has none; leave it out of the study")
    if (found := int(labels.max()) + 1) > model.classes:
        raise UserError(
            f"variant {name!r} has classes={model.classes} and the data set has {found}; set classes = {found}"
        )
    known = labels.astype("int32")
    if model.labelled_images:
        order = np.random.default_rng(stream(0, "labelled")).permutation(len(known))
        known[order[model.labelled_images :]] = -1
    return known


def steps_per_epoch(spec: RunSpec, images: int) -> int:
    """Full batches in an epoch; `schedule.plan` refuses a study whose batches are larger than its data."""
    return images // spec.batch_size


def batches(seed: int, images: int, steps: int, batch_size: int) -> Iterator[np.ndarray]:
    """Epoch after epoch, without end, the indices of a run's batches: `(steps, batch_size)` int32.

    Each epoch is a fresh permutation from the stream `shuffle` of the run's seed, cut to full batches.
    """
    rng = np.random.default_rng(stream(seed, "shuffle"))
    while True:
        yield rng.permutation(images)[: steps * batch_size].reshape(steps, batch_size).astype("int32")


def binarisation_state(seed: int) -> np.ndarray:
    """State of the generator that resamples a run's pixels, before its first draw."""
    return np.array([stream(seed, "binarisation"), 0], "uint32")


def validation_noise() -> np.ndarray:
    """State of the model's noise at the start of each validation chunk: the same for every run and epoch."""
    return np.array([stream(0, "validation"), 0], "uint32")


def validation_chunks(images: np.ndarray) -> list[Any]:
    """Validation `images` on the device, cut so that memory is bounded."""
    size = min(len(images), VALIDATION_CHUNK)
    return [ops.convert_to_tensor(images[i : i + size]) for i in range(0, len(images), size)]


def validation_sums(model: Any, images: Any) -> tuple[Any, ...]:
    """Objective, distortion and, with a posterior, rate, each summed over `images`."""
    terms = model.terms(images)
    parts = (terms.objective, terms.distortion, terms.rate)
    return tuple(ops.sum(part) for part in parts if part is not None)


def validation_row(sums: Any, images: int) -> dict[str, float]:
    """`val_objective`, `val_distortion` and, with a posterior, `val_rate` in nats per image, from their sums."""
    names = ("val_objective", "val_distortion", "val_rate")
    return {name: float(total) / images for name, total in zip(names, sums, strict=False)}
