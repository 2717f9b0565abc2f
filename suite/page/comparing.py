"""The section of several data sets: ranks, what so few can tell, and contrasts over data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aebench.analysis.across import Across, Held, across
from aebench.analysis.evidence import Evidence
from aebench.analysis.many_datasets import LEAST_DATASETS, LEAST_SIGNED, SURE, least_datasets
from aebench.analysis.numbers import counted, listed
from aebench.analysis.sources import Source
from aebench.page.canvas import Plot
from aebench.page.plots.ranks import critical_differences
from aebench.records.spec import variant_label

_NOTABLE = 0.01  # a least p that a reader should know of


@dataclass(frozen=True, kw_only=True)
class HeldRow:
    """A contrast: its name, and for each purpose on how many data sets it is better, and how likely that it is."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DatasetsSection:
    """Variants over data sets.

    Attributes:
        datasets: names.
        limits: what so few data sets cannot tell, and what Friedman's test finds, a line a purpose.
        plot: ranks; `None` for fewer than three variants.
        purposes: heads of the contrasts' columns.
        rows: contrasts.
        signed: whether there are data sets enough to say how likely one variant is better than another.
        sure: the probability from which on that is called so.
        least_signed: how many data sets it takes.
    """

    datasets: tuple[str, ...]
    limits: tuple[str, ...]
    plot: Plot | None
    purposes: tuple[str, ...]
    rows: tuple[HeldRow, ...]
    signed: bool
    sure: float = SURE
    least_signed: int = LEAST_SIGNED


def datasets_section(sources: Sequence[Source]) -> DatasetsSection | None:
    """The section of a page; `None` where it has a single data set, or nothing that two have in common.

    Each data set counts once, by the first board that the page has of it.
    """
    boards: dict[str, Evidence] = {}
    for source in sources:
        for (dataset, _), known in source.evidence.items():
            boards.setdefault(dataset, known)
    found = across(boards) if len(boards) >= LEAST_DATASETS else []
    if not found:
        return None
    return DatasetsSection(
        datasets=tuple(dict.fromkeys(name for one in found for name in one.datasets)),
        limits=tuple(_limits(one) for one in found),
        plot=critical_differences(found),
        purposes=tuple(one.purpose.name for one in found),
        rows=_rows(found),
        signed=any(len(one.datasets) >= LEAST_SIGNED for one in found),
    )


def _limits(one: Across) -> str:
    count = counted(len(one.datasets), "data set")
    told = f"{one.purpose.name}, {listed(one.datasets)}: "
    if one.ranks is None:
        return f"{told}{counted(len(one.variants), 'variant')} in common, too few for ranks."
    least = f", and {count} can give no less than {one.ranks.least_p:.3f}" if one.ranks.least_p > _NOTABLE else ""
    test = f"Friedman's test, {_p(one.ranks.p)} (by permutations{least})"
    if one.ranks.can_tell:
        return f"{told}{test}."
    need = least_datasets(len(one.variants))
    return (
        f"{told}{test}. No two of {len(one.variants)} variants can be told apart: that takes {need} data sets, even of "
        "the one that is always first and the one that is always last."
    )


def _p(p: float) -> str:
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def _rows(found: Sequence[Across]) -> tuple[HeldRow, ...]:
    pairs = dict.fromkeys((held.variant, held.against) for one in found for held in one.held)
    return tuple(
        HeldRow(
            name=f"{variant_label(variant, {})} over {variant_label(against, {})}",
            cells=tuple(
                next((_cell(held) for held in one.held if (held.variant, held.against) == (variant, against)), "n/a")
                for one in found
            ),
        )
        for variant, against in pairs
    )


def _cell(held: Held) -> str:
    better = sum(value > 0 for value in held.differences.values())
    counts = f"better on {better} of {len(held.differences)}"
    if len(held.differences) < LEAST_SIGNED:
        return counts
    signed = held.signed
    verdict = f": {signed.told}" if signed.told else ""
    return f"{counts}; {signed.worse:.2f} / {signed.equal:.2f} / {signed.better:.2f}{verdict}"
