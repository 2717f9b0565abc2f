"""Patches of the two photographs inside scikit-learn: real, in colour, and there without a network."""

from __future__ import annotations

import numpy as np

from aebench.data.dataset import Array, Published, Split

SIDE = 12  # of a patch, in pixels
ACROSS = 5  # patches along a block's side
_KINDS = 7  # of blocks, in diagonals: one for test, one for validation, the others for training
_TEST, _VALIDATION = 0, 3
_SEED = 20240229  # any number, but never another one: every stored digest depends on it
NAMES = ("china", "flower")


def read_patches() -> Published:
    """Patches that do not overlap, of a temple and of a flower, each split from blocks of its own.

    Returns:
        `(n, 12, 12, 3)` uint8 in a fixed random order, since pages show the first of a split; which photograph a patch
        is from is its class. Neighbouring blocks touch: what goes on beyond a block's edge may be in another split.
    """
    from sklearn.datasets import load_sample_images

    blocks = [_blocks(np.asarray(image)) for image in load_sample_images().images]
    parts = {
        "train": [kind for kind in range(_KINDS) if kind not in (_TEST, _VALIDATION)],
        "validation": [_VALIDATION],
        "test": [_TEST],
    }
    splits: dict[str, Split] = {}
    for split, kinds in parts.items():
        images = [np.concatenate([block for kind, block in own if kind in kinds]) for own in blocks]
        labels = np.repeat(np.arange(len(images)), [len(own) for own in images])
        whole = Split(images=np.concatenate(images), labels=labels.astype(np.int64), maximum=255.0)
        # RandomState's stream is frozen by numpy's policy (NEP 19); Generator's is not.
        splits[split] = whole.take(np.random.RandomState(_SEED).permutation(len(whole)))
    train, validation, test = (splits[name] for name in parts)
    return Published(train=train, validation=validation, test=test, class_names=NAMES)


def _blocks(image: Array) -> list[tuple[int, Array]]:
    """The kind of each block of an image `(height, width, 3)`, and its patches `(ACROSS², SIDE, SIDE, 3)`."""
    edge = SIDE * ACROSS
    return [
        (
            (2 * row + column) % _KINDS,
            image[row * edge : (row + 1) * edge, column * edge : (column + 1) * edge]
            .reshape(ACROSS, SIDE, ACROSS, SIDE, 3)
            .swapaxes(1, 2)
            .reshape(-1, SIDE, SIDE, 3),
        )
        for row in range(image.shape[0] // edge)
        for column in range(image.shape[1] // edge)
    ]
