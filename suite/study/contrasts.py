"""Contrasts: which variant a study holds against which, and in what. Imports no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, model_validator

from aebench.errors import UserError, unknown
from aebench.measures import METRICS
from aebench.records.spec import Frozen
from aebench.study import variants
from aebench.study.tables import parse_each

# What is asked of a contrast that names nothing else: how it separates classes, by the silhouette first, and how well
# images come back.
METRICS_ASKED = ("silhouette", "recon_mse", "kmeans_nmi", "kmeans_accuracy", "knn_accuracy", "probe_accuracy")


class Contrast(Frozen):
    """One variant held against another that differs from it in nothing else: a study's table `[[contrast]]`.

    Attributes:
        variant: whose gain is asked for.
        against: the baseline.
        metrics: in what; the first one decides the verdict, and all are corrected together.
        claim: what was claimed of it, if the study wants other words than "does not ... better".
    """

    variant: str
    against: str
    metrics: tuple[str, ...] = Field(default=METRICS_ASKED, min_length=1)
    claim: str = ""

    @model_validator(mode="after")
    def _checked(self) -> Contrast:
        for name in self.metrics:
            if name not in METRICS:
                raise ValueError(f"{unknown('metric', name, METRICS)}")
            if METRICS[name].better is None:
                raise ValueError(f"of metric {name!r} neither direction is better; choose another")
        if self.variant == self.against:
            raise ValueError(f"{self.variant!r} cannot be held against itself")
        return self


def read(study: dict[str, Any], declared: Sequence[variants.Declaration], where: str) -> tuple[Contrast, ...]:
    """The contrasts that a study's file declares; without any, every variant against the simplest one.

    Raises:
        UserError: a table is not as it must be, or names a variant that the study doesn't have.
    """
    found = parse_each(Contrast, study, "contrast", where)
    names = tuple(dict.fromkeys(item.name for item in declared))
    for number, contrast in enumerate(found, 1):
        for name in (contrast.variant, contrast.against):
            if name not in names:
                raise UserError(f"{where}: contrast {number}: {unknown('variant of this study', name, names)}")
    return found or _against_the_simplest(declared)


def _against_the_simplest(declared: Sequence[variants.Declaration]) -> tuple[Contrast, ...]:
    """The simplest is the one with the fewest settings, the first such in the study."""
    baseline = min(declared, key=lambda item: len(item.scalars) + len(item.options)).name
    others = dict.fromkeys(item.name for item in declared if item.name != baseline)
    return tuple(Contrast(variant=name, against=baseline) for name in others)
