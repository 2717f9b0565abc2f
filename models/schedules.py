"""Weights that change from step to step of a training, each laid over its whole length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

ROUNDING = 1e-5  # of a cycle: more than float32 puts a step off by, less than a step


@dataclass(frozen=True, kw_only=True)
class RateSchedule:
    """How the weight of the rate rises to its full value, once or in cycles.

    Attributes:
        warmup: the share of each cycle, 0 to 1, over which it rises linearly from 0; 0 holds it constant (Bowman et
            al. 2016; Sønderby et al. 2016).
        cycles: how many times it does so in a training, >= 1 (Fu et al. 2019, whose share is 0.5 of 4 cycles).
    """

    warmup: float = 0.0
    cycles: int = 1

    def __post_init__(self) -> None:
        if not 0.0 <= self.warmup <= 1.0:
            raise ValueError(f"`rate_warmup` must be a share from 0 to 1. Received: rate_warmup={self.warmup}")
        if self.cycles < 1:
            raise ValueError(f"`rate_cycles` must be at least 1. Received: rate_cycles={self.cycles}")

    @property
    def constant(self) -> bool:
        """Whether it never changes."""
        return self.warmup == 0.0

    def weight(self, progress: Any) -> Any:
        """The factor of the rate, 0 to 1, when this share of the training, 0 to 1, is done.

        A share that rounding has put just before the start of a cycle is taken for that start, not for the end of the
        cycle before, where the weight is whole.
        """
        cycles = progress * self.cycles
        place = ops.maximum(cycles - ops.floor(cycles + ROUNDING), 0.0)
        return ops.minimum(ops.where(progress < 1.0, place, ops.ones_like(place)) / self.warmup, 1.0)
