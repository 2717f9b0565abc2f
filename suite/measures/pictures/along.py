"""Pairs of images that differ in one known factor: where an interpolation shows whether codes know it apart."""

from __future__ import annotations

import numpy as np

from aebench.measures.factors.known import Known
from aebench.records.record import Factor

OTHERS = 4.0  # how much worse it is to differ in another factor than good to differ in the one


def pairs(known: Known, among: np.ndarray) -> tuple[list[int], np.ndarray]:
    """For each factor the two images that differ as much in it, and as little in all others, as can be had.

    Args:
        known: the factors of all images.
        among: places of the images to choose from, `(m,)`.

    Returns:
        The factors in which any two of these differ, and for each of them two places, `(such factors, 2)`, the image
        with the lower value first.
    """
    levels = known.take(among).levels
    apart = np.stack([distances(factor, own) for factor, own in zip(known.factors, levels.T, strict=True)])
    wanted = np.where(apart > 0, (1.0 + OTHERS) * apart - OTHERS * apart.sum(axis=0), -np.inf)
    kept = np.flatnonzero(apart.any(axis=(1, 2))).tolist()
    found = np.array([np.unravel_index(wanted[at].argmax(), wanted[at].shape) for at in kept], int).reshape(-1, 2)
    ordered = [pair if levels[pair[0], at] <= levels[pair[1], at] else pair[::-1]
               for at, pair in zip(kept, found, strict=True)]  # fmt: skip
    return kept, among[np.array(ordered, int).reshape(-1, 2)]


def distances(factor: Factor, levels: np.ndarray) -> np.ndarray:
    """How far each image's level `(m,)` is from each other's, `(m, m)` in 0..1; round a turn by the shorter way."""
    if factor.kind == "categorical":
        return np.asarray(levels[:, None] != levels, np.float64)
    steps = np.abs(levels[:, None] - levels).astype(np.float64)
    if factor.kind == "periodic":
        turn = levels.max() + 1
        steps = np.minimum(steps, turn - steps)
    return np.asarray(steps / max(steps.max(), 1.0))
