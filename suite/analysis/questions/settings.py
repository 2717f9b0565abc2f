"""Does another value of a setting, such as β, help or hurt?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from aebench.analysis.evidence import Evidence, Pair
from aebench.analysis.questions.separation import by_size
from aebench.analysis.questions.verdict import Verdict, name, sources
from aebench.analysis.statistics import Conclusion
from aebench.measures import METRICS
from aebench.records.spec import symbol

ASKED = ("elbo_nats", "recon_mse", "silhouette", "prior_frechet_distance")


def effect_of_settings(evidence: Evidence) -> Iterator[Verdict]:
    """Holds, for each scalar setting that a variant has in several values, the others against the plain one."""
    found = dict(_varied(evidence))
    metrics = [metric for metric in ASKED if evidence.has(metric)]
    variants = {variant for variant, _ in found}
    for (variant, setting), pairs in found.items():
        whose = f" of the {name(variant)}" if len(variants) > 1 else ""
        values = sorted({float(other.settings[setting]) for other, _ in pairs})
        lines = [_line(evidence, pairs, setting, value, metric) for value in values for metric in metrics]
        yield Verdict(
            question=f"Does {symbol(setting)}{whose} help or hurt?",
            claim="",
            standing="found",
            answer=_answer(evidence, pairs, setting, metrics),
            lines=tuple(filter(None, lines)),
        )


def _varied(evidence: Evidence) -> Iterator[tuple[tuple[str, str], list[Pair]]]:
    """Variant and setting, with the configurations that differ from a plain one in that setting alone, and that one."""
    plain = [item for item in evidence.board if item.plain]
    scalars = dict.fromkeys((item.variant, setting) for item in plain for setting in item.specs[0].scalars)
    for variant, setting in scalars:
        pairs = [
            (other, one)
            for other in evidence.board
            for one in plain
            if other.variant == one.variant == variant
            and other.peers == one.peers
            and [key for key, value in other.settings.items() if one.settings.get(key) != value] == [setting]
        ]
        if pairs:
            yield (variant, setting), pairs


def _plain(pairs: Sequence[Pair], setting: str) -> str:
    """`1`: the value that others are held against."""
    return f"{pairs[0][1].settings[setting]:g}"


def _line(evidence: Evidence, pairs: Sequence[Pair], setting: str, value: float, metric: str) -> str:
    found = [
        (other, difference)
        for other, plain in pairs
        if other.settings[setting] == value and (difference := evidence.difference(other, plain, metric)) is not None
    ]
    told = sources([difference for _, difference in found])
    sign = symbol(setting)
    minus = f"{sign} = {value:g}, {METRICS[metric].label} minus that of {sign} = {_plain(pairs, setting)}{told}"
    return f"{minus}: {by_size(found)}" if found else ""


def _answer(evidence: Evidence, pairs: Sequence[Pair], setting: str, metrics: Sequence[str]) -> str:
    """Says for each measure which other values were better or worse than the plain one, and at how many sizes."""
    parts, sign, plain = [], symbol(setting), _plain(pairs, setting)
    for metric in metrics:
        higher, lower = _clear(evidence, pairs, setting, metric)
        better, worse = (lower, higher) if METRICS[metric].better == "lower" else (higher, lower)
        told = [f"better than {sign} = {plain} with {better}" if better else f"no {sign} beats {plain}"]
        parts.append(f"{METRICS[metric].label}: {', '.join(told + ([f'worse with {worse}'] if worse else []))}")
    return "; ".join(parts) + "."


def _clear(evidence: Evidence, pairs: Sequence[Pair], setting: str, metric: str) -> tuple[str, str]:
    """`β = 4 at 2 of 3 latent sizes`, of values whose metric is higher than the plain one's, and where it is lower."""
    counts: dict[Conclusion, Counter[float]] = {"higher": Counter(), "lower": Counter()}
    for other, plain in pairs:
        found = evidence.difference(other, plain, metric)
        if found is not None and found.conclusion in counts:
            counts[found.conclusion][float(other.settings[setting])] += 1
    total, sign = len({plain.id for _, plain in pairs}), symbol(setting)
    higher, lower = (
        ", ".join(f"{sign} = {value:g} at {count} of {total} latent sizes" for value, count in sorted(counter.items()))
        for counter in counts.values()
    )
    return higher, lower
