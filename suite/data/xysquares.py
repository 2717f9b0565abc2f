"""XYSquares: three squares on a grid, each in a colour of its own (Michlo, Klein & James 2023).

A square moves by its own width, so that its pixels before and after never overlap: to a loss that compares pixels, all
places are equally far apart, and nothing tells a model which of them are neighbours. Meant to be hard for
disentanglement by reconstruction.
"""

from __future__ import annotations

import numpy as np

from aebench.data import combinations
from aebench.data.dataset import Published
from aebench.records.record import Factor

SIDE = 32  # of the image, in pixels; of 64 as published
SQUARE = 4
PLACES = SIDE // SQUARE
FACTORS = tuple(
    Factor(name=f"{axis} of {colour}", kind="ordered", unit="places", levels=PLACES)
    for colour in ("red", "green", "blue")
    for axis in ("x", "y")
)


def draw() -> Published:
    """A fixed sample of the 262,144 images.

    Returns:
        `(n, 32, 32, 3)` of 0 and 1, one square a channel, and the places of the squares, 0 to 7.
    """
    places = combinations.draw([factor.levels or 0 for factor in FACTORS])
    images = np.zeros((len(places), SIDE, SIDE, 3), np.uint8)
    within = np.arange(SIDE) // SQUARE
    for channel in range(3):
        across = within == places[:, 2 * channel, None]
        down = within == places[:, 2 * channel + 1, None]
        images[..., channel] = down[:, :, None] & across[:, None, :]
    return combinations.publish(images, 1.0, places, FACTORS)
