"""Every measure: a trained model's weights and the test split in, numbers out; the same for every variant.

A family declares its numbers beside the code that takes them. Importing the declarations imports no Keras: what
computes with it is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aebench.measures import bound, cost, diagnostics, importance, information, levels, reconstruction, training_split
from aebench.measures.classes import family as classes
from aebench.measures.factors import family as factors
from aebench.measures.family import GROUPS, Family
from aebench.measures.metric import Metric
from aebench.measures.pictures import family as pictures
from aebench.measures.samples import family as samples
from aebench.measures.uses import (
    anomalies,
    compression,
    denoising,
    few_labels,
    geometry,
    imputation,
    lossless,
    outsiders,
    retrieval,
    robustness,
)

__all__ = [
    "FAMILIES",
    "GROUPS",
    "METRICS",
    "NEED_FACTORS",
    "NEED_LABELS",
    "OF_IMAGES",
    "ON_REQUEST",
    "PROFILES",
    "Family",
    "Metric",
    "kept_arrays",
    "of_each_image",
    "versions",
]

# In the order of tables and columns.
FAMILIES: tuple[Family, ...] = (
    bound.FAMILY,
    importance.FAMILY,
    training_split.FAMILY,
    levels.FAMILY,
    information.FAMILY,
    diagnostics.FAMILY,
    reconstruction.FAMILY,
    reconstruction.STRUCTURE,
    classes.FAMILY,
    factors.FAMILY,
    few_labels.FAMILY,
    retrieval.FAMILY,
    anomalies.FAMILY,
    *outsiders.FAMILIES.values(),
    imputation.FAMILY,
    denoising.FAMILY,
    compression.FAMILY,
    lossless.FAMILY,
    robustness.FAMILY,
    geometry.FAMILY,
    samples.FAMILY,
    pictures.FAMILY,
    cost.FAMILY,
)
OF_IMAGES = frozenset(name for family in FAMILIES if family.needs_images for name in family.metrics)
NEED_LABELS = frozenset(name for family in FAMILIES if family.needs_labels for name in family.metrics)
NEED_FACTORS = frozenset(name for family in FAMILIES if family.needs_factors for name in family.metrics)
ON_REQUEST = frozenset(name for family in FAMILIES if family.on_request for name in family.metrics)
METRICS: dict[str, Metric] = {name: metric for family in FAMILIES for name, metric in family.metrics.items()}
PROFILES: dict[str, Metric] = {name: metric for family in FAMILIES for name, metric in family.profiles.items()}


def kept_arrays(metric: str) -> tuple[tuple[str, float], ...]:
    """The kept arrays, with their signs, whose sum has the metric for its mean over test images; empty without any."""
    declared = METRICS[metric]
    return declared.kept or (((metric, 1.0),) if declared.of_images else ())


def of_each_image(metric: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The metric of each test image, `(n,)`; `None` where the arrays for it are not all there."""
    wanted = kept_arrays(metric)
    if not wanted or any(name not in arrays for name, _ in wanted):
        return None
    total: np.ndarray = sum(sign * arrays[name] for name, sign in wanted)  # type: ignore[assignment]
    return total


def versions() -> dict[str, int]:
    """The version of every metric and profile, by name."""
    return {name: metric.version for name, metric in {**METRICS, **PROFILES}.items()}
