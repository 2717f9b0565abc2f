"""What changed in quality between two sides: two versions of the suite, of a variant, or two machines. No Keras.

Where both sides have the same runs, each is held against itself and seeds are pairs; else seeds are two samples. The
test images are the same on both sides and a part of what is compared, so seeds alone make a difference unsure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from aebench.analysis.configurations import Configuration, Summary
from aebench.analysis.evidence import slack_of
from aebench.analysis.moderation import drawn, moderation
from aebench.analysis.purposes import PURPOSES, USES
from aebench.analysis.run_sides import RunSide
from aebench.analysis.statistics import ALPHA, Difference, difference_of, holm, unpaired_difference
from aebench.errors import UserError, unknown
from aebench.measures import METRICS

Finding = Literal["changed", "cannot tell", "same"]
FINDINGS: tuple[Finding, ...] = ("changed", "cannot tell", "same")
DIVERGED = "diverged"
# What choices go by, and the likelihood that is certified.
METRICS_HELD = tuple(dict.fromkeys(["elbo_nats", "nll_nats", *(one.metric for one in (*PURPOSES, *USES))]))
# In simulated tables of fewer, or with less doubt, where spreads differ much between configurations, 6 to 7 % of tables
# that nothing had changed in said otherwise.
_LENDING, _DOUBT = 20, 4.0
_IDENTICAL = 1e-12  # relative: what JSON and a sum in another order do


@dataclass(frozen=True, kw_only=True)
class Change:
    """One number of one configuration on both sides.

    Attributes:
        a, b: the configuration there.
        metric: a name in `METRICS`, or `DIVERGED`.
        difference: B minus A; `None` of diverged runs.
        paired: whether the same runs are held against each other.
        p: what the two-sided test gives "no change", before it is corrected; `None` without one.
        finding: what is found.
        better: whether B is better, of what changed and has a direction.
    """

    a: Configuration
    b: Configuration
    metric: str
    difference: Difference | None
    paired: bool
    p: float | None
    finding: Finding = "cannot tell"
    better: bool | None = None

    @property
    def summaries(self) -> tuple[Summary | None, Summary | None]:
        """The metric's over seeds in A and in B; `None` of diverged runs."""
        return self.a.summaries.get(self.metric), self.b.summaries.get(self.metric)

    @property
    def identical(self) -> bool:
        """Whether all runs have the very same number on both sides."""
        return self.difference is not None and self.difference.mean == 0.0 and not self.difference.seed_se

    @property
    def margin(self) -> float | None:
        """Within what the difference makes none."""
        return self.difference.margin if self.difference else None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Two sides held against each other.

    Attributes:
        changes: what changed first, then what cannot be told, then what is the same.
        only_a, only_b: configurations that the other side does not have.
        other_measures: metrics that were taken by another version of their measure, so that they say nothing.
        one_sided: metrics that a configuration has on one side alone, though both have runs of it that did not diverge.
    """

    a: RunSide
    b: RunSide
    changes: tuple[Change, ...]
    only_a: tuple[Configuration, ...]
    only_b: tuple[Configuration, ...]
    other_measures: tuple[str, ...]
    one_sided: tuple[str, ...]

    @property
    def untold(self) -> bool:
        """Whether there is anything of which it cannot be said that it is the same."""
        return bool(self.found("cannot tell") or self.other_measures or self.one_sided)

    def found(self, finding: Finding) -> tuple[Change, ...]:
        """Those of one finding."""
        return tuple(one for one in self.changes if one.finding == finding)

    @property
    def tests(self) -> int:
        """How many tests the correction is for."""
        return sum(one.p is not None for one in self.changes)


def changes(a: RunSide, b: RunSide, metrics: Sequence[str] = (), margins: Mapping[str, float] | None = None) -> Changes:
    """What changed from A to B.

    Args:
        a, b: the sides.
        metrics: names in `METRICS`; by default those that choices go by.
        margins: differences within ± this make none, by metric; by default those that measures declare.

    Raises:
        UserError: a metric is unknown, or the sides have no configuration, or no number, in common.
    """
    for name in (*metrics, *(margins or {})):
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    common = [key for key in a.configurations if key in b.configurations]
    if not common:
        raise UserError(f"nothing to compare: {_apart(a, b)}; give two sides that ran the same experiments")
    asked, pairs = metrics or METRICS_HELD, [(a.configurations[key], b.configurations[key]) for key in common]
    other = tuple(name for name in asked if any(_measured_otherwise(*pair, name) for pair in pairs))
    held = [name for name in asked if name not in other]
    rows = [*_of_metrics(pairs, held, margins or {}), *_of_divergence(pairs)]
    if not rows:
        why = f"; measured by another version in one of them: {', '.join(other)} (aebench rescore)" if other else ""
        raise UserError(f"the two sides have none of these numbers in common: {', '.join(asked)}{why}")
    return Changes(
        a=a,
        b=b,
        changes=tuple(sorted(_concluded(rows), key=lambda one: FINDINGS.index(one.finding))),
        only_a=tuple(item for key, item in a.configurations.items() if key not in b.configurations),
        only_b=tuple(item for key, item in b.configurations.items() if key not in a.configurations),
        other_measures=other,
        one_sided=tuple(name for name in held if any(_one_sided(*pair, name) for pair in pairs)),
    )


def _of_metrics(
    pairs: Sequence[tuple[Configuration, Configuration]], metrics: Iterable[str], margins: Mapping[str, float]
) -> Iterator[Change]:
    for name in metrics:
        margin = margins.get(name, METRICS[name].margin)
        yield from _lent([one for pair in pairs if (one := _held(*pair, name, margin)) is not None])


def _held(a: Configuration, b: Configuration, metric: str, margin: float | None) -> Change | None:
    """One metric of one configuration; nothing where a side does not have it."""
    ours, theirs = a.values(metric), b.values(metric)
    if not ours or not theirs:
        return None
    left = [{spec.seed: spec.without_class for spec in item.specs} for item in (a, b)]
    common = sorted(seed for seed in ours.keys() & theirs.keys() if left[0][seed] == left[1][seed])
    paired = a.id == b.id and len(common) >= min(2, len(ours), len(theirs))
    if paired:
        found = difference_of([_difference(theirs[seed], ours[seed]) for seed in common], margin)
    else:
        found = unpaired_difference([*theirs.values()], [*ours.values()], margin)
    made = Change(a=a, b=b, metric=metric, difference=found, paired=paired, p=None)
    slack = (0.0, 0.0) if made.identical else slack_of(b, a, metric)
    return replace(made, difference=replace(found, slack=slack)) if found and slack else None


def _difference(second: float, first: float) -> float:
    """Second minus first; 0 where they are equal but for rounding."""
    return 0.0 if abs(second - first) <= _IDENTICAL * max(abs(first), abs(second)) else second - first


def _lent(rows: Sequence[Change]) -> Iterator[Change]:
    """The rows of one metric, whose few seeds lend each other what they know of the spread, with their p values."""
    known = [one.difference for one in rows if one.difference is not None and one.difference.seed_se is not None]
    squares = np.array([(one.seed_se or 0.0) ** 2 for one in known])
    df = np.array([one.seed_df or one.n - 1.0 for one in known])
    nearer, df = drawn(squares, df, moderation(squares, df, len(known), least=_LENDING, doubt=_DOUBT))
    lent = iter(zip(np.sqrt(nearer).tolist(), df.tolist(), strict=True))
    for row in rows:
        found = row.difference
        if found is not None and found.seed_se is not None:
            se, own_df = next(lent)
            found = replace(found, seed_se=se, seed_df=own_df)
        # What is identical is known, not tested: it takes no part in the correction.
        yield replace(row, difference=found, p=None if found is None or row.identical else found.p)


def _of_divergence(pairs: Iterable[tuple[Configuration, Configuration]]) -> Iterator[Change]:
    """How many runs diverged, where any did, by Fisher's exact test: where none did, nothing could be found."""
    for a, b in pairs:
        if a.diverged or b.diverged:
            from scipy.stats import fisher_exact

            p = float(fisher_exact([[item.diverged, item.finished - item.diverged] for item in (a, b)]).pvalue)
            yield Change(a=a, b=b, metric=DIVERGED, difference=None, paired=False, p=p)


