"""Sums of importance weights, what is left of the error of their logarithm, and how many codes that takes. No Keras."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

STEP = 16  # codes of an image that are drawn in one call, for one pass of its encoder
PARTS = 4  # of an image's codes, alike in size: how the bound grows from one to two to all of them tells what is left
START = PARTS * STEP  # the fewest codes of an image
SURE = 2.0  # standard errors that count as possible
RATIOS = 0.5, 0.95  # by which the bound's growth shrinks at a doubling: 1/2 where weights have a variance, else slower
PILOT = 8  # times as many codes count as the pilot has that tells how many an image needs
FLOOR = 0.25  # of the mean squared coefficient of variation: no image is taken to be easier than that


@dataclass(frozen=True, kw_only=True)
class Error:
    """How far a mean of bounds may be from the mean log-likelihood, nats.

    Attributes:
        bias: what it is too low by, in expectation.
        spread: its standard error, from drawing codes.
    """

    bias: float
    spread: float

    @property
    def total(self) -> float:
        """The most that is likely."""
        return self.bias + SURE * self.spread


class ImportanceWeights:
    """Sums of a run's weights, all that is kept of its codes.

    Attributes:
        sums: log Σ w of each part of the codes of each image, `(PARTS, n)`.
        squares: log Σ w², `(n,)`.
        codes: how many were drawn, `(n,)`.
    """

    def __init__(self, codes: np.ndarray) -> None:
        self.sums = np.full((PARTS, len(codes)), -np.inf)
        self.squares = np.full(len(codes), -np.inf)
        self.codes = codes.astype(int)

    def first(self) -> tuple[np.ndarray, np.ndarray]:
        """The image and the part of each `STEP` codes that are to be drawn at first, `(tasks,)`."""
        return _spread(np.arange(len(self.codes)), self.codes // STEP, range(PARTS))

    def doubled(self, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Makes room for as many codes again of `wanted` images: what has been drawn becomes half of the parts.

        Args:
            wanted: `(n,)` of bool.

        Returns:
            As `first`.
        """
        at = np.flatnonzero(wanted)
        halves = np.logaddexp(self.sums[0::2], self.sums[1::2])
        self.sums[:, at] = np.concatenate([halves, np.full_like(halves, -np.inf)])[:, at]
        each = self.codes[at] // STEP
        self.codes[at] *= 2
        return _spread(at, each, range(len(halves), PARTS))

    def add(self, places: np.ndarray, parts: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> None:
        """Adds what was drawn for tasks, `(tasks,)` each."""
        np.logaddexp.at(self.sums, (parts, places), sums)
        np.logaddexp.at(self.squares, places, squares)

    def error(self) -> Error:
        """How far the mean of the bounds may be from that of log p(x)."""
        variances, images = self.variances(), len(self.codes)
        return remaining_error(self.bounds(), variances, images, math.sqrt(float(variances.sum())) / images)

    def bounds(self) -> list[np.ndarray]:
        """The bound of each image at all codes, at half of them and at a quarter, means over halves and quarters."""
        levels, part = [], self.sums
        while len(part) > 1:
            levels.append((part - np.log(self.codes * (1.0 / len(part)))).mean(axis=0))
            part = np.logaddexp(part[0::2], part[1::2])
        return [part[0] - np.log(self.codes), *levels[::-1]]

    def variances(self) -> np.ndarray:
        """The variance of each image's log-likelihood estimate, `(n,)`: Var w / (k (E w)²), by the delta method."""
        shares = np.exp(self.squares - 2.0 * np.logaddexp.reduce(self.sums, axis=0))
        return np.asarray(np.maximum(shares - 1.0 / self.codes, 0.0))


def _spread(at: np.ndarray, each: np.ndarray, parts: range) -> tuple[np.ndarray, np.ndarray]:
    """`each` tasks for the images `at`, in turn over `parts`."""
    places = np.repeat(at, each)
    number = np.arange(len(places)) - np.repeat(np.cumsum(each) - each, each)
    return places, parts.start + number * len(parts) // np.repeat(each, each)


def remaining_error(bounds: Sequence[np.ndarray], variances: np.ndarray, independent: float, spread: float) -> Error:
    """What is left of the error of a mean of importance-weighted bounds.

    The logarithm of a mean of k weights is too low by half of its own variance (delta method), if that exists. Where
    few weights carry all, those that were not met yet are missing in it, and the bound goes on growing with k as some
    power, more slowly than 1/k: then what is left follows from how it has grown, the last two doublings being a
    geometric series (Aitken). The larger of both counts; growth and its ratio are taken to be as large as their own
    standard errors over images allow.

    Args:
        bounds: of each image at k, k/2 and k/4 codes, `(n,)` each; k must not hang on these same codes, or images
            that have not met their large weights are left with few.
        variances: of each image's bound at k, `(n,)`.
        independent: how many images have codes of their own.
        spread: the standard error of the mean of bounds, from drawing codes.
    """
    growths = (bounds[0] - bounds[1], bounds[1] - bounds[2])
    last, before = (float(growth.mean()) for growth in growths)
    last_noise, noise_before = (SURE * float(growth.std()) / math.sqrt(independent) for growth in growths)
    ratio = RATIOS[1]
    if last > 0.0 and before > 0.0:
        ratio = float(np.clip(last / before * (1.0 + math.hypot(last_noise / last, noise_before / before)), *RATIOS))
    growing = max(last + last_noise, 0.0) * ratio / (1.0 - ratio)
    return Error(bias=max(0.5 * float(variances.mean()), growing), spread=spread)


@dataclass(frozen=True)
class Request:
    """Codes to be drawn: `STEP` for each task, the image and the part of which are given, `(tasks,)`."""

    weights: ImportanceWeights
    places: np.ndarray
    parts: np.ndarray


def pursue(images: int, tolerance: float, budget: int) -> Generator[Request, None, ImportanceWeights]:
    """Asks for codes until the mean of the bounds is as near to that of log p(x) as it must be.

    A pilot finds out which images need many codes, and is thrown away: if an image were left with few because its
    large weights have not come yet, neither its bound nor the error would tell. All codes that count are new ones.
    They are doubled for all images alike until the error is within `tolerance`.

    Args:
        images: how many.
        tolerance: of the mean over images, nats; with 0 every image gets `budget` codes.
        budget: the most codes, mean over images, a multiple of `START`.

    Yields:
        What is to be drawn and added to its weights before the next is asked for.

    Returns:
        The weights that count.
    """
    codes = np.full(images, budget)
    if tolerance > 0.0:
        pilot = ImportanceWeights(np.full(images, START))
        yield Request(pilot, *pilot.first())
        while 2.0 * pilot.codes.mean() <= budget / PILOT:
            still = wanted_codes(pilot, tolerance) > PILOT * pilot.codes
            if not still.any():
                break
            yield Request(pilot, *pilot.doubled(still))
        codes = _within(wanted_codes(pilot, tolerance), budget)
    weights = ImportanceWeights(codes)
    yield Request(weights, *weights.first())
    while weights.error().total > tolerance and 2.0 * weights.codes.mean() <= budget:
        yield Request(weights, *weights.doubled(np.ones(images, bool)))
    return weights


def wanted_codes(pilot: ImportanceWeights, tolerance: float) -> np.ndarray:
    """How many codes each image needs for the error of the mean to be within `tolerance` nats at the least cost.

    With k_i codes an image's share of the bias is c_i / 2 k_i, c_i being its squared coefficient of variation. For a
    given sum of these the sum of k_i is least at k_i proportional to √c_i. The tolerance is that of the mean alone: a
    hard image may be far off if it is one of few.

    Returns:
        `(n,)`; NaN where a weight is not finite.
    """
    error, variances = pilot.error(), pilot.variances()
    least = 0.5 * float(variances.mean())
    squared = variances * pilot.codes * (error.bias / least if least > 0.0 else 1.0)
    roots = np.sqrt(np.maximum(squared, FLOOR * squared.mean()))
    spread = SURE / math.sqrt(len(roots))  # bias v / 2 and SURE standard errors √(v / n) make up the tolerance at v
    aim = (math.sqrt(spread**2 + 2.0 * tolerance) - spread) ** 2
    return np.asarray(roots * roots.mean() / aim)


def _within(wanted: np.ndarray, budget: int) -> np.ndarray:
    """`wanted` codes in multiples of `START`, in proportion fewer where they are more than `budget` in the mean."""
    if not np.isfinite(wanted).all():
        return np.full(len(wanted), START)
    steps = np.ceil(wanted / START).clip(1)
    if steps.mean() * START > budget:
        steps = np.floor(wanted * (budget / wanted.mean()) / START).clip(1)
    return np.asarray(steps.astype(int) * START)
