"""What changed between two sides, in words, for a terminal and a page. Imports no Keras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aebench.analysis.changes import DIVERGED, FINDINGS, Change, Changes
from aebench.analysis.configurations import Configuration
from aebench.analysis.numbers import counted, decimals_of, interval, listed, number, unit
from aebench.analysis.sides import few
from aebench.measures import METRICS

TITLE = "means over seeds on test; B − A with its own 95 % interval"
_VARYING = ("dataset", "network", "likelihood")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One number of one configuration on both sides, as text.

    Attributes:
        metric, label: its name, as `--metrics` takes it, and what people call it, with the unit.
        difference: B minus A with its interval; "identical" where all runs have the very same numbers.
        seeds: pairs of runs, or the runs of A and of B.
    """

    finding: str
    configuration: str
    latent_dim: str
    metric: str
    label: str
    a: str
    b: str
    difference: str
    margin: str
    seeds: str


def lines(found: Changes) -> list[Line]:
    """One for each of `Changes.changes`, in that order."""
    several = [name for name in _VARYING if len({getattr(one.a, name) for one in found.changes}) > 1]
    return [_line(one, several) for one in found.changes]


def notes(found: Changes) -> list[str]:
    """What must be known to read the lines: who A and B are, how they were held together, what was left out."""
    told = [f"A = {found.a.name}: {found.a.places}", f"B = {found.b.name}: {found.b.places}"]
    told += _versions(found)
    paired = sum(one.paired for one in found.changes)
    if paired:
        told.append(f"{counted(paired, 'number')} of the same runs on both sides: differences are paired by seed")
    if found.other_measures:
        names = listed(found.other_measures)
        told.append(f"left out, as A and B were measured by different versions (aebench rescore): {names}")
    if found.one_sided:
        told.append(f"some configurations have these numbers on one side alone: {listed(found.one_sided)}")
    for letter, only in (("A", found.only_a), ("B", found.only_b)):
        if only:
            told.append(
                f"only {letter} has {counted(len(only), 'configuration')}: {few([_named(item) for item in only])}"
            )
    return told


def same(found: Changes) -> str:
    """`the same: elbo_nats (4), recon_mse (3)`: of how many configurations each number is."""
    counts = Counter(one.metric for one in found.found("same"))
    return f"the same: {', '.join(f'{name} ({count})' for name, count in counts.items())}" if counts else ""


def verdict(found: Changes) -> str:
    """`1 changed (1 worse), 3 cannot be told, 20 the same`, and what that is corrected for."""
    worse = sum(one.better is False for one in found.found("changed"))
    better = sum(one.better is True for one in found.found("changed"))
    sides = [f"{count} {word}" for count, word in ((worse, "worse"), (better, "better")) if count]
    of_which = f" ({listed(sides)})" if sides else ""
    changed, untold, same = (len(found.found(finding)) for finding in FINDINGS)
    return (
        f"{changed} changed{of_which}, {untold} cannot be told, {same} the same within the margin. Corrected for "
        f"{counted(found.tests, 'test')}: where nothing has changed, 95 of 100 such tables call nothing changed."
    )


def _versions(found: Changes) -> list[str]:
    """Variants of which the sides have different versions, and how many runs of older ones were left out."""
    apart = {
        f"{one.a.variant}: {ours} in A, {theirs} in B": None
        for one in found.changes
        if (ours := one.a.specs[0].variant_version) != (theirs := one.b.specs[0].variant_version)
    }
    told = [f"versions of variants differ: {listed([*apart])}"] if apart else []
    for letter, side in (("A", found.a), ("B", found.b)):
        if side.older:
            told.append(f"{letter} also has {counted(side.older, 'run')} of older versions of variants, left out")
    return told


def _line(one: Change, several: Sequence[str]) -> Line:
    more = [str(getattr(one.a, name)) for name in several]
    ours, theirs = one.summaries
    if one.difference is None or ours is None or theirs is None:
        return Line(
            finding=_finding(one),
            configuration=" ".join([one.a.label, *more]),
            latent_dim=str(one.a.latent_dim),
            metric=DIVERGED,
            label="runs that diverged",
            a=f"{one.a.diverged} of {one.a.finished}",
            b=f"{one.b.diverged} of {one.b.finished}",
            difference="",
            margin="",
            seeds="",
        )
    decimals = decimals_of([ours, theirs])
    return Line(
        finding=_finding(one),
        configuration=" ".join([one.a.label, *more]),
        latent_dim=str(one.a.latent_dim),
        metric=one.metric,
        label=" ".join(filter(None, [METRICS[one.metric].label, unit(one.metric)])),
        a=number(ours.mean, decimals),
        b=number(theirs.mean, decimals),
        difference="identical" if one.identical else interval(one.difference, decimals),
        margin="none stated" if one.margin is None else f"{one.margin:g}",
        seeds=counted(one.difference.n, "pair") if one.paired else f"{ours.n}, {theirs.n}",
    )


def _finding(one: Change) -> str:
    words = {True: "changed, better", False: "changed, worse", None: "changed"}
    return words[one.better] if one.finding == "changed" else one.finding


def _named(item: Configuration) -> str:
    return f"{item.label} z={item.latent_dim} {item.network} {item.dataset}"
