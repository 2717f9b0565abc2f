"""What a run costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric

if TYPE_CHECKING:
    from aebench.measures.context import Context


def size(model: Any) -> dict[str, float | None]:
    """Numbers that are known of a run which has diverged too."""
    return {"parameters": float(sum(np.prod(weight.shape) for weight in model.trainable_weights))}


def training_time(seconds: float, images: int) -> dict[str, float | None]:
    """Numbers of a run's training.

    Args:
        seconds: its share of its cohort's time.
        images: that it has seen.
    """
    return {"train_seconds": seconds, "train_images_per_s": images / seconds}


def measure(context: Context) -> Sequence[Measured]:
    """The size of each run; whoever trains it adds `training_time`."""
    return [Measured(numbers=size(context.evaluator.model))] * context.count


FAMILY = Family(
    name="cost",
    group="cost",
    measure=measure,
    metrics={
        "parameters": Metric(label="Parameters", unit="", better="lower", about="trainable weights"),
        "train_seconds": Metric(
            label="Training time",
            unit="s",
            better=None,  # whom a run trained beside decides it as much as what it is
            about="this run's share of its cohort's training, without compilation; speeds are compared apart",
        ),
        "train_images_per_s": Metric(
            label="Training speed",
            unit="images/s",
            better=None,
            about="images seen in training by the whole cohort over its training time",
        ),
    },
)
