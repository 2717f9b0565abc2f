"""Images as they come in practice: with noise, turned a little, moved a little; and what components make of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.data.pixels import Inputs
from aebench.measures.components import pca
from aebench.measures.uses.images import Part, images
from aebench.models.streams import stream

if TYPE_CHECKING:
    from sklearn.decomposition import PCA

FLIPPED: Final = 0.1  # share of binary pixels that noise turns over
NOISE_SD: Final = 0.2  # of noise on grey pixels, whose range is 0 to 1
DEGREES: Final = 15.0
MOVED: Final = 1 / 14  # of a side, and at least a pixel


@cache
def noisy(inputs: Inputs, part: Part) -> np.ndarray:
    """What models see of a part's images, with noise: pixels turned over where they are binary, else Gaussian."""
    rng = np.random.default_rng(stream(0, f"uses/noise/{part.name}"))
    if inputs.resample:
        return np.where(rng.random(part.seen.shape) < FLIPPED, 1.0 - part.seen, part.seen).astype(part.seen.dtype)
    return np.clip(part.seen + rng.normal(0.0, NOISE_SD, part.seen.shape), 0.0, 1.0).astype(part.seen.dtype)


@cache
def rotated(inputs: Inputs, part: Part) -> np.ndarray:
    """A part's images turned by `DEGREES`, every other one the other way."""

    def turn(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
        from scipy.ndimage import rotate

        both = [rotate(grey, way * DEGREES, axes=(1, 2), reshape=False, order=1) for way in (1, -1)]
        return np.asarray(np.where((np.arange(len(grey)) % 2)[:, None, None, None] == 0, *both))

    return images(inputs).spoiled(part, "rotated", turn).seen


@cache
def moved(inputs: Inputs, part: Part) -> np.ndarray:
    """A part's images moved by `MOVED` up, down, left or right in turn; what comes in is what was at the edge."""

    def move(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
        far = max(1, round(MOVED * min(grey.shape[1:3])))
        wide = np.pad(grey, ((0, 0), (far, far), (far, far), (0, 0)), mode="edge")
        height, width = grey.shape[1:3]
        found = np.empty_like(grey)
        for at, (down, right) in enumerate(((0, far), (2 * far, far), (far, 0), (far, 2 * far))):
            found[at::4] = wide[at::4, down : down + height, right : right + width]
        return found

    return images(inputs).spoiled(part, "moved", move).seen


@cache
def components(inputs: Inputs, count: int) -> PCA:
    """The first principal components of the training images."""
    return pca(inputs.seen_train, count)


def on_components(inputs: Inputs, count: int, seen: np.ndarray) -> np.ndarray:
    """Images `(n, *image_shape)` as so many components of the training images give them back, within 0 and 1."""
    found = components(inputs, count)
    restored = found.inverse_transform(found.transform(seen.reshape(len(seen), -1)))
    return np.asarray(np.clip(restored, 0.0, 1.0).reshape(seen.shape))
