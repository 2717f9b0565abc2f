"""How much of a number's spread over runs is due to the variant, its setting, and the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    sizes = [np.array([len(runs) for runs in variant], float) for variant in groups]
    totals = np.array([own.sum() for own in sizes])
    count, variants, settings = totals.sum(), len(groups), sum(map(len, groups))
    if variants < 2 or settings == variants or count == settings:
        return None
    means = [np.array([runs.mean() for runs in variant]) for variant in groups]
    middle = np.array([own @ weights / weights.sum() for own, weights in zip(means, sizes, strict=True)])
    within = sum(float(((runs - runs.mean()) ** 2).sum()) for variant in groups for runs in variant)
    among = sum(float(weights @ (own - centre) ** 2) for own, weights, centre in zip(means, sizes, middle, strict=True))
    between = float(totals @ (middle - totals @ middle / count) ** 2)
    squares = np.array([own @ own for own in sizes])
    seed = within / (count - settings)
    setting = max((among - (settings - variants) * seed) / (count - float((squares / totals).sum())), 0.0)
    rest = between - (variants - 1) * seed - float((squares * (1.0 / totals - 1.0 / count)).sum()) * setting
    variant = max(rest / (count - float(totals @ totals) / count), 0.0)
    whole = variant + setting + seed
    return Shares(variant=variant / whole, setting=setting / whole, seed=seed / whole) if whole > 0 else None


def resampled(groups: Groups, draws: int, rng: np.random.Generator) -> list[Shares]:
    """Shares of bootstrap samples of each setting's runs: how sure they are of these variants and settings."""
    found = (shares([[rng.choice(runs, len(runs)) for runs in variant] for variant in groups]) for _ in range(draws))
    return [one for one in found if one is not None]
