"""What is taken of one use, as numbers or image by image, and how it is kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aebench.measures.family import Measured
from aebench.measures.metric import Metric
from aebench.records.record import Profiles

# A number by its metric's name, or its value for each test image, (n,), whose mean it is; `None` where there is none.
Taken = Mapping[str, "np.ndarray | float | None"]


def per_image(name: str) -> tuple[tuple[str, float], ...]:
    """What `Metric.kept` says of a metric whose values of single images are kept under its own name."""
    return ((name, 1.0),)


def named(taken: Taken, suffix: str) -> Taken:
    """The same under the names of a reference: `{"retrieval_map_pca": ...}`."""
    return {f"{name}_{suffix}": value for name, value in taken.items()}


def measured(taken: Taken, metrics: Mapping[str, Metric], profiles: Profiles | None = None) -> Measured:
    """All means, and the values of single images where the metric says that they are kept.

    Args:
        taken: what a family found of one run and its references.
        metrics: what the family declares.
        profiles: what else it found.
    """
    return Measured(
        numbers={name: _mean(value) for name, value in taken.items()},
        profiles=profiles or {},
        latents={
            name: value.astype("float32")
            for name, value in taken.items()
            if isinstance(value, np.ndarray) and metrics[name].kept
        },
    )


def _mean(value: np.ndarray | float | None) -> float | None:
    return float(value.mean(dtype=np.float64)) if isinstance(value, np.ndarray) else value
