"""Verdict: a question with its answer, and the words that all answers share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from aebench.analysis.configurations import Configuration
from aebench.analysis.statistics import Difference
from aebench.records.spec import symbol, variant_label

Standing = Literal["confirmed", "confirmed in part", "refuted in part", "refuted", "not settled", "found"]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """An answer in marks: a row for each value of a setting or each use, a column for each metric or comparison.

    Attributes:
        corner: what rows and marks are.
        heads: the metrics or comparisons.
        rows: what each row is about, and its cells: words, and a mark, `yes` for better, `no` for worse, or nothing.
    """

    corner: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A question with its answer, as found.

    Attributes:
        question: what was asked.
        claim: what the earlier studies said; empty where they only asked.
        standing: of the claim; `"found"` where there was none.
        answer: in a sentence.
        lines: the numbers behind it, one kind a line.
        matrix: the answer where marks say it better than a sentence.
        stood: since when in training the answer has been the same; empty where that is not known.
        whose: the variant that it is about, where the same may be asked of many.
        of_all: the claim as it would be made of all of these.
    """

    question: str
    claim: str
    standing: Standing
    answer: str
    lines: tuple[str, ...]
    matrix: Matrix | None = None
    stood: str = ""
    whose: str = ""
    of_all: str = ""

    @property
    def essence(self) -> Standing | Matrix | None:
        """What makes two answers to one question the same: what becomes of the claim, or all marks; else `None`."""
        return self.standing if self.claim else self.matrix


def interval(difference: Difference) -> str:
    """`+0.023 [+0.018, +0.028]`, to two digits of its standard error."""
    spread = difference.se or abs(difference.mean)
    decimals = 1 - math.floor(math.log10(spread)) if spread > 0 else 3
    decimals = min(max(decimals, 0), 6)
    mean = f"{difference.mean:+.{decimals}f}"
    if difference.low is None or difference.high is None:
        return f"{mean} (one seed: no interval)"
    return f"{mean} [{difference.low:+.{decimals}f}, {difference.high:+.{decimals}f}]"


def sources(differences: Sequence[Difference]) -> str:
    """` (over seeds alone)` where test images don't enter an interval, else nothing."""
    alone = any(difference.image_se is None for difference in differences)
    return " (over seeds alone: the choice of test images is not in it)" if alone else ""


def from_to(values: Sequence[float], form: str = ".2f") -> str:
    """`0.95 to 0.97`, or `0.95` where both are written alike."""
    low, high = f"{min(values):{form}}", f"{max(values):{form}}"
    return low if low == high else f"{low} to {high}"


def mean_sd(item: Configuration, metric: str, decimals: int = 2) -> str:
    """`0.31 ± 0.02`, or `n/a`."""
    summary = item.summaries[metric]
    if summary.mean is None:
        return "n/a"
    sd = f" ± {summary.sd:.{decimals}f}" if summary.sd else ""
    return f"{summary.mean:.{decimals}f}{sd}"


def mean_profile(item: Configuration, name: str) -> np.ndarray | None:
    """A profile's mean over seeds; `None` if no run has it."""
    found = [record.profiles[name] for record in item.usable if name in record.profiles]
    return np.mean(found, axis=0) if found else None


def name(variant: str) -> str:
    """`VAE`: a variant as people write it, whatever its settings."""
    return variant_label(variant, {})


def with_settings(items: Sequence[Configuration]) -> str:
    """`VAE (β = 1)`: the variant of these configurations, with the settings that all of them share."""
    first = items[0]
    shared = {key: value for key, value in first.settings.items() if all(it.settings.get(key) == value for it in items)}
    told = ", ".join(f"{symbol(key)} = {value:g}" if isinstance(value, float) else f"{key} = {value}"
                     for key, value in sorted(shared.items()))  # fmt: skip
    return f"{name(first.variant)} ({told})" if told else name(first.variant)


def listed(names: Sequence[str]) -> str:
    """`AE, IWAE and VAE`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
