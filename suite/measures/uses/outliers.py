"""Images that no model should take for its own, made of a data set's own images: no other data set is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from aebench.measures.uses.images import Images, Part

Change = Callable[[np.ndarray, np.random.Generator, np.ndarray], np.ndarray]


def turned(grey: np.ndarray, rng: np.random.Generator, train: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """A quarter turn; upside down where images are not square."""
    return np.rot90(grey, 1 if grey.shape[1] == grey.shape[2] else 2, axes=(1, 2))


def scrambled(grey: np.ndarray, rng: np.random.Generator, train: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """Pixels in another order, the same of all images."""
    flat = grey.reshape(len(grey), -1)
    return flat[:, rng.permutation(flat.shape[1])].reshape(grey.shape)


def noise(grey: np.ndarray, rng: np.random.Generator, train: np.ndarray) -> np.ndarray:
    """Each pixel from a training image of its own: all that single pixels tell is right."""
    flat = train.reshape(len(train), -1)
    return flat[rng.integers(len(flat), size=(len(grey), flat.shape[1])), np.arange(flat.shape[1])].reshape(grey.shape)


def inverted(grey: np.ndarray, rng: np.random.Generator, train: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """Black for white."""
    return np.asarray(1.0 - grey)


def faded(grey: np.ndarray, rng: np.random.Generator, train: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """Half the ink."""
    return np.asarray(0.5 * grey)


def blank(grey: np.ndarray, rng: np.random.Generator, train: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """Nothing at all."""
    return np.zeros_like(grey)


KINDS: Final[dict[str, Change]] = {
    "turned": turned,
    "scrambled": scrambled,
    "noise": noise,
    "inverted": inverted,
    "faded": faded,
    "blank": blank,
}
SIMPLE: Final = ("faded", "blank")  # less is in them than in real images: where likelihoods are known to fail


def outliers(images: Images, part: Part) -> dict[str, np.ndarray]:
    """What models see of each kind of outliers made of a part's images, `(count, *image_shape)`."""
    train = images.inputs.train
    return {
        kind: images.spoiled(part, kind, lambda grey, rng, change=change: change(grey, rng, train)).seen  # type: ignore[misc]
        for kind, change in KINDS.items()
    }
