"""What a code is good for: where a variant does better than its baseline, and where no model is needed at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.purposes import USES, Purpose
from aebench.analysis.questions.verdict import Matrix, Verdict, interval, listed, name
from aebench.analysis.statistics import Difference, Side, better_or_worse, conclusions
from aebench.measures import METRICS
from aebench.study.contrasts import Contrast

Found = tuple[Configuration, str, Difference]  # what against what
Cell = tuple[str, str]
_CORNER = "▲ better, ▼ worse, = alike, ? not told"
_EQUALS = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
_SIGNS: dict[Side, str] = {"better": "▲", "worse": "▼", "equivalent": "=", "unclear": "?"}


def good_for(evidence: Evidence) -> Iterator[Verdict]:
    """For each contrast and use: the variant against its baseline, and both against the best that needs no training."""
    uses = [use for use in USES if evidence.has(use.metric)]
    for contrast in evidence.contrasts:
        pairs = [*evidence.pairs(contrast)]
        if not uses or not pairs:
            continue
        against = [_against(evidence, pairs, use, contrast) for use in uses]
        plain = [
            [_best_reference(evidence, item, use) for item in items]
            for items in ([first for first, _ in pairs], [second for _, second in pairs])
            for use in uses
        ]
        told = [_sides(uses, against), _sides(uses, plain[: len(uses)]), _sides(uses, plain[len(uses) :])]
        yield _verdict(evidence, contrast, uses, [against, plain[: len(uses)], plain[len(uses) :]], told)


def _against(
    evidence: Evidence, pairs: Sequence[tuple[Configuration, Configuration]], use: Purpose, contrast: Contrast
) -> list[Found]:
    found = ((first, evidence.difference(first, second, use.metric)) for first, second in pairs)
    return [(first, name(contrast.against), difference) for first, difference in found if difference is not None]


def _best_reference(evidence: Evidence, item: Configuration, use: Purpose) -> Found | None:
    """A configuration against the best of the references that learn nothing, by their means."""
    sign = -1.0 if METRICS[use.metric].better == "lower" else 1.0
    known = {metric: (called, mean) for metric, called in use.references
             if not metric.endswith("_untrained") and (mean := item.summaries[metric].mean) is not None}  # fmt: skip
    if not known:
        return None
    best = max(known, key=lambda metric: sign * known[metric][1])
    difference = evidence.against(item, use.metric, best)
    return None if difference is None else (item, known[best][0], difference)


def _sides(uses: Sequence[Purpose], columns: Sequence[Sequence[Found | None]]) -> list[list[Side]]:
    """What each difference is found to be, corrected for all uses and latent sizes of one comparison."""
    flat = [found[2] for column in columns for found in column if found is not None]
    said = iter(conclusions(flat))
    return [
        [better_or_worse(METRICS[use.metric].better, next(said)) for found in column if found is not None]
        for use, column in zip(uses, columns, strict=True)
    ]


def _verdict(
    evidence: Evidence,
    contrast: Contrast,
    uses: Sequence[Purpose],
    columns: Sequence[Sequence[Sequence[Found | None]]],
    sides: Sequence[Sequence[Sequence[Side]]],
) -> Verdict:
    ours, theirs = name(contrast.variant), name(contrast.against)
    heads = (f"{ours} against {theirs}", f"{ours} against what needs no training", f"{theirs} against the same")
    rows = tuple(
        (use.name, tuple(_cell(evidence, found[at], side[at]) for found, side in zip(columns, sides, strict=True)))
        for at, use in enumerate(uses)
    )
    return Verdict(
        question=f"What is a code good for: where does the {ours} beat the {theirs}, and where is neither needed?",
        claim="",
        whose=ours,
        of_all=f"what a code is good for: where variants beat the {theirs}, and where neither is needed",
        standing="found",
        answer=_answer(ours, theirs, uses, sides),
        lines=tuple(
            f"{METRICS[use.metric].label}: {line}"
            for at, use in enumerate(uses)
            if (line := "; ".join(filter(None, (_line(evidence, found[at]) for found in columns))))
        ),
        matrix=Matrix(corner=_CORNER, heads=heads, rows=rows),
    )


def _answer(ours: str, theirs: str, uses: Sequence[Purpose], sides: Sequence[Sequence[Sequence[Side]]]) -> str:
    """`The VAE is better than the AE for clustering; worse for few labels; ...`."""
    between, first, second = (
        {use.name.lower(): {*own} for use, own in zip(uses, column, strict=True)} for column in sides
    )

    def named(found: list[str]) -> str:
        return listed(found) if found else "no use"

    won = [use for use, own in between.items() if "better" in own and "worse" not in own]
    lost = [use for use, own in between.items() if "worse" in own and "better" not in own]
    unneeded = [use for use in between if "better" not in first[use] | second[use]]
    return (
        f"The {ours} is better than the {theirs} for {named(won)}, and worse for {named(lost)}, at some latent size "
        f"and at none the other way round. Neither is better than components, pixels or neighbours for "
        f"{named(unneeded)}."
    )


def _cell(evidence: Evidence, found: Sequence[Found | None], sides: Sequence[Side]) -> Cell:
    """`▲ z = 8, = z = 16`, marked where all that is told points one way."""
    known = [one for one in found if one is not None]
    if not known:
        return "n/a", ""
    text = ", ".join(f"{_SIGNS[side]} {evidence.place(item).replace(' = ', _EQUALS)}"
                     for (item, _, _), side in zip(known, sides, strict=True))  # fmt: skip
    told = {*sides} & {"better", "worse"}
    return text, {"better": "yes", "worse": "no"}[told.pop()] if len(told) == 1 else ""


def _line(evidence: Evidence, found: Sequence[Found | None]) -> str:
    known = [one for one in found if one is not None]
    return ", ".join(f"{evidence.named(item)} minus {other} {interval(gap)}" for item, other, gap in known)
