"""Made-up boards whose truth is known: what seeds and test images do to numbers, with collapse and heavy tails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aebench.analysis.simultaneous import Pairs, Values

KINDS = ("normal", "heavy tails", "collapse", "unequal spreads")
SEED_SD, IMAGE_SD, OWN_IMAGE_SD, REST_SD = 0.05, 1.5, 0.5, 0.3  # nats, about those of 8x8 digits


def board(rng: np.random.Generator, kind: str, count: int, seeds: int, images: int) -> np.ndarray:
    """Numbers of configurations that are all equally good: `(count, seeds, images)`.

    A seed and an image do something to all of them, and something of its own to each. "heavy tails" are those of t with
    3 degrees of freedom; in "collapse" each run falls by 20 standard deviations with probability 0.1; "unequal spreads"
    differ by factors as of a log-normal distribution with 0.7.
    """
    own = rng.normal(size=(count, seeds))
    if kind == "heavy tails":
        own = rng.standard_t(3, (count, seeds)) / np.sqrt(3.0)
    elif kind == "collapse":
        own -= 20.0 * (rng.random((count, seeds)) < 0.1)
    elif kind == "unequal spreads":
        own *= np.exp(rng.normal(0.0, 0.7, (count, 1)))
    table = (SEED_SD * (own + rng.normal(size=(1, seeds))))[:, :, None]
    if images > 1:
        table = table + rng.normal(0, IMAGE_SD, images) + rng.normal(0, OWN_IMAGE_SD, (count, 1, images))
        table = table + rng.normal(0, REST_SD, (count, seeds, images))
    return table


def values(table: np.ndarray) -> list[dict[int, np.ndarray]]:
    """A board's numbers of each configuration by seed."""
    return [dict(enumerate(own)) for own in table]


def pairs(board: Sequence[Values]) -> Pairs:
    """All pairs of configurations, whose arrays are of one length: of length 1 where images are not known."""
    return Pairs(
        means=[{seed: float(array.mean()) for seed, array in own.items()} for own in board],
        images=min(len(next(iter(own.values()))) for own in board),
        of_images=board.__getitem__,
        image_sd=[max(float(array.std()) for array in own.values()) for own in board],
    )


def blocks(rng: np.random.Generator, kind: str, count: int, seeds: int) -> list[np.ndarray]:
    """Runs of a variant in so many blocks, `(seeds,)` each, in standard deviations of a seed; blocks do not differ."""
    return [board(rng, kind, 1, seeds, 1)[0, :, 0] / SEED_SD for _ in range(count)]


def runs(rng: np.random.Generator, kind: str, count: int, seeds: int) -> np.ndarray:
    """Runs of configurations that nothing joins, `(count, seeds)`, in standard deviations of a seed.

    Their spreads differ by factors as of a log-normal distribution with 2 in "unequal spreads", and in "two spreads"
    one configuration in four has 30 times that of the others; "heavy tails" are as in `board`.
    """
    found = rng.normal(size=(count, seeds))
    if kind == "heavy tails":
        return rng.standard_t(3, (count, seeds)) / np.sqrt(3.0)
    if kind == "unequal spreads":
        found *= np.exp(rng.normal(0.0, 2.0, (count, 1)))
    elif kind == "two spreads":
        found *= np.where(rng.random((count, 1)) < 0.25, 30.0, 1.0)
    return found
