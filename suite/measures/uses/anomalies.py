"""Anomaly detection: whether images that are no data are told by reconstruction, likelihood, or their codes' place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.measures.uses.outliers import KINDS, SIMPLE
from aebench.measures.uses.taken import measured, per_image
from aebench.records.record import Profiles

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.evaluator import Scored
    from aebench.measures.uses.detection import Scores, Trials

SCORES: Final = {
    "reconstruction": ("by reconstruction", "by -log p(x|z) at the posterior mean"),
    "likelihood": ("by likelihood", "by -ELBO"),
    "ratio": (
        "by likelihood ratio",
        "by -ELBO less the same of a model whose pixels know nothing of each other, fitted to the training split (in "
        "the place of the background model of Ren et al. 2019)",
    ),
    "codes": ("by codes", "by the code's distance to the nearest of 2,000 training codes at most"),
}
REFERENCES: Final = {
    "pca": ("by PCA", "reference: by the squared error of as many principal components"),
    "pixels": ("by pixels", "reference: by the distance in pixels to the nearest of 2,000 training images at most"),
}
MARGIN: Final = 0.01  # one outlier in a hundred more or less passes for an image
_OUTLIERS: Final = "turned, scrambled, pixelwise drawn, inverted, faded and blank images"


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run on test images and outliers made of them, and on validation images likewise."""
    from aebench.measures.uses.detection import trials

    known = trials(context.inputs)
    found = {part: _scores(context, known, part) for part in known.parts}
    return [_measured({part: own[run] for part, own in found.items()}) for run in range(context.count)]


def _scores(context: Context, known: Trials, part: str) -> list[dict[str, Scores]]:
    """Scores of each kind of a part's images, run by run; none of a run whose codes aren't finite."""
    distinct, references = known.parts[part].distinct, known.references(part, context.latent_dim)
    found: list[dict[str, Scores]] = [{} for _ in range(context.count)]
    for kind, seen in known.seen(part).items():
        for run, scored in enumerate(context.evaluator.score(context.runs, seen)):
            gallery = context.train[0][run, known.gallery]
            own = _of_run(scored, gallery, known.log_probs(part)[kind]) if np.isfinite(gallery).all() else {}
            together = {**own, **references[kind]}
            found[run][kind] = {name: values[:distinct] for name, values in together.items()}
    return found


def _of_run(scored: Scored, gallery: np.ndarray, background: np.ndarray) -> Scores:
    from aebench.measures.uses.detection import nearest

    scores = {"reconstruction": scored.recon_nats, "codes": nearest(gallery, scored.codes)}
    if scored.distortions is not None and scored.rates is not None:
        cost = (scored.distortions + scored.rates).mean(axis=1, dtype=np.float64)
        scores |= {"likelihood": cost, "ratio": cost + background}
    return scores


def _measured(found: Mapping[str, dict[str, Scores]]) -> Measured:
    """Numbers of one run by the scores of its parts' kinds of images."""
    from aebench.measures.uses.detection import DATA, average_precision

    test = found["test"]
    areas, data = _areas(test), test[DATA]
    taken: dict[str, np.ndarray | float | None] = {}
    profiles: Profiles = {}
    for name, by_kind in areas.items():
        taken[f"anomaly_auroc_{name}"] = np.mean([*by_kind.values()], axis=0)
        taken[f"anomaly_auroc_simple_{name}"] = float(np.mean([by_kind[kind] for kind in SIMPLE]))
        taken[f"anomaly_ap_{name}"] = float(
            np.mean([average_precision(data[name], test[kind][name]) for kind in KINDS])
        )
        profiles[f"anomaly_auroc_{name}_by_kind"] = tuple(float(by_kind[kind].mean()) for kind in KINDS)
    if "validation" in found:
        means = {name: float(np.mean([*by_kind.values()])) for name, by_kind in _areas(found["validation"]).items()
                 if name in SCORES}  # fmt: skip
        if means:
            best = max(means, key=lambda name: means[name])
            taken |= {"anomaly_auroc": taken[f"anomaly_auroc_{best}"], "anomaly_auroc_validation": means[best]}
    return measured(taken, FAMILY.metrics, profiles)


def _areas(scores: Mapping[str, Scores]) -> dict[str, dict[str, np.ndarray]]:
    """The share of outliers that is stranger than each image, by score and kind; of scores without a NaN."""
    from aebench.measures.uses.detection import DATA, shares_above

    data = scores[DATA]
    return {
        name: {kind: shares_above(own, scores[kind][name]) for kind in KINDS}
        for name, own in data.items()
        if not any(np.isnan(scores[kind].get(name, np.nan)).any() for kind in scores)
    }


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
        ),
        "anomaly_auroc_validation": Metric(
            label="Anomalies, AUROC, validation split",
            unit="share",
            better="higher",
            about="the same of the validation split: what the best for anomalies, and its score, are chosen by",
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
