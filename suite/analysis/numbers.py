"""Numbers as people read them: as many decimals as the spread allows, true minus signs, n/a for nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from aebench.analysis.configurations import Configuration, Summary
from aebench.analysis.simultaneous import Gap
from aebench.analysis.statistics import Difference
from aebench.measures import METRICS

ARROWS = {"higher": "↑", "lower": "↓", None: ""}


def number(value: float | None, decimals: int = 2, signed: bool = False) -> str:
    """The value with thousands separators; "n/a" for `None`; no sign on a zero."""
    if value is None:
        return "n/a"
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    if float(text.replace(",", "")) == 0.0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def significant(value: float, digits: int = 3) -> str:
    """The value rounded to so many significant digits, with thousands separators: `12,300`."""
    if value == 0.0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    return number(round(value, decimals), max(decimals, 0))


def decimals_of(summaries: Iterable[Summary]) -> int:
    """Decimals that show two digits of the typical spread, or four of the value where there is none."""
    known = [summary for summary in summaries if summary.mean is not None]
    means = [abs(summary.mean) for summary in known if summary.mean]
    spreads = [summary.sd for summary in known if summary.sd]
    if spreads:
        return _decimals(float(np.median(spreads)), 2)
    if not means or all(mean == round(mean) for mean in means):
        return 0
    return _decimals(float(np.median(means)), 4)


def plus_minus(summary: Summary, decimals: int) -> str:
    """`12.34 ± 0.05`, or the mean alone where there is no spread or the seed does not enter."""
    return f"{number(summary.mean, decimals)} {spread(summary, decimals)}".rstrip()


def spread(summary: Summary, decimals: int) -> str:
    """`± 0.05`: the standard deviation, or nothing where there is none or the seed does not enter."""
    return f"± {number(summary.sd, decimals)}" if summary.varies else ""


def mean_interval(summary: Summary, decimals: int) -> str:
    """`[12.28, 12.40]`: the 95 % t interval of the mean over seeds, or nothing where there is no spread."""
    found = t_interval(summary) if summary.varies else None
    return "" if found is None else f"[{number(found[0], decimals)}, {number(found[1], decimals)}]"


def t_interval(summary: Summary) -> tuple[float, float] | None:
    """Ends of the 95 % t interval of the mean over seeds; `None` for fewer than two runs."""
    from scipy.special import stdtrit

    if summary.mean is None or summary.sd is None:
        return None
    half = float(stdtrit(summary.n - 1, 0.975)) * summary.sd / math.sqrt(summary.n)
    return summary.mean - half, summary.mean + half


def measured(summary: Summary, metric: str, decimals: int) -> str:
    """`−19.32 ± 0.05 nats/image (n = 5)`: mean, standard deviation and number of runs."""
    count = f"(n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{summary.n})"
    return " ".join(filter(None, [plus_minus(summary, decimals), unit(metric), count]))


def interval(difference: Difference | Gap, decimals: int) -> str:
    """`+0.12 [+0.05, +0.19]`: the mean difference and its 95 % interval."""
    mean = number(difference.mean, decimals, signed=True)
    if difference.low is None or difference.high is None:
        return f"{mean} (no interval: one pair)"
    low, high = (number(value, decimals, signed=True) for value in (difference.low, difference.high))
    return f"{mean} [{low}, {high}]"


def unit(metric: str) -> str:
    """The metric's unit; nothing for a bare scale such as -1..1."""
    return "" if ".." in METRICS[metric].unit else METRICS[metric].unit


def column_decimals(configurations: Iterable[Configuration], metric: str) -> int:
    """`decimals_of` one metric over configurations."""
    return decimals_of(item.summaries[metric] for item in configurations)


def listed(names: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def sized(name: str, latent_dim: int) -> str:
    """`VAE β=4, latent size 8`."""
    return f"{name}, latent size {latent_dim}"


def counted(count: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _decimals(value: float, digits: int) -> int:
    return min(max(digits - 1 - math.floor(math.log10(value)), 0), 6)
