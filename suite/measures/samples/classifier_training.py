"""How the classifier that judges generated images is built and trained.

A classifier that has only seen real images is as sure of noise as of digits: such a one recognised, with top-1
probability >= 0.9, 56 % (MNIST) and 46 % (digits) of images whose pixels were drawn independently of each other. So a
third of each batch are such images, whose target is "all classes alike" (outlier exposure, Hendrycks et al. 2019): then
none and 0.3 %, and of the real test images that it recognises it is right about 99.8 % and 99.4 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers

from aebench.data import Split
from aebench.models.seeding import initializer
from aebench.models.streams import stream

SEED = 0
FILTERS = (16, 32)
FEATURES = 32  # with ELU: of as many ReLU units half never fired on MNIST
LEARNING_RATE = 4e-3  # falls to 0 as a cosine
IMAGES_SEEN, MOST_EPOCHS = 220_000, 60
LARGE, BATCH, SMALL_BATCH = 10_000, 128, 64  # a data set of `LARGE` images or more is taken in larger batches
OUTLIERS = 0.5  # for each real image
LOG_TEMPERATURES = np.linspace(-1.5, 1.5, 61)
CHUNK = 1000


def network(image_shape: tuple[int, ...], classes: int) -> keras.Sequential:
    """Two 3x3 convolutions, each halving the image by max-pooling while 8 pixels are left, `FEATURES` ELU, logits."""
    return keras.Sequential(
        [
            keras.Input(image_shape),
            *_convolutions(image_shape),
            layers.Flatten(name="flatten"),
            layers.Dense(FEATURES, "elu", kernel_initializer=initializer(SEED, "features"), name="features"),
            layers.Dense(classes, kernel_initializer=initializer(SEED, "logits"), name="logits"),
        ],
        name="classifier",
    )


def _convolutions(image_shape: tuple[int, ...]) -> Iterator[Any]:
    side = min(image_shape[:2])
    for i, filters in enumerate(FILTERS):
        kernel = initializer(SEED, f"conv_{i}")
        yield layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer=kernel, name=f"conv_{i}")
        if side >= 8:
            yield layers.MaxPooling2D(2, padding="same", name=f"pool_{i}")
            side = math.ceil(side / 2)


def trained(split: Split, classes: int) -> Any:
    """The network, trained by Adam on cross-entropy; the same every time, up to rounding.

    Args:
        split: the training images with their labels.
        classes: how many there are.
    """
    size = BATCH if len(split) >= LARGE else SMALL_BATCH
    epochs = min(MOST_EPOCHS, max(1, IMAGES_SEEN // len(split)))
    model = network(split.images.shape[1:], classes)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * math.ceil(len(split) / size))
    model.compile(
        keras.optimizers.Adam(rate), keras.losses.CategoricalCrossentropy(from_logits=True), jit_compile="auto"
    )
    for images, targets in _batches(split, classes, size, epochs):
        model.train_on_batch(images, targets)
    return model


def _batches(split: Split, classes: int, size: int, epochs: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(stream(SEED, "classifier"))
    pixels, targets = split.pixels(), np.eye(classes, dtype="float32")[split.labels]
    for _ in range(epochs):
        order = rng.permutation(len(pixels))
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            noise = outliers(pixels, max(1, int(OUTLIERS * len(chosen))), rng)
            none = np.full((len(noise), classes), 1.0 / classes, "float32")
            yield np.concatenate([pixels[chosen], noise]), np.concatenate([targets[chosen], none])


def outliers(pixels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Images that show nothing: each pixel is that of another of the images `(n, h, w, c)`; `(count, h, w, c)`."""
    flat = pixels.reshape(len(pixels), -1)
    rows = rng.integers(0, len(flat), (count, flat.shape[1]))
    return flat[rows, np.arange(flat.shape[1])].reshape(count, *pixels.shape[1:])


def temperature(model: Any, split: Split) -> float:
    """What to divide logits by to have the lowest cross-entropy on `split`, the validation images (Guo et al. 2017).

    With it, a probability of 0.9 means that nine in ten such real images are of that class.
    """
    scores = _logits(model, split)
    rows = np.arange(len(scores))

    def cross_entropy(log_temperature: float) -> float:
        scaled = scores / math.exp(log_temperature)
        top = scaled.max(axis=1)
        log_sum = np.log(np.exp(scaled - top[:, None]).sum(axis=1)) + top
        return float(np.mean(log_sum - scaled[rows, split.labels]))

    return math.exp(min(LOG_TEMPERATURES, key=cross_entropy))


def accuracy(model: Any, split: Split) -> float:
    """Share of the images of `split` that get their own label."""
    return float(np.mean(_logits(model, split).argmax(axis=1) == split.labels))


def _logits(model: Any, split: Split) -> np.ndarray:
    """`(n, classes)` float64."""
    return np.asarray(model.predict(split.pixels(), batch_size=CHUNK, verbose=0), np.float64)
