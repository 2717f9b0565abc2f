"""How much of a number's spread over runs is due to the variant, its setting, and the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

Groups = Sequence[Sequence[np.ndarray]]  # numbers of runs, `(seeds,)`, a setting each, of each variant


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Variance components over their sum: what each level adds to the spread of single runs."""

    variant: float
    setting: float
    seed: float


def shares(groups: Groups) -> Shares | None:
    """Variance components of runs nested in settings nested in variants, estimated from sums of squares.

    The method of moments for unequal numbers (Searle, Casella & McCulloch 1992, chapter 5); an estimate below 0
    counts as 0.

    Args:
        groups: two variants at least, one of several settings, one setting of several runs.

    Returns:
        Shares that sum to 1; `None` where the design cannot tell the levels apart, or all runs are alike.
    """
    design = _Design.of(groups)
    found = design.shares(np.concatenate([runs for variant in groups for runs in variant])[None]) if design.told else []
    return found[0] if found else None


def resampled(groups: Groups, draws: int, rng: np.random.Generator) -> list[Shares]:
    """Shares of bootstrap samples of each setting's runs: how sure they are of these variants and settings."""
    design, runs = _Design.of(groups), np.concatenate([runs for variant in groups for runs in variant])
    each = np.repeat(design.sizes, design.sizes)
    first = np.repeat(np.cumsum(design.sizes) - design.sizes, design.sizes)
    return design.shares(runs[first + rng.integers(0, each, (draws, len(runs)))]) if design.told else []


@dataclass(frozen=True)
class _Design:
    """How runs that lie one after the other are nested.

    Attributes:
        sizes: runs of each setting.
        settings: of each variant.
    """

    sizes: np.ndarray
    settings: np.ndarray

    @classmethod
    def of(cls, groups: Groups) -> Self:
        return cls(
            np.array([len(runs) for variant in groups for runs in variant]),
            np.array([len(variant) for variant in groups]),
        )

    @property
    def told(self) -> bool:
        """Whether it tells the levels apart."""
        return 2 <= len(self.settings) < len(self.sizes) < int(self.sizes.sum())

    def shares(self, runs: np.ndarray) -> list[Shares]:
        """The shares of each row of `(rows, runs)`, but of those in which all are alike."""
        count, variants, settings = self.sizes.sum(), len(self.settings), len(self.sizes)
        own = np.cumsum(self.settings) - self.settings  # where each variant's settings begin
        totals = np.add.reduceat(self.sizes, own)
        squares = np.add.reduceat(self.sizes**2, own)
        means = np.add.reduceat(runs, np.cumsum(self.sizes) - self.sizes, axis=1) / self.sizes
        middle = np.add.reduceat(means * self.sizes, own, axis=1) / totals
        within = ((runs - np.repeat(means, self.sizes, axis=1)) ** 2).sum(axis=1)
        among = (means - np.repeat(middle, self.settings, axis=1)) ** 2 @ self.sizes
        between = (middle - (middle @ totals / count)[:, None]) ** 2 @ totals
        seed = within / (count - settings)
        setting = np.maximum((among - (settings - variants) * seed) / (count - (squares / totals).sum()), 0.0)
        rest = between - (variants - 1) * seed - (squares * (1.0 / totals - 1.0 / count)).sum() * setting
        variant = np.maximum(rest / (count - totals @ totals / count), 0.0)
        parts = np.stack([variant, setting, seed], axis=1)
        parts = parts[parts.sum(axis=1) > 0]
        return [Shares(variant=one, setting=two, seed=three)
                for one, two, three in (parts / parts.sum(axis=1, keepdims=True)).tolist()]  # fmt: skip
