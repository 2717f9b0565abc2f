"""Every number that a run is scored by: its name, label, unit, direction and definition. Imports no Keras."""

from __future__ import annotations

from suite.metrics import cost, generation, likelihood, reconstruction, structure
from suite.metrics.metric import Metric

METRICS: dict[str, Metric] = {
    **likelihood.METRICS,
    **reconstruction.METRICS,
    **structure.METRICS,
    **generation.METRICS,
    **cost.METRICS,
}
PROFILES: dict[str, Metric] = {
    **likelihood.PROFILES,
    **reconstruction.PROFILES,
    **structure.PROFILES,
    **generation.PROFILES,
}
