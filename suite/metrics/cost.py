"""Numbers about what a run costs."""

from __future__ import annotations

from typing import Final

from suite.metrics.metric import Metric

METRICS: Final[dict[str, Metric]] = {
    "parameters": Metric(label="Parameters", unit="", better="lower", about="trainable weights"),
    "train_seconds": Metric(
        label="Training time",
        unit="s",
        better="lower",
        about="this run's share of its cohort's training, without compilation",
    ),
    "train_images_per_s": Metric(
        label="Training speed",
        unit="images/s",
        better="higher",
        about="images seen in training by the whole cohort over its training time",
    ),
}
