"""Sanity checks of measures: made-up data with a known right answer, which a measure gives or does not give.

A measure may fail: that is told, beside the measure, on every page.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from aebench.measures.validity.check import Check

__all__ = ["PARTS", "RESULTS", "Check", "as_json", "by_measure", "checks", "kept", "of_metric", "of_part"]

PARTS = ("likelihood", "reconstruction", "information", "classes", "factors", "uses", "samples")  # a module each
RESULTS = Path(__file__).parents[1] / "validity.json"


def checks() -> list[Check]:
    """All checks, run now; the same every time, up to rounding: a minute."""
    return [one for part in PARTS for one in of_part(part)]


def of_part(name: str) -> Iterator[Check]:
    """The checks of one of `PARTS`, run now."""
    found: Iterator[Check] = importlib.import_module(f"{__name__}.{name}").checks()
    return found


def as_json(found: Sequence[Check]) -> bytes:
    """The checks as they are kept."""
    return _LIST.dump_json(list(found), indent=1) + b"\n"


@cache
def kept() -> tuple[Check, ...]:
    """The checks as `aebench validate` last wrote them into the package."""
    return tuple(_LIST.validate_json(RESULTS.read_bytes()))


def by_measure(found: Sequence[Check]) -> dict[str, tuple[Check, ...]]:
    """The checks of each measure, in order."""
    names = dict.fromkeys(one.measure for one in found)
    return {name: tuple(one for one in found if one.measure == name) for name in names}


def of_metric(name: str) -> tuple[Check, ...]:
    """The kept checks of a metric, whosever images or codes it is of: `prior_precision` is a precision."""
    known = by_measure(kept())
    fitting = [measure for measure in known if name == measure or name.endswith(f"_{measure}")]
    return known[max(fitting, key=len)] if fitting else ()


_LIST = TypeAdapter(list[Check])