def _concluded(rows: Sequence[Change]) -> Iterator[Change]:
    """What is found, of all rows together: of what is truly unchanged, nothing is called changed in 95 % of tables."""
    adjusted = holm({str(at): row.p for at, row in enumerate(rows) if row.p is not None})
    for at, row in enumerate(rows):
        if row.difference is not None and (row.identical or row.difference.equivalent):
            yield replace(row, finding="same")
        elif adjusted.get(str(at), 1.0) < ALPHA:
            yield replace(row, finding="changed", better=_better(row))
        elif row.difference is None and row.a.outcomes == row.b.outcomes:
            yield replace(row, finding="same")
        else:
            yield row


def _better(row: Change) -> bool | None:
    if row.difference is None:
        return row.b.diverged / row.b.finished < row.a.diverged / row.a.finished
    direction = METRICS[row.metric].better
    return None if direction is None else (row.difference.mean > 0) == (direction == "higher")


def _one_sided(a: Configuration, b: Configuration, metric: str) -> bool:
    return bool(a.usable and b.usable) and bool(a.values(metric)) != bool(b.values(metric))


def _measured_otherwise(a: Configuration, b: Configuration, metric: str) -> bool:
    versions = {
        record.metric_versions.get(metric)
        for item in (a, b)
        for record in item.usable
        if record.metrics.get(metric) is not None
    }
    return len(versions) > 1


def _apart(a: RunSide, b: RunSide) -> str:
    """`A has epochs 20; B has epochs 40`: of what the two have no value in common; else an example of each."""
    told = []
    for name in ("dataset", "dataset_digest", "variant", "network", "likelihood", "latent_dim", "epochs", "precision"):
        ours, theirs = ({str(getattr(item.specs[0], name)) for item in side.configurations.values()} for side in (a, b))
        if not ours & theirs:
            told.append(f"A has {name.replace('_', ' ')} {min(ours):.20}, B has {min(theirs):.20}")
    return (
        "; ".join(told)
        or f"A has {next(iter(a.configurations.values())).id}, B {next(iter(b.configurations.values())).id}"
    )


def rows(found: Changes) -> list[dict[str, Any]]:
    """One flat row a number, for a table or a file."""
    return [_row(one) for one in found.changes]


def _row(one: Change) -> dict[str, Any]:
    ours, theirs = one.summaries
    difference = one.difference
    return {
        "finding": one.finding,
        "better": one.better,
        **{
            name: getattr(one.a, name)
            for name in ("dataset", "variant", "label", "latent_dim", "network", "likelihood")
        },
        "metric": one.metric,
        "a": one.a.diverged if ours is None else ours.mean,
        "b": one.b.diverged if theirs is None else theirs.mean,
        "a_runs": one.a.finished if ours is None else ours.n,
        "b_runs": one.b.finished if theirs is None else theirs.n,
        "difference": difference.mean if difference else None,
        "low": difference.low if difference else None,
        "high": difference.high if difference else None,
        "margin": one.margin,
        "p": one.p,
        "paired": one.paired,
    }
