"""Bits back with ANS (Townsend et al. 2019): binary images stored without loss, by a model with a Gaussian posterior.

A code is drawn by popping it, with the posterior's probabilities, off bits that are there already; then the image is
pushed with the decoder's, and the code with the prior's. Who unpacks the image knows its posterior, and pushes those
bits back: so an image costs -log2 p(x|z) - log2 p(z) + log2 q(z|x), the mean of which is the ELBO in bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from aebench.measures.uses.ans import Stack

BUCKETS: Final = 12  # bits: the prior N(0, 1) is cut into 2**12 parts of equal mass along each dimension
PRECISION: Final = 28  # bits of a bucket's probability under a posterior
PIXEL: Final = 16  # bits of a pixel's probability
_PARTS: Final = 1 << BUCKETS
_SHARED: Final = (1 << PRECISION) - _PARTS  # places that buckets have beside the one that each has

Gaussians = Sequence[tuple[float, float]]  # mean and standard deviation of each dimension


def draw(stack: Stack, posterior: Gaussians) -> list[int]:
    """Pops a code with its probabilities under a posterior: the bucket of each dimension."""
    return [_popped(stack, *own) for own in posterior]


def give_back(stack: Stack, posterior: Gaussians, code: Sequence[int]) -> None:
    """Pushes what `draw` popped."""
    for bucket, own in reversed([*zip(code, posterior, strict=True)]):
        start, end = _start(bucket, *own), _start(bucket + 1, *own)
        stack.push(start, end - start, PRECISION)


def put(stack: Stack, image: np.ndarray, probabilities: np.ndarray, code: Sequence[int]) -> None:
    """Pushes an image, and then its code with the prior's probabilities.

    Args:
        stack: what is there already.
        image: `(pixels,)` of 0 and 1.
        probabilities: of 1 in each pixel, given the code.
        code: its buckets.
    """
    for value, zero in zip(image.tolist(), _of_zero(probabilities), strict=True):
        stack.push(*((zero, (1 << PIXEL) - zero) if value else (0, zero)), PIXEL)
    for bucket in code:
        stack.push(bucket, 1, BUCKETS)


def take_code(stack: Stack, size: int) -> list[int]:
    """Pops the code, of so many dimensions, of the image on top."""
    return [stack.pop(BUCKETS, lambda place: (place, place, 1)) for _ in range(size)][::-1]


def take_image(stack: Stack, probabilities: np.ndarray) -> np.ndarray:
    """Pops the image whose code has been taken: `(pixels,)` of 0 and 1."""

    def pixel(zero: int) -> int:
        return stack.pop(PIXEL, lambda place: (0, 0, zero) if place < zero else (1, zero, (1 << PIXEL) - zero))

    return np.array([pixel(zero) for zero in reversed(_of_zero(probabilities))][::-1])


def at(code: Sequence[int]) -> np.ndarray:
    """The point that stands for each bucket, the middle of its mass: `(d,)`."""
    from scipy.special import ndtri

    return np.asarray(ndtri((np.array(code) + 0.5) / _PARTS))


def _of_zero(probabilities: np.ndarray) -> list[int]:
    """Places of 0 in each pixel; each value has one at least."""
    places = np.rint((1.0 - probabilities.astype("float64")) * (1 << PIXEL))
    return [int(zero) for zero in np.clip(places, 1, (1 << PIXEL) - 1)]


def _popped(stack: Stack, mean: float, sd: float) -> int:
    def find(place: int) -> tuple[int, int, int]:
        low, high = 0, _PARTS
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _start(middle, mean, sd) <= place else (low, middle)
        start = _start(low, mean, sd)
        return low, start, _start(high, mean, sd) - start

    return stack.pop(PRECISION, find)


def _start(bucket: int, mean: float, sd: float) -> int:
    """The first place of a bucket under N(mean, sd²)."""
    if bucket == _PARTS:
        return 1 << PRECISION
    return int(0.5 * math.erfc((mean - _edges()[bucket]) / (sd * math.sqrt(2.0))) * _SHARED) + bucket


@cache
def _edges() -> list[float]:
    """Where buckets begin, the first at minus infinity."""
    from scipy.special import ndtri

    return [float(edge) for edge in ndtri(np.arange(_PARTS) / _PARTS)]
