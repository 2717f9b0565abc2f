"""Draws combinations of factors' values for data sets whose images are made from them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aebench.data.dataset import Array, Published, Split
from aebench.records.record import Factor

TRAIN, TEST = 25_000, 5_000  # images: enough for every measure, few enough for two cores
# What of them is training, validation and test once a tenth of training is held out.
SIZES = (22_500, 2_500, 5_000)
_SEED = 20240229  # any number, but never another one: every stored digest depends on it


def draw(levels: Sequence[int]) -> Array:
    """Distinct combinations, each as likely as any other and always the same.

    Args:
        levels: how many values each factor has; of more combinations than are drawn.

    Returns:
        `(TRAIN + TEST, factors)` which value each factor has, from 0, in no order.
    """
    # RandomState's stream is frozen by numpy's policy (NEP 19); Generator's is not.
    chosen = np.random.RandomState(_SEED).permutation(math.prod(levels))[: TRAIN + TEST]
    return np.stack(np.unravel_index(chosen, tuple(levels)), axis=1)


def publish(images: Array, maximum: float, values: Array, factors: tuple[Factor, ...]) -> Published:
    """Images of the combinations that `draw` gives, as training and test split without labels.

    Args:
        images: `(TRAIN + TEST, height, width, channels)` uint8.
        maximum: of a pixel.
        values: `(TRAIN + TEST, factors)`.
        factors: what they are.
    """
    everything = Split(images=images, labels=None, maximum=maximum, factors=values.astype(np.float64))
    return Published(
        train=everything.take(np.arange(TRAIN)), test=everything.take(np.arange(TRAIN, TRAIN + TEST)), factors=factors
    )
