"""Does another value of a setting, such as β, help or hurt?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from aebench.analysis.evidence import Evidence, Pair
from aebench.analysis.numbers import ARROWS
from aebench.analysis.questions.separation import Told, by_place
from aebench.analysis.questions.verdict import Matrix, Verdict, name, sources
from aebench.analysis.statistics import conclusions
from aebench.measures import METRICS
from aebench.records.spec import symbol

ASKED = ("elbo_nats", "recon_mse", "silhouette", "prior_frechet_distance")


def effect_of_settings(evidence: Evidence) -> Iterator[Verdict]:
    """Holds, for each scalar setting that a variant has in several values, the others against the plain one."""
    varied = dict(_varied(evidence))
    metrics = [metric for metric in ASKED if evidence.has(metric)]
    variants = {variant for variant, _ in varied}
    for (variant, setting), pairs in varied.items():
        whose = f" of the {name(variant)}" if len(variants) > 1 else ""
        values = sorted({float(other.settings[setting]) for other, _ in pairs})
        found = {metric: told for metric in metrics if (told := _told(evidence, pairs, metric))}
        lines = [
            _line(evidence, rows, pairs, setting, value, metric) for value in values for metric, rows in found.items()
        ]
        yield Verdict(
            question=f"Does {symbol(setting)}{whose} help or hurt?",
            claim="",
            standing="found",
            answer=_answer(found, pairs, setting),
            lines=tuple(filter(None, lines)),
            matrix=_matrix(found, pairs, setting, values),
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


def _told(evidence: Evidence, pairs: Sequence[Pair], metric: str) -> list[Told]:
    """Differences from the plain one; all values and latent sizes answer for one metric, corrected for their number."""
    rows = [(other, evidence.difference(other, plain, metric)) for other, plain in pairs]
    found = [(other, difference) for other, difference in rows if difference is not None]
    told = conclusions([difference for _, difference in found])
    return [(*row, conclusion) for row, conclusion in zip(found, told, strict=True)]


def _line(
    evidence: Evidence, found: Sequence[Told], pairs: Sequence[Pair], setting: str, value: float, metric: str
) -> str:
    own = [row for row in found if row[0].settings[setting] == value]
    told = sources([difference for _, difference, _ in own])
    sign = symbol(setting)
    minus = f"{sign} = {value:g}, {METRICS[metric].label} minus that of {sign} = {_plain(pairs, setting)}{told}"
    return f"{minus}: {by_place(evidence, own)}" if own else ""


def _answer(found: Mapping[str, Sequence[Told]], pairs: Sequence[Pair], setting: str) -> str:
    """Says for each measure which other values were better or worse than the plain one, and at how many sizes."""
    parts, sign, plain = [], symbol(setting), _plain(pairs, setting)
    total = len({one.id for _, one in pairs})
    for metric, rows in found.items():
        higher, lower = (_clear(rows, setting, side, total) for side in ("higher", "lower"))
        better, worse = (lower, higher) if METRICS[metric].better == "lower" else (higher, lower)
        told = [f"better than {sign} = {plain} with {better}" if better else f"no {sign} beats {plain}"]
        parts.append(f"{METRICS[metric].label}: {', '.join(told + ([f'worse with {worse}'] if worse else []))}")
    return "; ".join(parts) + "."


def _matrix(
    found: Mapping[str, Sequence[Told]], pairs: Sequence[Pair], setting: str, values: Sequence[float]
) -> Matrix:
    """At how many latent sizes each value is better or worse than the plain one."""
    heads = tuple(f"{METRICS[metric].label} {ARROWS[METRICS[metric].better]}".strip() for metric in found)
    plain, sign = _plain(pairs, setting), symbol(setting)
    rows = [
        (
            f"{sign} = {value:g} against {plain}",
            tuple(_cell(rows, setting, value, metric) for metric, rows in found.items()),
        )
        for value in values
    ]
    return Matrix(corner="At how many latent sizes", heads=heads, rows=tuple(rows))


def _cell(found: Sequence[Told], setting: str, value: float, metric: str) -> tuple[str, str]:
    sides = [conclusion for other, _, conclusion in found if other.settings[setting] == value]
    if not sides:
        return "n/a", ""
    better = METRICS[metric].better
    counts = {
        "yes": sum(side == better for side in sides),
        "no": sum(side in ("higher", "lower") and side != better for side in sides),
    }
    words = [f"{arrow} {counts[mark]}" for mark, arrow in (("yes", "▲"), ("no", "▼")) if counts[mark]]
    if not words:
        return ("=" if all(side == "equivalent" for side in sides) else "not told apart"), ""
    marks = [mark for mark, count in counts.items() if count]
    return f"{' '.join(words)} of {len(sides)}", marks[0] if len(marks) == 1 else ""


def _clear(found: Sequence[Told], setting: str, side: str, total: int) -> str:
    """`β = 4 at 2 of 3 latent sizes`: the values whose metric is found on this side of the plain one's."""
    counts = Counter(float(other.settings[setting]) for other, _, conclusion in found if conclusion == side)
    return ", ".join(
        f"{symbol(setting)} = {value:g} at {count} of {total} latent sizes" for value, count in sorted(counts.items())
    )
