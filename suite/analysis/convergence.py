"""Whether training was long enough, from learning curves. Imports no Keras."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from aebench.analysis.statistics import ALPHA
from aebench.records.record import RunRecord

State = Literal["converged", "not converged", "overfitted", "too noisy to tell"]

TOLERANCE_NATS = 0.1
SHORTEST_JUDGED = 10
_SHORTEST_TREND = 5  # epochs that a slope is taken over


@dataclass(frozen=True, kw_only=True)
class Convergence:
    """What a validation curve tells of its training's length.

    Attributes:
        fall: by how much its trend falls over the last tenth of training, nats per image; negative where it rises.
        low, high: of the fall, each with 95 % on its side.
        rise: how far its last tenth lies above its lowest, nats, at least (95 %).
    """

    fall: float
    low: float
    high: float
    rise: float

    @property
    def state(self) -> State:
        """A fall or rise of 0.1 nats counts; what its noise could hide either way is not judged."""
        if self.low > TOLERANCE_NATS:
            return "not converged"
        if self.rise > TOLERANCE_NATS:
            return "overfitted"
        return "converged" if self.high < TOLERANCE_NATS else "too noisy to tell"


def convergence(objective: Sequence[float]) -> Convergence | None:
    """Whether training was long enough, from a validation curve.

    The slope is that of least squares over the last tenth of the epochs, five at least. The curve's noise is told by
    its second differences, which a smooth trend leaves alone (Gasser, Sroka & Jennen-Steinmetz 1986), over its last
    half.

    Args:
        objective: the validation objective at each epoch's end, nats per image, lower is better.

    Returns:
        What is found, or `None` for fewer than 10 epochs.
    """
    from scipy.special import stdtrit

    epochs = len(objective)
    if epochs < SHORTEST_JUDGED:
        return None
    curve = np.asarray(objective, "float64")
    tenth = epochs / 10
    length = max(_SHORTEST_TREND, round(tenth))
    noise, df = _noise(curve[-max(epochs // 2, 8) :])
    slope = np.polyfit(np.arange(length), curve[-length:], 1)[0]
    fall, error = -slope * tenth, noise * tenth * np.sqrt(12.0 / (length * (length**2 - 1.0)))
    means = np.convolve(curve, np.full(length, 1.0 / length), mode="valid")
    others = max(epochs // length - 1, 1)  # windows among which the lowest was looked for
    rise = means[-1] - means[:-1].min() - stdtrit(df, 1.0 - ALPHA / others) * noise * np.sqrt(2.0 / length)
    half = stdtrit(df, 1.0 - ALPHA) * error
    return Convergence(fall=float(fall), low=float(fall - half), high=float(fall + half), rise=float(rise))


def _noise(curve: np.ndarray) -> tuple[float, float]:
    """The standard deviation of a curve about its smooth trend, and its degrees of freedom."""
    second = np.diff(curve, 2)
    # The squares of second differences of white noise are correlated by 4/9 and 1/36: so much less do they tell.
    return float(np.sqrt((second**2).mean() / 6.0)), len(second) / (1.0 + 2.0 * (4.0 / 9.0 + 1.0 / 36.0))


def mean_curve(records: Iterable[RunRecord], name: str) -> tuple[float, ...]:
    """The mean over runs of one learning curve (a field of `Curve`), by epoch; empty if a run lacks it."""
    curves = [getattr(record.curve, name) for record in records]
    length = min((len(curve) for curve in curves), default=0)
    if not length:
        return ()
    return tuple(float(value) for value in np.mean([curve[:length] for curve in curves], axis=0))
