"""Whether training was long enough, from learning curves. Imports no Keras."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from aebench.records.record import RunRecord

Convergence = Literal["converged", "not converged", "overfitted"]

TOLERANCE_NATS = 0.1
SHORTEST_JUDGED = 10


def convergence(objective: Sequence[float]) -> Convergence | None:
    """Whether training was long enough, from a validation curve.

    The last tenth of the epochs (two at least) is looked at. "not converged": its least-squares trend falls
    by more than 0.1 nats over its length. "overfitted": its mean lies more than 0.1 nats above the lowest
    mean of an earlier window of that length.

    Args:
        objective: the validation objective at each epoch's end, nats per image, lower is better.

    Returns:
        What is found, or `None` for fewer than 10 epochs.
    """
    epochs = len(objective)
    if epochs < SHORTEST_JUDGED:
        return None
    length = max(2, epochs // 10)
    slope = np.polyfit(np.arange(length), np.asarray(objective[-length:]), 1)[0]
    if slope * length < -TOLERANCE_NATS:
        return "not converged"
    windows = np.convolve(objective, np.full(length, 1.0 / length), mode="valid")
    return "overfitted" if windows[-1] - windows[:-1].min() > TOLERANCE_NATS else "converged"


def mean_curve(records: Iterable[RunRecord], name: str) -> tuple[float, ...]:
    """The mean over runs of one learning curve (a field of `Curve`), by epoch; empty if a run lacks it."""
    curves = [getattr(record.curve, name) for record in records]
    length = min((len(curve) for curve in curves), default=0)
    if not length:
        return ()
    return tuple(float(value) for value in np.mean([curve[:length] for curve in curves], axis=0))
