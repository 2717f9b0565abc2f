"""Ours against published: a study's numbers beside the values that they must reach. Imports no Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from aebench.analysis.configurations import Comparison, Configuration, Summary, summarise
from aebench.study.expectations import Expectation

Result = Literal["pass", "fail", "not run"]


@dataclass(frozen=True, kw_only=True)
class Held:
    """One configuration held against an expectation.

    Attributes:
        ours: over its seeds.
        known: the published value, or the mean of the reference.
        difference: ours minus known, over seeds; its mean decides.
    """

    expectation: Expectation
    label: str
    ours: Summary
    known: float | None
    difference: Summary
    result: Result


def hold(comparison: Comparison, expectations: Sequence[Expectation]) -> tuple[Held, ...]:
    """Each expectation against every configuration that it means; "not run" where there is none with the numbers."""
    return tuple(
        _hold(expectation, item)
        for expectation in expectations
        for item in comparison.where(variant=expectation.variant, **expectation.settings) or (None,)
    )


def _hold(expectation: Expectation, item: Configuration | None) -> Held:
    ours = item.values(expectation.metric) if item else {}
    known = _known(expectation, item, ours)
    pairs = [ours[seed] - known[seed] for seed in sorted(ours.keys() & known.keys())]
    difference, reference = summarise(pairs), summarise([known[seed] for seed in sorted(known)]).mean
    return Held(
        expectation=expectation,
        label=f"{item.label} z={item.latent_dim}" if item else expectation.variant,
        ours=summarise([*ours.values()]),
        known=expectation.value if expectation.reference is None else reference,
        difference=difference,
        result=_result(expectation, difference.mean),
    )


def _known(expectation: Expectation, item: Configuration | None, ours: Mapping[int, float]) -> dict[int, float]:
    if expectation.value is not None:
        return dict.fromkeys(ours, expectation.value)
    return item.values(expectation.reference) if item and expectation.reference else {}


def _result(expectation: Expectation, difference: float | None) -> Result:
    if difference is None:
        return "not run"
    return "pass" if expectation.low <= difference <= expectation.high else "fail"
