"""Each variant at its own best for each purpose, and which of them are among the best of all. Imports no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.purposes import PURPOSES, Purpose, mean_over_seeds
from aebench.analysis.ranking import Ranking


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A variant for one purpose.

    Attributes:
        item: its configuration that validation chooses for that.
        tried: among how many.
        rank: its place by the mean on test, from 1.
        among_best: whether it is in the set of the best of all variants' entries.
    """

    item: Configuration
    tried: int
    rank: int
    among_best: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A variant with its entry for each purpose of the league; `None` where it has no number."""

    variant: str
    entries: tuple[Entry | None, ...]

    @property
    def uses(self) -> int:
        """For how many purposes it is among the best."""
        return sum(entry is not None and entry.among_best for entry in self.entries)


@dataclass(frozen=True, kw_only=True)
class League:
    """All variants of a board, those first that are among the best for most purposes, then by their mean rank."""

    purposes: tuple[Purpose, ...]
    standings: tuple[Standing, ...]


def league(evidence: Evidence, purposes: Sequence[Purpose] = PURPOSES) -> League:
    """Holds the variants of one board against each other, each by the configuration that validation chooses.

    All settings and latent sizes of a variant are tried, so a study that gives one variant more of them favours it.
    """
    found = {purpose: entries for purpose in purposes if (entries := _entries(evidence, purpose))}
    variants = dict.fromkeys(item.variant for item in evidence.board)
    standings = [
        Standing(variant=variant, entries=tuple(entries.get(variant) for entries in found.values()))
        for variant in variants
    ]
    return League(purposes=tuple(found), standings=tuple(sorted(standings, key=_place)))


def _place(standing: Standing) -> tuple[float, float]:
    ranks = [entry.rank for entry in standing.entries if entry is not None]
    return -standing.uses, sum(ranks) / len(ranks) if ranks else float("inf")


def _entries(evidence: Evidence, purpose: Purpose) -> dict[str, Entry]:
    """The entries for a purpose by variant, the best first."""
    tried: dict[str, list[tuple[float, Configuration]]] = {}
    for item in evidence.board:
        value = mean_over_seeds(purpose.criterion(item))
        if value is not None and item.summaries[purpose.metric].mean is not None:
            tried.setdefault(item.variant, []).append((value, item))
    chosen = [max(own, key=lambda pair: pair[0])[1] for own in tried.values()]
    ranking = Ranking(purpose.metric, chosen, evidence.images)
    best = {item.id for item in ranking.best}
    return {
        item.variant: Entry(item=item, tried=len(tried[item.variant]), rank=rank, among_best=item.id in best)
        for rank, item in enumerate(_in_order(ranking), 1)
    }


def _in_order(ranking: Ranking) -> Sequence[Configuration]:
    return sorted(ranking.scored, key=lambda item: -ranking.sign * (item.summaries[ranking.metric].mean or 0.0))
