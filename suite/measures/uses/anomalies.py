"""Anomaly detection: whether images that are no data are told by reconstruction, likelihood, or their codes' place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.measures.uses.outliers import KINDS, SIMPLE
from aebench.measures.uses.taken import measured, per_image
from aebench.records.record import Profiles

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.uses.detection import Scores
    from aebench.measures.uses.trials import Trial

SCORES: Final = {
    "reconstruction": ("by reconstruction", "by -log p(x|z) at the posterior mean"),
    "likelihood": ("by likelihood", "by -ELBO"),
    "ratio": (
        "by likelihood ratio",
        "by -ELBO less the same of a model whose pixels know nothing of each other, fitted to the training split (in "
        "the place of the background model of Ren et al. 2019)",
    ),
    "complexity": (
        "by likelihood and complexity",
        "by -ELBO less the image's length as an optimised PNG, in nats (Serrà et al. 2020)",
    ),
    "codes": ("by codes", "by the code's distance to the nearest of 2,000 training codes at most"),
}
REFERENCES: Final = {
    "pca": ("by PCA", "reference: by the squared error of as many principal components"),
    "pixels": ("by pixels", "reference: by the distance in pixels to the nearest of 2,000 training images at most"),
}
PARTS: Final = ("test", "validation")
MARGIN: Final = 0.01  # one outlier in a hundred more or less passes for an image
_OUTLIERS: Final = "turned, scrambled, pixelwise drawn, inverted, faded and blank images"


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run on test images and outliers made of them, and on validation images likewise."""
    from aebench.measures.uses.trials import scores, trials

    known = trials(context.inputs)
    made = {part: trial for part in PARTS if (trial := known.made(part)) is not None}
    found = {part: scores(context, trial, f"{FAMILY.name}/{part}") for part, trial in made.items()}
    by_run = [{part: own[run] for part, own in found.items()} for run in range(context.count)]
    return [with_pictures(_measured(own), context, run, known.made("test"), own) for run, own in enumerate(by_run)]


def with_pictures(
    told: Measured, context: Context, run: int, trial: Trial | None, found: Mapping[str, Mapping[str, Scores]]
) -> Measured:
    """Adds the images that a run that is pictured ranks, by the score that is best on validation."""
    from aebench.measures.uses.shown import ranked
    from aebench.measures.uses.trials import best_on_validation

    if trial is None or not context.members[run].pictured:
        return told
    best = best_on_validation(found["validation"], [*SCORES]) if "validation" in found else None
    score = best[0] if best else "reconstruction"
    finite = all(np.isfinite(own.get(score, np.array(np.nan))).all() for own in found["test"].values())
    return replace(told, figures=ranked(trial, found["test"], score)) if finite else told


def _measured(found: Mapping[str, Mapping[str, Scores]]) -> Measured:
    """Numbers of one run by the scores of its parts' kinds of images."""
    from aebench.measures.uses.trials import areas, best_on_validation, precisions

    by_score = areas(found["test"])
    taken: dict[str, np.ndarray | float | None] = {}
    profiles: Profiles = {}
    for name, by_kind in by_score.items():
        taken[f"anomaly_auroc_{name}"] = np.mean([*by_kind.values()], axis=0)
        taken[f"anomaly_auroc_simple_{name}"] = float(np.mean([by_kind[kind] for kind in SIMPLE]))
        profiles[f"anomaly_auroc_{name}_by_kind"] = tuple(float(by_kind[kind].mean()) for kind in KINDS)
    for name, precision in precisions(found["test"], [*by_score]).items():
        taken[f"anomaly_ap_{name}"] = precision
    if "validation" in found and (best := best_on_validation(found["validation"], [*SCORES])):
        taken |= {"anomaly_auroc": taken.get(f"anomaly_auroc_{best[0]}"), "anomaly_auroc_validation": best[1]}
    return measured(taken, FAMILY.metrics, profiles)


def _metrics() -> dict[str, Metric]:
    found = {}
    for name, (by, about) in (SCORES | REFERENCES).items():
        area, simple, precision = (f"anomaly_{what}_{name}" for what in ("auroc", "auroc_simple", "ap"))
        found[area] = Metric(
            label=f"Anomalies {by}, AUROC",
            unit="share",
            better="higher",
            about=f"how often an outlier scores higher than a test image, {about}; mean over {_OUTLIERS}",
            margin=MARGIN if name in SCORES else None,
            kept=per_image(area),
        )
        found[simple] = Metric(
            label=f"Simple anomalies {by}, AUROC",
            unit="share",
            better="higher",
            about=f"the same over faded and blank images alone, {about}: below .5 they pass for better images than "
            "real ones, as Nalisnick et al. 2019 found of likelihoods",
        )
        found[precision] = Metric(
            label=f"Anomalies {by}, average precision",
            unit="share",
            better="higher",
            about=f"mean share of outliers among what is at least as strange as each outlier, {about}, as many "
            f"outliers as test images; mean over {_OUTLIERS}",
        )
    return found


FAMILY = Family(
    name="anomalies",
    group="uses",
    measure=measure,
    needs_images=True,
    metrics={
        "anomaly_auroc": Metric(
            label="Anomalies, AUROC",
            unit="share",
            better="higher",
            about="how often an outlier scores higher than a test image, by the score that does best on validation "
            f"images and outliers of the same kinds; mean over {_OUTLIERS}",
            margin=MARGIN,
            kept=per_image("anomaly_auroc"),
            version=2,  # a score more to choose from
        ),
        "anomaly_auroc_validation": Metric(
            label="Anomalies, AUROC, validation split",
            unit="share",
            better="higher",
            about="the same of the validation split: what the best for anomalies, and its score, are chosen by",
            version=2,
        ),
        **_metrics(),
    },
    profiles={
        f"anomaly_auroc_{name}_by_kind": Metric(
            label=f"Anomalies {by}, AUROC by kind",
            unit="share",
            better="higher",
            about=f"{about}; of {_OUTLIERS}, in this order",
            per="kind of outlier",
        )
        for name, (by, about) in (SCORES | REFERENCES).items()
    },
)
