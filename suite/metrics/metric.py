"""Metric: how a number is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How a number, or a short list of numbers, is to be read.

    Attributes:
        label: what people call it.
        unit: of the value.
        better: which direction is better, or `None` where neither is.
        about: its definition in a sentence.
        version: raised by hand when the measure's code changes its values.
        margin: differences within ± this make none in practice; `None` where that is not stated.
        per: what each number of a list stands for: `"class"`, `"latent dimension"`; empty for a single number.
    """

    label: str
    unit: str
    better: Literal["higher", "lower"] | None
    about: str
    version: int = 1
    margin: float | None = None
    per: str = ""
