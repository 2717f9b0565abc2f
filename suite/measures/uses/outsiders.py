"""Anomaly detection on real outliers: images of a class that was not trained on, and of other data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.measures.uses.anomalies import MARGIN, PARTS, REFERENCES, SCORES, with_pictures
from aebench.measures.uses.taken import measured, per_image
from aebench.records.record import Profiles

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.uses.detection import Scores

UNSEEN: Final = "unseen_class"
OTHER: Final = "other_set"
_OUTLIERS: Final = {
    UNSEEN: "images of the class that the run was trained without, each seed without another; data are test images of "
    "the others",
    OTHER: "test images of the data sets that the study names as outlier_sets, mean over them",
}


def measure_unseen(context: Context) -> Sequence[Measured]:
    """Measures each run on test images of the class that it did not see; nothing where all were trained on."""
    from aebench.measures.uses.trials import scores, trials

    if context.inputs.unseen_class is None:
        return [Measured()] * context.count
    known = trials(context.inputs)
    found = {
        part: scores(context, trial, f"{UNSEEN}/{part}")
        for part in PARTS
        if (trial := known.of_unseen_class(part)) is not None
    }
    by_run = [{part: own[run] for part, own in found.items()} for run in range(context.count)]
    trial = known.of_unseen_class("test")
    return [with_pictures(_measured(UNSEEN, own), context, run, trial, own) for run, own in enumerate(by_run)]


def measure_other(context: Context) -> Sequence[Measured]:
    """Measures each run on test images of the data sets that the study names; nothing where it names none."""
    from aebench.measures.uses.trials import scores, trials

    sets = context.settings.outlier_sets
    if not sets:
        return [Measured()] * context.count
    known = trials(context.inputs)
    found = {
        part: scores(context, trial, f"{OTHER}/{part}")
        for part in PARTS
        if (trial := known.of_other_sets(part, sets)) is not None
    }
    return [_measured(OTHER, {part: own[run] for part, own in found.items()}) for run in range(context.count)]


def _measured(which: str, found: Mapping[str, Mapping[str, Scores]]) -> Measured:
    """Numbers of one run by the scores of its parts' kinds of images."""
    from aebench.measures.uses.trials import areas, best_on_validation, precisions

    by_score = areas(found["test"])
    taken: dict[str, np.ndarray | float | None] = {
        f"{which}_auroc_{name}": np.mean([*by_kind.values()], axis=0) for name, by_kind in by_score.items()
    }
    taken |= {f"{which}_ap_{name}": value for name, value in precisions(found["test"], [*by_score]).items()}
    profiles: Profiles = {
        f"{which}_auroc_{name}_by_set": tuple(float(values.mean()) for values in by_kind.values())
        for name, by_kind in by_score.items()
        if which == OTHER
    }
    if "validation" in found and (best := best_on_validation(found["validation"], [*SCORES])):
        taken |= {f"{which}_auroc": taken.get(f"{which}_auroc_{best[0]}"), f"{which}_auroc_validation": best[1]}
    return measured(taken, FAMILIES[which].metrics, profiles)


def _family(which: str, label: str, validation: str, measure: object) -> Family:
    """A family of one sort of outliers; other images than the next run's have no values of single images to pair."""
    kept = per_image if which == OTHER else lambda _: ()
    outliers = _OUTLIERS[which]
    metrics = {
        f"{which}_auroc": Metric(
            label=f"{label}, AUROC",
            unit="share",
            better="higher",
            about="how often an outlier scores higher than a test image, by the score that does best on the validation "
            f"split, where outliers have to be known; outliers: {outliers}",
            margin=MARGIN,
            kept=kept(f"{which}_auroc"),
        ),
        f"{which}_auroc_validation": Metric(
            label=f"{label}, AUROC, validation split",
            unit="share",
            better="higher",
            about=f"the same of the validation split, {validation}: what the best, and its score, are chosen by",
        ),
    }
    for name, (by, about) in (SCORES | REFERENCES).items():
        metrics[f"{which}_auroc_{name}"] = Metric(
            label=f"{label} {by}, AUROC",
            unit="share",
            better="higher",
            about=f"how often an outlier scores higher than a test image, {about}; outliers: {outliers}",
            margin=MARGIN if name in SCORES else None,
            kept=kept(f"{which}_auroc_{name}"),
        )
        metrics[f"{which}_ap_{name}"] = Metric(
            label=f"{label} {by}, average precision",
            unit="share",
            better="higher",
            about=f"mean share of outliers among what is at least as strange as each outlier, {about}; chance is the "
            f"share of outliers; outliers: {outliers}",
        )
    profiles = {
        f"{which}_auroc_{name}_by_set": Metric(
            label=f"{label} {by}, AUROC by data set",
            unit="share",
            better="higher",
            about=f"{about}; in the order in which the study names them",
            per="data set of outliers",
        )
        for name, (by, about) in (SCORES | REFERENCES).items()
        if which == OTHER
    }
    return Family(
        name=which,
        group="uses",
        measure=measure,  # type: ignore[arg-type]
        needs_images=True,
        on_request=True,
        metrics=metrics,
        profiles=profiles,
    )


FAMILIES: Final = {
    UNSEEN: _family(
        UNSEEN, "Anomalies of an unseen class", "with its images of the class that is left out", measure_unseen
    ),
    OTHER: _family(OTHER, "Anomalies of other data sets", "and of theirs", measure_other),
}
