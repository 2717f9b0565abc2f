"""The boards of several data sets side by side: which variants they share, and each one's number. Imports no Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aebench.analysis.evidence import Evidence
from aebench.analysis.league import League, league
from aebench.analysis.many_datasets import LEAST_DATASETS, LEAST_VARIANTS, Ranks, SignedRank, ranks, signed_rank
from aebench.analysis.purposes import PURPOSES, Purpose
from aebench.measures import METRICS


@dataclass(frozen=True, kw_only=True)
class Held:
    """One variant against another over data sets.

    Attributes:
        variant, against: names of variants.
        differences: by data set, above 0 where the first is better.
        signed: how likely it is better on such data.
    """

    variant: str
    against: str
    differences: Mapping[str, float]
    signed: SignedRank


@dataclass(frozen=True, kw_only=True)
class Across:
    """Variants over data sets for one purpose.

    Attributes:
        datasets: names.
        variants: those that have a number on each, in the first one's order.
        ranks: `None` for fewer than three variants.
        held: the contrasts that are declared on every one of the data sets.
    """

    purpose: Purpose
    datasets: tuple[str, ...]
    variants: tuple[str, ...]
    ranks: Ranks | None
    held: tuple[Held, ...]


def across(boards: Mapping[str, Evidence]) -> list[Across]:
    """Every purpose that two data sets or more have numbers for.

    A variant stands with the configuration that validation chooses for the purpose, and its mean over seeds on test.

    Args:
        boards: by data set.
    """
    leagues = {dataset: league(known) for dataset, known in boards.items()}
    found = (_across(boards, leagues, purpose) for purpose in PURPOSES)
    return [one for one in found if one is not None]


def _across(boards: Mapping[str, Evidence], leagues: Mapping[str, League], purpose: Purpose) -> Across | None:
    scores = {dataset: own for dataset, found in leagues.items() if (own := _scores(found, purpose))}
    if len(scores) < LEAST_DATASETS:
        return None
    variants = [name for name in next(iter(scores.values())) if all(name in own for own in scores.values())]
    table = np.array([[own[name] for name in variants] for own in scores.values()], "float64")
    declared = [{(one.variant, one.against) for one in boards[dataset].contrasts} for dataset in scores]
    shared = set.intersection(*declared)
    pairs = [(one.variant, one.against) for one in boards[next(iter(scores))].contrasts]
    held = [_held(scores, *pair, purpose) for pair in dict.fromkeys(pairs)
            if pair in shared and {*pair} <= {*variants}]  # fmt: skip
    if len(variants) < LEAST_VARIANTS and not held:
        return None
    return Across(
        purpose=purpose,
        datasets=tuple(scores),
        variants=tuple(variants),
        ranks=ranks(table) if len(variants) >= LEAST_VARIANTS else None,
        held=tuple(held),
    )


def _scores(found: League, purpose: Purpose) -> dict[str, float]:
    """Each variant's mean on test, higher is better."""
    if purpose not in found.purposes:
        return {}
    at, sign = found.purposes.index(purpose), -1.0 if METRICS[purpose.metric].better == "lower" else 1.0
    entries = {row.variant: row.entries[at] for row in found.standings}
    means = {name: one.item.summaries[purpose.metric].mean for name, one in entries.items() if one is not None}
    return {name: sign * mean for name, mean in means.items() if mean is not None}


def _held(scores: Mapping[str, Mapping[str, float]], variant: str, against: str, purpose: Purpose) -> Held:
    differences = {dataset: own[variant] - own[against] for dataset, own in scores.items()}
    return Held(
        variant=variant,
        against=against,
        differences=differences,
        signed=signed_rank([*differences.values()], METRICS[purpose.metric].margin or 0.0),
    )
