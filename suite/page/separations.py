"""Separations: silhouettes of variants held against their baselines', latent size by latent size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import column_decimals, interval, listed, plus_minus
from aebench.analysis.statistics import Difference, conclusions
from aebench.measures import METRICS
from aebench.measures.classes.family import references_of
from aebench.page.look import Look, Looks
from aebench.records.spec import variant_label

METRIC = "silhouette"
_MARKS = {"higher": "yes", "lower": "no"}


@dataclass(frozen=True, kw_only=True)
class Gain:
    """A difference from the baseline: what is written, and a mark.

    The mark is whether classes are separated better: `yes`, `no`, `equivalent` or `unclear`, corrected for how many
    differences the table has.
    """

    text: str
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class SeparationRow:
    """One latent size: the baseline's silhouette, each other setting's difference from it, and the references."""

    latent_dim: int
    baseline: str
    gains: tuple[Gain, ...]
    references: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Whether variants separate classes better than one baseline.

    Attributes:
        variants, baseline: as people write them.
        looks: of the settings that are held against the baseline, in the order of a row's gains.
        references: what a row's references are.
    """

    variants: str
    baseline: str
    looks: tuple[Look, ...]
    references: tuple[str, ...]
    rows: tuple[SeparationRow, ...]


def separations(evidence: Evidence, looks: Looks) -> tuple[Separation, ...]:
    """One for each baseline that the study's contrasts hold silhouettes against, with all their variants' settings."""
    asked = [contrast for contrast in evidence.contrasts if METRIC in contrast.metrics]
    found = [
        _separation(evidence, looks, baseline, [one.variant for one in asked if one.against == baseline])
        for baseline in dict.fromkeys(contrast.against for contrast in asked)
    ]
    return tuple(one for one in found if one is not None)


def _separation(evidence: Evidence, looks: Looks, baseline: str, variants: Sequence[str]) -> Separation | None:
    groups = {one.id: (one, _gains(evidence, one, variants)) for one in evidence.of(baseline)}
    groups = {key: (one, gains) for key, (one, gains) in groups.items() if gains}
    if not groups:
        return None
    own = {item.id for _, gains in groups.values() for item, _ in gains}
    shown = tuple(dict.fromkeys(looks.by_id[item.id] for item in evidence.board if item.id in own))
    decimals, references = column_decimals(evidence.board, METRIC), references_of(METRIC)
    every = [(item, difference) for _, gains in groups.values() for item, difference in gains]
    told = conclusions([difference for _, difference in every])
    marks = {item.id: _MARKS.get(conclusion, conclusion) for (item, _), conclusion in zip(every, told, strict=True)}
    return Separation(
        variants=listed([variant_label(variant, {}) for variant in variants], "or"),
        baseline=variant_label(baseline, {}),
        looks=shown,
        references=tuple(METRICS[name].label for name in references),
        rows=tuple(
            SeparationRow(
                latent_dim=one.latent_dim,
                baseline=plus_minus(one.summaries[METRIC], decimals),
                gains=_in_order(gains, marks, shown, looks, decimals),
                references=tuple(plus_minus(one.summaries[name], decimals) for name in references),
            )
            for one, gains in groups.values()
        ),
    )


def _gains(
    evidence: Evidence, baseline: Configuration, variants: Sequence[str]
) -> list[tuple[Configuration, Difference]]:
    """Every configuration of the variants that differs from the baseline in nothing else, with its difference."""
    peers = [item for item in evidence.board if item.variant in variants and item.peers == baseline.peers]
    pairs = ((item, evidence.difference(item, baseline, METRIC)) for item in peers)
    return [(item, difference) for item, difference in pairs if difference is not None]


def _in_order(
    gains: Sequence[tuple[Configuration, Difference]],
    marks: Mapping[str, str],
    shown: Sequence[Look],
    looks: Looks,
    decimals: int,
) -> tuple[Gain, ...]:
    found = {looks.by_id[item.id]: (item, difference) for item, difference in gains}
    return tuple(
        Gain(text=interval(found[look][1], decimals), mark=marks[found[look][0].id])
        if look in found
        else Gain(text="n/a")
        for look in shown
    )
