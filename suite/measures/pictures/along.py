"""Pairs of images that differ in one known factor: where an interpolation shows whether codes know it apart."""

from __future__ import annotations

import numpy as np

from aebench.measures.factors.known import Known
from aebench.records.record import Factor

OTHERS = 4.0  # how much worse it is to differ in another factor than good to differ in the one


def pairs(known: Known, among: np.ndarray) -> np.ndarray:
    """For each factor the two images that differ most in it and least in all others.

    Args:
        known: the factors of all images.
        among: places of the images to choose from, `(m,)`.

    Returns:
        `(factors, 2)` of these places: the image with the lower value first.
    """
    levels = known.take(among).levels
    apart = np.stack([distances(factor, own) for factor, own in zip(known.factors, levels.T, strict=True)])
    wanted = (1.0 + OTHERS) * apart - OTHERS * apart.sum(axis=0)
    best = wanted.reshape(len(apart), -1).argmax(axis=1)
    found = np.stack(np.unravel_index(best, wanted.shape[1:]), axis=1)
    turned = [own[first] > own[last] for own, (first, last) in zip(levels.T, found, strict=True)]
    return np.asarray(among[np.where(np.array(turned)[:, None], found[:, ::-1], found)])


def distances(factor: Factor, levels: np.ndarray) -> np.ndarray:
    """How far each image's level `(m,)` is from each other's, `(m, m)` in 0..1; round a turn by the shorter way."""
    if factor.kind == "categorical":
        return np.asarray(levels[:, None] != levels, np.float64)
    steps = np.abs(levels[:, None] - levels).astype(np.float64)
    if factor.kind == "periodic":
        turn = levels.max() + 1
        steps = np.minimum(steps, turn - steps)
    return np.asarray(steps / max(steps.max(), 1.0))
