"""The table of variants over purposes on the first screen: a row for each variant, the best of each purpose marked."""

from __future__ import annotations

from dataclasses import dataclass

from aebench.analysis.configurations import Configuration
from aebench.analysis.league import Entry, League
from aebench.analysis.numbers import ARROWS, column_decimals, plus_minus
from aebench.measures import METRICS
from aebench.page.look import Looks
from aebench.records.spec import variant_label

LEAST_VARIANTS = 3  # of fewer the winners say it all
OPEN = 8  # variants that are seen at once


@dataclass(frozen=True, kw_only=True)
class Place:
    """One variant for one purpose: its number, with which settings, and whether it is in the set of the best."""

    text: str
    settings: str = ""
    among_best: bool = False


@dataclass(frozen=True, kw_only=True)
class LeagueRow:
    """One variant, as people write it, with its colour and its place for each purpose."""

    name: str
    colour: str
    places: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True)
class LeagueTable:
    """Variants over purposes; without rows where there are few variants.

    Attributes:
        heads: of the columns: purpose, the metric's name, and its label with an arrow to where it is better.
        rows: those first that are among the best for most purposes.
        open: how many of them are seen at once.
        tried: the fewest and the most configurations that validation chose from for a variant.
    """

    heads: tuple[tuple[str, str, str], ...]
    rows: tuple[LeagueRow, ...]
    open: int
    tried: tuple[int, int]


def league_table(standing: League, looks: Looks) -> LeagueTable:
    """The league in words."""
    heads = tuple(
        (one.name, one.metric, f"{METRICS[one.metric].label} {ARROWS[METRICS[one.metric].better]}")
        for one in standing.purposes
    )
    tried = [entry.tried for row in standing.standings for entry in row.entries if entry is not None]
    rows = [row for row in standing.standings if any(row.entries)]
    return LeagueTable(
        heads=heads,
        rows=tuple(
            LeagueRow(
                name=variant_label(row.variant, {}),
                colour=looks.by_variant[row.variant],
                places=tuple(_place(standing, at, entry) for at, entry in enumerate(row.entries)),
            )
            for row in (rows if len(rows) >= LEAST_VARIANTS else [])
        ),
        open=len(rows) if len(rows) <= OPEN + 2 else OPEN,
        tried=(min(tried, default=0), max(tried, default=0)),
    )


def _place(standing: League, at: int, entry: Entry | None) -> Place:
    if entry is None:
        return Place(text="n/a")
    metric = standing.purposes[at].metric
    everyone = [row.entries[at].item for row in standing.standings if row.entries[at]]  # type: ignore[union-attr]
    return Place(
        text=plus_minus(entry.item.summaries[metric], column_decimals(everyone, metric)),
        settings=_settings(entry.item),
        among_best=entry.among_best,
    )


def _settings(item: Configuration) -> str:
    """`z 16, β=4`: the latent size, and the settings that its label tells."""
    return ", ".join(
        filter(None, [f"z {item.latent_dim}", item.label.removeprefix(variant_label(item.variant, {})).strip()])
    )
