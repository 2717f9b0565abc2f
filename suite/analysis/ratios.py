"""Speeds of two sides as ratios of equal work: two studies, devices, backends or precisions. Imports no Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aebench.analysis.sides import Side, Speed, Work, few
from aebench.errors import UserError
from aebench.records.rates import WIDE


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Speed of B over speed of A at the same work."""

    a: Speed
    b: Speed

    @property
    def median(self) -> float:
        """Ratio of the medians."""
        return self.b.rate.median / self.a.rate.median

    @property
    def low(self) -> float:
        """B's first quartile over A's third."""
        return self.b.rate.low / self.a.rate.high

    @property
    def high(self) -> float:
        """B's third quartile over A's first."""
        return self.b.rate.high / self.a.rate.low

    @property
    def wide(self) -> bool:
        """Whether either side is too unsteady for the ratio to be believed without a caution."""
        return self.a.rate.wide or self.b.rate.wide


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Two sides: the ratios of their common work, and what only one of them did."""

    a: Side
    b: Side
    ratios: tuple[Ratio, ...]
    only_a: tuple[Work, ...]
    only_b: tuple[Work, ...]


def side_by_side(a: Side, b: Side) -> SideBySide:
    """Pairs equal work.

    Raises:
        UserError: there is none; it says what differs.
    """
    common = sorted((work for work in a.speeds if work in b.speeds), key=_place)
    if not common:
        raise UserError(f"nothing to compare: {_differences(a, b)}; give two sides that did the same work")
    return SideBySide(
        a=a,
        b=b,
        ratios=tuple(Ratio(a=a.speeds[work], b=b.speeds[work]) for work in common),
        only_a=tuple(work for work in a.speeds if work not in b.speeds),
        only_b=tuple(work for work in b.speeds if work not in a.speeds),
    )


def _place(work: Work) -> tuple[str, int, str, int]:
    """Configurations apart, batch sizes in order; `sorted` leaves the operations of one as they were timed."""
    return str(work["label"]), int(work["latent_dim"] or 0), str(work["network"]), int(work["batch_size"] or 0)


def _differences(a: Side, b: Side) -> str:
    """`A has network mlp-256; B has network mlp`: of what the two have no value in common; else examples of each."""
    names = dict.fromkeys(name for side in (a, b) for work in side.speeds for name, _ in work.fields)
    values = {name: (_values(a, name), _values(b, name)) for name in names if name not in ("label", "dataset_digest")}
    apart = {name: pair for name, pair in values.items() if all(pair) and not {*pair[0]} & {*pair[1]}}
    if not apart:
        return f"A has {few([*a.speeds])}, B has {few([*b.speeds])}"
    told = ([f"{name.replace('_', ' ')} {few(values)}" for values in pair] for name, pair in apart.items())
    ours, theirs = (", ".join(side) for side in zip(*told, strict=True))
    return f"A has {ours}; B has {theirs}"


def _values(side: Side, name: str) -> list[str]:
    return list(dict.fromkeys(value for work in side.speeds if (value := work[name]) is not None))


def notes(found: SideBySide) -> list[str]:
    """What must be known to read the ratios: both places, what is unsteady, and what could not be paired."""
    lines = [f"A = {found.a.name}: {_places(found.a)}", f"B = {found.b.name}: {_places(found.b)}"]
    if len({*found.a.places, *found.b.places}) == 1:
        lines.append("A and B ran in the same environment: ratios other than 1 are noise, or changes of the code")
    if unsteady := sum(ratio.wide for ratio in found.ratios):
        wide = f"interquartile range of the faster half of rounds above {WIDE:.0%} on a side"
        lines.append(f"~ {unsteady} of {len(found.ratios)} unsteady: {wide}")
    for letter, works in (("A", found.only_a), ("B", found.only_b)):
        if works:
            lines.append(f"only {letter} has {len(works)} speed{'s' if len(works) > 1 else ''}: {few(works)}")
    return lines


def _places(side: Side) -> str:
    return " | ".join(", ".join(place.parts) for place in side.places)


def rows(found: SideBySide) -> list[dict[str, Any]]:
    """One flat row a ratio, for a table or a file."""
    return [_row(ratio) for ratio in found.ratios]


def _row(ratio: Ratio) -> dict[str, Any]:
    names = ("operation", "variant", "options", "latent_dim", "network", "likelihood", "dataset", "image_shape")
    row: dict[str, Any] = {name: ratio.a.work[name] for name in (*names, "epochs", "batch_size")}
    row |= {name: int(value) for name in ("latent_dim", "batch_size", "epochs") if (value := row[name]) is not None}
    for letter, speed in (("a", ratio.a), ("b", ratio.b)):
        row |= {
            f"{letter}_device": speed.place.device,
            f"{letter}_backend": speed.place.backend,
            f"{letter}_precision": speed.place.precision,
            f"{letter}_images_per_s": speed.rate.median,
            f"{letter}_spread": speed.rate.spread,
            f"{letter}_count": speed.rate.count,
        }
    return row | {"ratio": ratio.median, "ratio_low": ratio.low, "ratio_high": ratio.high, "unsteady": ratio.wide}
