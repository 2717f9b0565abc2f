"""Known factors in the forms that measures need: levels to count, targets to predict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aebench.records.record import Factor

BINS = 20  # of a continuous factor, with about as many training images each


@dataclass(frozen=True, kw_only=True)
class Known:
    """The values of factors that do vary.

    Attributes:
        factors: what they are.
        values: `(n, factors)`.
        levels: `(n, factors)` which of its values each factor has, from 0; of continuous ones, which of `BINS` parts.
    """

    factors: tuple[Factor, ...]
    values: np.ndarray
    levels: np.ndarray

    def columns(self) -> Iterator[tuple[Factor, np.ndarray]]:
        """Each factor with its values `(n,)`."""
        return zip(self.factors, self.values.T, strict=True)

    def targets(self) -> list[np.ndarray]:
        """What a regression is to predict of each factor, see `target`."""
        return [target(factor, values) for factor, values in self.columns()]

    def take(self, images: np.ndarray) -> Known:
        """The same factors of some of the images."""
        return Known(factors=self.factors, values=self.values[images], levels=self.levels[images])

    def of(self, chosen: np.ndarray) -> Known:
        """Some of the factors: those where `chosen` `(factors,)` is true."""
        factors = tuple(factor for factor, wanted in zip(self.factors, chosen, strict=True) if wanted)
        return Known(factors=factors, values=self.values[:, chosen], levels=self.levels[:, chosen])


def varying(factors: Sequence[Factor], train: np.ndarray, test: np.ndarray) -> tuple[Known, Known]:
    """The factors of training and test images, without those that have one level alone in either.

    Args:
        factors: what the columns are.
        train, test: `(n, factors)`.
    """
    every = tuple(factors)
    edges = [_edges(factor, train[:, at], test[:, at]) for at, factor in enumerate(every)]
    first, second = (_known(every, part, edges) for part in (train, test))
    varied = (np.ptp(first.levels, axis=0) > 0) & (np.ptp(second.levels, axis=0) > 0)
    return first.of(varied), second.of(varied)


def _edges(factor: Factor, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Where one level ends and the next begins, in order: a value that is an edge belongs to the next."""
    if factor.levels is None:
        return np.unique(np.quantile(train, np.arange(1, BINS) / BINS))
    return np.unique(np.concatenate([train, test]))[1:]


def _known(factors: tuple[Factor, ...], values: np.ndarray, edges: Sequence[np.ndarray]) -> Known:
    levels = np.zeros(values.shape, int)
    for at, own in enumerate(edges):
        levels[:, at] = np.searchsorted(own, values[:, at], side="right")
    return Known(factors=factors, values=values, levels=levels)


def target(factor: Factor, values: np.ndarray) -> np.ndarray:
    """What a regression is to predict of one factor.

    Args:
        factor: what it is.
        values: `(n,)`.

    Returns:
        `(n, targets)`: the values of an ordered factor; cosine and sine of a periodic one, since its ends meet; an
        indicator for each value of a categorical one.
    """
    if factor.kind == "periodic":
        turns = 2.0 * np.pi * values / float(factor.period or 1.0)
        return np.stack([np.cos(turns), np.sin(turns)], axis=1)
    if factor.kind == "categorical":
        return np.asarray(values[:, None] == np.arange(factor.levels or 0), np.float64)
    return values[:, None]
