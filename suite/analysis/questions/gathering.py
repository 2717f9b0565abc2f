"""Gathering: what is asked of many variants alike is told together, so that answers are read in one look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aebench.analysis.questions.verdict import Standing, Verdict

MOST_SINGLY = 3  # verdicts on one claim that are told one by one
_ORDER: tuple[Standing, ...] = ("refuted", "refuted in part", "confirmed in part", "confirmed", "not settled")


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Verdicts on one claim, or on one question where nothing was claimed.

    Attributes:
        claim: as it is made, or asked, of all of them; empty of a verdict that stands for itself.
        verdicts: at least one.
    """

    claim: str
    verdicts: tuple[Verdict, ...]

    @property
    def found(self) -> tuple[tuple[Standing, tuple[str, ...]], ...]:
        """Each standing that occurs, refuted ones first, and the variants that have it."""
        each = (
            (standing, tuple(one.whose for one in self.verdicts if one.standing == standing)) for standing in _ORDER
        )
        return tuple((standing, whose) for standing, whose in each if whose)


def gathered(verdicts: Sequence[Verdict]) -> tuple[Gathered, ...]:
    """Verdicts in their order, those on one claim together, at the first one's place, where they are many."""
    alike: dict[str, list[Verdict]] = {}
    for one in verdicts:
        alike.setdefault(_key(one), []).append(one)
    together = {key for key, own in alike.items() if key and len(own) > MOST_SINGLY}
    found: list[Gathered] = []
    for one in verdicts:
        key = _key(one)
        if key not in together:
            found.append(Gathered(claim="", verdicts=(one,)))
        elif one is alike[key][0]:
            found.append(Gathered(claim=one.of_all, verdicts=tuple(alike[key])))
    return tuple(found)


def _key(verdict: Verdict) -> str:
    return verdict.of_all if verdict.whose else ""
