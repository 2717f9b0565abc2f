"""Every measure: a trained model's weights and the test split in, numbers out; the same for every variant.

A family declares its numbers beside the code that takes them. Importing the declarations imports no Keras: what
computes with it is imported when it is called.
"""

from __future__ import annotations

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


def versions() -> dict[str, int]:
    """The version of every metric and profile, by name."""
    return {name: metric.version for name, metric in {**METRICS, **PROFILES}.items()}
