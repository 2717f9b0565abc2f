"""Numbers about images decoded from new codes."""

from __future__ import annotations

from typing import Final

from suite.metrics.metric import Metric

METRICS: Final[dict[str, Metric]] = {}
PROFILES: Final[dict[str, Metric]] = {}
