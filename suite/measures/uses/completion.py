"""Missing pixels: which they are, estimates of them that need no autoencoder, and how far estimates are off."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from aebench.data.pixels import Inputs
from aebench.measures.components import pca
from aebench.measures.uses.images import Part, images
from aebench.measures.uses.representations import some
from aebench.models.streams import stream

NEIGHBOURS = 10
MOST_FITTED = 10_000  # training images that neighbours are looked for among
INSIDE = 1e-3  # how near to 0 and 1 an estimated probability may be, as decoders start


def half(shape: tuple[int, ...]) -> np.ndarray:
    """The lower half of images `(n, height, width, channels)`, of those a pixel high the right half: 1 is missing."""
    missing = np.zeros(shape, "float32")
    if shape[1] > 1:
        missing[:, (shape[1] + 1) // 2 :] = 1.0
    else:
        missing[:, :, (shape[2] + 1) // 2 :] = 1.0
    return missing


def scattered(shape: tuple[int, ...]) -> np.ndarray:
    """Each pixel of each image by the toss of a coin, with all its channels, always the same: 1 is missing."""
    coins = np.random.default_rng(stream(0, "uses/missing")).random((*shape[:3], 1)) < 0.5
    return np.broadcast_to(coins, shape).astype("float32")


MASKS = {"half": half, "random": scattered}


def errors(estimates: np.ndarray, truth: np.ndarray, missing: np.ndarray, binary: bool) -> dict[str, np.ndarray]:
    """How far estimates of missing pixels are off, image by image.

    Args:
        estimates, truth, missing: `(n, *image_shape)`; 1 where a pixel is missing.
        binary: whether pixels are.

    Returns:
        `mse`, per missing pixel; of binary pixels also `nats`, -log of what estimates give the truth, each pixel by
        itself. Both `(n,)`, of images of which nothing is missing 0.
    """
    axes = (1, 2, 3)
    count = np.maximum(missing.sum(axis=axes), 1.0)
    with np.errstate(over="ignore", invalid="ignore"):  # a decoder without bounds may have run away
        found = {"mse": (missing * (estimates - truth) ** 2).sum(axis=axes, dtype=np.float64) / count}
    if binary:
        chance = np.clip(estimates.astype("float64"), INSIDE, 1.0 - INSIDE)
        found["nats"] = -(missing * np.where(truth > 0.5, np.log(chance), np.log1p(-chance))).sum(axis=axes)
    return found


def neighbours(train: np.ndarray, seen: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """The mean of the `NEIGHBOURS` training images that are nearest where pixels are there.

    Args:
        train: `(m, pixels)`.
        seen, missing: `(n, pixels)`.
    """
    there = 1.0 - missing
    distances = there @ (train**2).T - 2.0 * (there * seen) @ train.T
    nearest = np.argpartition(distances, min(NEIGHBOURS, len(train)) - 1, axis=1)[:, :NEIGHBOURS]
    return np.asarray(train[nearest].mean(axis=1))


def conditional(train: np.ndarray, components: int, seen: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """What probabilistic PCA expects of an image, given the pixels that are there (Tipping & Bishop 1999).

    Args:
        train: images to fit it to, `(m, pixels)`.
        components: as many as a code has numbers.
        seen, missing: `(n, pixels)`.

    Returns:
        `(n, pixels)`, within 0 and 1.
    """
    train, seen, there = (array.astype("float64") for array in (train, seen, 1.0 - missing))
    found = pca(train, components)
    left = max(float(found.noise_variance_), 1e-6)
    loadings = found.components_.T * np.sqrt(np.maximum(found.explained_variance_ - left, 0.0))
    told = np.einsum("np,pq,pr->nqr", there, loadings, loadings, optimize=True) + left * np.eye(loadings.shape[1])
    codes = np.linalg.solve(told, ((there * (seen - found.mean_)) @ loadings)[:, :, None])[:, :, 0]
    return np.asarray(np.clip(found.mean_ + codes @ loadings.T, 0.0, 1.0))


class Gaps:
    """Images with missing pixels, and how far estimates that need no autoencoder are off.

    Args:
        inputs: the pixels that runs saw.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs

    @cache  # noqa: B019 - one object a kind of inputs
    def missing(self, mask: str) -> np.ndarray:
        """Where pixels are missing, `(count, *image_shape)`; the same of all parts."""
        return MASKS[mask](images(self.inputs).test.seen.shape)

    def errors(self, part: Part, mask: str, estimates: np.ndarray) -> dict[str, np.ndarray]:
        """How far `estimates` `(count, *image_shape)` of a part's images are off, `(distinct,)`."""
        found = errors(estimates, part.seen, self.missing(mask), self.inputs.resample)
        return {name: values[: part.distinct] for name, values in found.items()}

    @cache  # noqa: B019
    def references(self, mask: str, components: int) -> Mapping[str, dict[str, np.ndarray]]:
        """Errors of the mean training image, of neighbours and of components, on test images."""
        train, seen, gone = self._flat(mask)
        return {**self._without_fit(mask), "pca": self._errors(mask, conditional(train, components, seen, gone))}

    @cache  # noqa: B019
    def _without_fit(self, mask: str) -> Mapping[str, dict[str, np.ndarray]]:
        """Errors of what no number of components enters."""
        train, seen, gone = self._flat(mask)
        return {
            "mean": self._errors(mask, np.broadcast_to(train.mean(axis=0), seen.shape)),
            "neighbours": self._errors(mask, neighbours(train[some(len(train), MOST_FITTED)], seen, gone)),
        }

    def _flat(self, mask: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The training images, the test images, and where these lack pixels, each `(n, pixels)`."""
        parts = (self.inputs.seen_train, images(self.inputs).test.seen, self.missing(mask))
        train, seen, gone = (part.reshape(len(part), -1) for part in parts)
        return train, seen, gone

    def _errors(self, mask: str, found: np.ndarray) -> dict[str, np.ndarray]:
        """How far estimates `(n, pixels)` of the test images are off."""
        part = images(self.inputs).test
        return self.errors(part, mask, found.reshape(part.seen.shape))


@cache
def gaps(inputs: Inputs) -> Gaps:
    """The gaps of these inputs, one object for all cohorts of a process."""
    return Gaps(inputs)
