"""Check: what a measure ought to say of data whose truth is known, and what it says."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

Bounds = tuple[float, float]
COUNT, FEATURES, CLASSES = 500, 16, 5  # of made-up points
INVARIANT = 1e-3  # beyond rounding: one point in a thousand
SAME: Bounds = (-INVARIANT, INVARIANT)
_END = 1e6  # stands for infinity, which JSON does not hold


class Check(BaseModel):
    """What one measure made of one case.

    Attributes:
        measure: a metric's name without whose images or codes it is of.
        case: what the data are.
        low, high: where the value ought to lie, stated before.
        value: what it was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    measure: str
    case: str
    low: float
    high: float
    value: float

    @property
    def passed(self) -> bool:
        """Whether the value lies where it ought to."""
        return self.low <= self.value <= self.high

    @property
    def ought(self) -> str:
        """Where the value ought to lie, in words."""
        if self.high >= _END:
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if self.low <= -_END else f"{self.low:g} to {self.high:g}"


def check(measure: str, case: str, bounds: Bounds | None, value: float) -> Check:
    """One check, its value to the six digits that are kept."""
    low, high = bounds or (-np.inf, np.inf)
    return Check(measure=measure, case=case, low=max(low, -_END), high=min(high, _END), value=float(f"{value:.6g}"))
