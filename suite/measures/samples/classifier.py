"""The judge of generated images: one small classifier a data set, trained once, kept beside the data cache.

It is trained, and real images are judged, on grey pixels, since what is judged are expected images E[x|z], which are
grey even where the models saw binarised ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from pydantic import BaseModel, ConfigDict, ValidationError

from aebench import backends
from aebench.backends.weights import Weights, get_weights, set_weights
from aebench.data import Dataset
from aebench.data.cache import root
from aebench.measures.samples import classifier_training as training
from aebench.records.damage import UNREADABLE
from aebench.records.writing import write_aside

VERSION = 2  # raised by hand when a change here or in its training changes its judgement
CHUNK = 1000  # images judged at once, smaller numbers filled up: one program serves all
RECOGNISABLE = 0.9  # of the most probable class
# Of each of two classes: the less probable one then has at least a quarter of the other's probability. Real test images
# of which the calibrated classifier says so: 2.2 % of the digits, 1.4 % of MNIST.
AMBIGUOUS = 0.2
LIKELIEST = 0.5  # below that, an image that isn't ambiguous shows nothing


class _Meta(BaseModel):
    """What stands beside the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int
    dataset: str
    digest: str
    backend: str
    temperature: float
    test_accuracy: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Classifier:
    """A trained classifier of grey images.

    Attributes:
        image_shape: `(height, width, channels)`.
        class_names: of its classes, in order.
        weights: plain arrays, the same on every backend.
        temperature: what its logits are divided by (see `classifier_training.temperature`).
        test_accuracy: share of the data set's grey test images that it names rightly.
    """

    image_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    weights: Weights
    temperature: float
    test_accuracy: float

    def judge(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What it makes of images.

        Args:
            images: `(n, *image_shape)` float32 in [0, 1]; real ones are grey.

        Returns:
            Features (the penultimate layer), `(n, training.FEATURES)`, and class probabilities, `(n, classes)`.
        """
        parts = [self._judge_chunk(images[start : start + CHUNK]) for start in range(0, len(images), CHUNK)]
        if not parts:
            return np.zeros((0, training.FEATURES), "float32"), np.zeros((0, len(self.class_names)), "float32")
        features, probabilities = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return features, probabilities

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities of `images` `(n, *image_shape)`: `(n, classes)`."""
        return self.judge(images)[1]

    def features(self, images: np.ndarray) -> np.ndarray:
        """The penultimate layer's output for `images` `(n, *image_shape)`: `(n, training.FEATURES)`."""
        return self.judge(images)[0]

    def _judge_chunk(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        full = np.zeros((CHUNK, *self.image_shape), "float32")
        full[: len(images)] = images
        results = self._program(ops.convert_to_tensor(full))
        return tuple(np.asarray(ops.convert_to_numpy(result))[: len(images)] for result in results)

    @cached_property
    def _program(self) -> Any:
        with backends.precision("float32"):
            model = training.network(self.image_shape, len(self.class_names))
            set_weights(model, self.weights)
        *trunk, head = model.layers

        def judged(images: Any) -> tuple[Any, Any]:
            for layer in trunk:
                images = layer(images)
            return images, ops.softmax(head(images) / self.temperature)

        return backends.current().compiled(judged)


@cache
def classifier(dataset: Dataset) -> Classifier | None:
    """The classifier of a data set: from its cache, else trained now: digits 5 s, MNIST half a minute on 2 cores.

    Returns:
        The classifier, or `None` for series and vectors, and for a data set without labels or with a single class.

    Raises:
        UserError: the cache folder cannot be written.
    """
    if len(dataset.image_shape) != 3:
        return None
    if dataset.train.labels is None or dataset.class_names is None or len(dataset.class_names) < 2:
        return None
    return _read(dataset, dataset.class_names) or _train(dataset, dataset.class_names)


def path(dataset: Dataset) -> Path:
    """Where its weights are, or will be; what is known about them is beside, ending in `.json`."""
    return root().with_name("classifiers") / f"{dataset.name}-{dataset.digest[:16]}-v{VERSION}.npz"


def _read(dataset: Dataset, class_names: tuple[str, ...]) -> Classifier | None:
    """Reads it from the cache; `None` if it isn't there, or is not whole: then it is made anew."""
    where = path(dataset)
    try:
        meta = _Meta.model_validate_json(where.with_suffix(".json").read_bytes())
        with np.load(where, allow_pickle=False) as arrays:
            weights = dict(arrays)
    except (*UNREADABLE, ValidationError):
        return None
    if (meta.version, meta.digest) != (VERSION, dataset.digest):
        return None
    return Classifier(
        image_shape=dataset.image_shape,
        class_names=class_names,
        weights=weights,
        temperature=meta.temperature,
        test_accuracy=meta.test_accuracy,
    )


def _train(dataset: Dataset, class_names: tuple[str, ...]) -> Classifier:
    with backends.precision("float32"):
        model = training.trained(dataset.train, len(class_names))
        temperature = training.temperature(model, dataset.validation)
        accuracy = training.accuracy(model, dataset.test)
    made = Classifier(
        image_shape=dataset.image_shape,
        class_names=class_names,
        weights=get_weights(model),
        temperature=temperature,
        test_accuracy=accuracy,
    )
    _write(dataset, made)
    return made


def _write(dataset: Dataset, made: Classifier) -> None:
    """The description last: what has one is whole."""
    where = path(dataset)
    meta = _Meta(
        version=VERSION,
        dataset=dataset.name,
        digest=dataset.digest,
        backend=keras.backend.backend(),
        temperature=made.temperature,
        test_accuracy=made.test_accuracy,
    )
    write_aside(where, lambda file: np.savez(file, allow_pickle=False, **made.weights))
    write_aside(where.with_suffix(".json"), lambda file: file.write(meta.model_dump_json(indent=1).encode()))


def recognisable(probabilities: np.ndarray) -> np.ndarray:
    """Which images show one class: its probability is at least `RECOGNISABLE`; `(n, classes)` -> `(n,)` bool."""
    return np.asarray(probabilities.max(axis=1) >= RECOGNISABLE)


def ambiguous(probabilities: np.ndarray) -> np.ndarray:
    """Which images lie between two classes: just two are at least `AMBIGUOUS` probable; `(n, classes)` -> `(n,)`."""
    return np.asarray((probabilities >= AMBIGUOUS).sum(axis=1) == 2)


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Entropy of class probabilities `(..., classes)` in nats, `(...,)`: 0 where sure, ln(classes) where clueless."""
    p = np.asarray(probabilities, np.float64)
    return np.asarray(-np.sum(p * np.log(np.where(p > 0.0, p, 1.0)), axis=-1))


def sample_labels(probabilities: np.ndarray, class_names: Sequence[str]) -> list[str]:
    """What to write under pictures.

    Args:
        probabilities: `(n, classes)`.
        class_names: in the order of the columns.

    Returns:
        `"7"`; `"1/7"`, the likelier first, for an ambiguous one; `"?"` where no class, or more than two, are likely.
    """
    return [_label(each, class_names) for each in probabilities]


def _label(probabilities: np.ndarray, class_names: Sequence[str]) -> str:
    first, second = np.argsort(-probabilities, kind="stable")[:2]
    if ambiguous(probabilities[None])[0]:
        return f"{class_names[first]}/{class_names[second]}"
    sure = probabilities[first] >= LIKELIEST and probabilities[second] < AMBIGUOUS
    return class_names[first] if sure else "?"
