"""Inputs: the pixels that a run sees, under the one rule for binarisation.

Under the Bernoulli likelihood grey pixels are resampled each time they are drawn in training, and once, with a fixed
seed, for validation and test; under any other likelihood pixels stay grey.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from aebench.data import Dataset, Split
from aebench.models.streams import stream
from aebench.records.record import Factor
from aebench.records.spec import TrainOn

FIXED_SEED = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """Float32 images in [0, 1], `(n, height, width, channels)`, series or vectors, and labels `(n,)` or `None`.

    Series are `(n, time steps, channels)`, vectors `(n, columns)`.

    Attributes:
        train: grey, even where `resample` asks for a fresh Bernoulli sample at each draw.
        validation, test: what validation and test are scored on.
        grey_test: the test images before binarisation.
        resample: whether training draws binarise.
        labels: of the test images.
        train_labels, validation_labels: of the training and validation images.
        grey_validation: the validation images before binarisation.
        factors: what is known of each image beside its class; empty where nothing is.
        factor_values, train_factor_values: of the test and training images, `(n, factors)`; `None` without.
        column_names: of vectors, or of the channels of series.
        levels: how many values a pixel may have, as far apart; 0 where any.
        unseen_class: the class that neither training nor validation images are of, where one was left out.
        unseen_validation: the validation images of that class, of the same kind as `validation`.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    grey_test: np.ndarray
    resample: bool
    labels: np.ndarray | None
    class_names: tuple[str, ...] | None
    train_labels: np.ndarray | None = None
    validation_labels: np.ndarray | None = None
    grey_validation: np.ndarray | None = None
    factors: tuple[Factor, ...] = ()
    factor_values: np.ndarray | None = None
    train_factor_values: np.ndarray | None = None
    column_names: tuple[str, ...] = ()
    levels: int = 0
    unseen_class: int | None = None
    unseen_validation: np.ndarray | None = None

    @property
    def has_images(self) -> bool:
        """Whether these are images, not series or vectors."""
        return self.train.ndim == 4

    @cached_property
    def seen_train(self) -> np.ndarray:
        """The training images as measures see them: of the kind that models train on, and the same every time."""
        return binarise(self.train, "train") if self.resample else self.train

    @cached_property
    def train_mean(self) -> np.ndarray:
        """The mean training image, `image_shape` float64: what every run's output starts at."""
        mean: np.ndarray = self.train.mean(axis=0, dtype=np.float64)
        return mean


@cache
def prepare(dataset: Dataset, likelihood: str, train_on: TrainOn, without_class: int | None = None) -> Inputs:
    """The pixels that a run with this likelihood trains on and is scored on; made once in a process."""
    binary = likelihood == "bernoulli"
    if without_class is not None:
        unseen = dataset.validation.take(np.flatnonzero(dataset.validation.labels == without_class))
        return replace(
            prepare(dataset.without(without_class), likelihood, train_on),
            unseen_class=without_class,
            unseen_validation=_fixed(unseen, "validation/unseen", binary),
        )
    return Inputs(
        train=_training_pixels(dataset, train_on),
        validation=_fixed(dataset.validation, "validation", binary),
        test=_fixed(dataset.test, "test", binary),
        grey_test=dataset.test.pixels(),
        resample=binary,  # identity on pixels that are 0 or 1 already
        labels=dataset.test.labels,
        class_names=dataset.class_names,
        train_labels=_of_training(dataset.train.labels, dataset.validation.labels, train_on),
        validation_labels=dataset.validation.labels,
        grey_validation=dataset.validation.pixels(),
        factors=dataset.factors,
        factor_values=dataset.test.factors,
        train_factor_values=_of_training(dataset.train.factors, dataset.validation.factors, train_on),
        column_names=tuple(column.name for column in dataset.columns),
        levels=2 if binary else dataset.levels,
    )


def _of_training(known: np.ndarray | None, more: np.ndarray | None, train_on: TrainOn) -> np.ndarray | None:
    """What is known of the training images: of train, and of validation where that is trained on too."""
    if known is None or more is None or train_on == "train":
        return known
    return np.concatenate([known, more])


@cache
def _training_pixels(dataset: Dataset, train_on: TrainOn) -> np.ndarray:
    """Grey whatever the likelihood, so that all share one array."""
    pixels = dataset.train.pixels()
    return np.concatenate([pixels, dataset.validation.pixels()]) if train_on == "train+validation" else pixels


def _fixed(split: Split, name: str, binary: bool) -> np.ndarray:
    return binarise(split.pixels(), name) if binary else split.pixels()


def binarise(pixels: np.ndarray, name: str) -> np.ndarray:
    """One Bernoulli sample of grey pixels, the same every time for a split called `name`; 0 and 1 stay."""
    draws = np.random.default_rng(stream(FIXED_SEED, f"binarisation/{name}")).random(pixels.shape, np.float32)
    return (draws < pixels).astype(np.float32)
