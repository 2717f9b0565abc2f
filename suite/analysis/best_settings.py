"""Each variant at the setting that validation chooses: what a table of many settings comes down to."""

from __future__ import annotations

from dataclasses import replace

from aebench.analysis.configurations import Comparison, Configuration
from aebench.analysis.purposes import mean_over_seeds, validation_distortion, validation_elbo


def best_settings(comparison: Comparison) -> Comparison:
    """Keeps, of the configurations that differ in a variant's settings alone, the one that is best on validation.

    Best is the highest ELBO or, of a variant without a rate, the lowest distortion. Where a configuration has no such
    number, as with runs that are missing or were trained on the validation split too, it is passed over; where none
    has, the first stands for all.
    """
    groups: dict[tuple[str, str], list[Configuration]] = {}
    for item in comparison.configurations:
        groups.setdefault((item.variant, item.peers), []).append(item)
    return replace(comparison, configurations=tuple(max(group, key=_on_validation) for group in groups.values()))


def _on_validation(item: Configuration) -> float:
    value = mean_over_seeds(validation_elbo(item) or validation_distortion(item))
    return -float("inf") if value is None else value
