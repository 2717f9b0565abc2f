"""Learning curves by the names that trackers show them under."""

from __future__ import annotations

from collections.abc import Iterator

from aebench.records.record import Curve

CURVES = ("objective", "distortion", "rate")


def curves(curve: Curve) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The learning curves by tag: `objective/train`, `objective/validation` ..."""
    for name in CURVES:
        yield f"{name}/train", getattr(curve, name)
        yield f"{name}/validation", getattr(curve, f"val_{name}")
