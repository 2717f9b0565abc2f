"""Robustness: how many classes a linear probe still tells when images have noise, are turned or moved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Better, Metric
from aebench.measures.uses.taken import Taken, measured, named, shares

if TYPE_CHECKING:
    from aebench.data.pixels import Inputs
    from aebench.measures.context import Context
    from aebench.measures.uses.images import Part

SHIFTS: Final = {
    "noise": ("noise", "one in ten binary pixels turned over, or Gaussian noise of .2 on grey ones"),
    "rotation": ("turned", "turned by 15 degrees either way"),
    "translation": ("moved", "moved by a fourteenth of a side, and at least a pixel, up, down, left or right"),
}
REFERENCES: Final = {
    "pixels": ("pixels", "reference: of the raw pixels that the models saw"),
    "pca": ("PCA", "reference: of as many principal components of the same pixels, fitted on the training split"),
}
MARGIN: Final = 0.01
MAIN: Final = "shift_accuracy"


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run's codes; nothing without labels or of a single class."""
    from aebench.measures.uses.images import images
    from aebench.measures.uses.representations import has_classes

    data = context.inputs
    if not has_classes(data):
        return [Measured()] * context.count
    parts = images(data)
    references = {**_of_pixels(data), **_of_components(data, context.latent_dim)}
    own = _of_runs(context, parts.test)
    validation: list[Taken] = [{}] * context.count
    if parts.validation is not None and parts.validation.labels is not None:
        validation = [
            {f"{MAIN}_validation": float(np.mean(taken[MAIN])) if taken else None}  # type: ignore[arg-type]
            for taken in _of_runs(context, parts.validation)
        ]
    return [
        measured({**taken, **references, **chosen}, FAMILY.metrics)
        for taken, chosen in zip(own, validation, strict=True)
    ]


def _of_runs(context: Context, part: Part) -> list[Taken]:
    encode = context.evaluator.representations
    codes = {kind: encode(context.runs, seen) for kind, seen in shifted(context.inputs, part).items()}
    return [
        told(context.inputs, part, context.train[0][run], {kind: own[run] for kind, own in codes.items()})
        for run in range(context.count)
    ]


@cache
def _of_pixels(inputs: Inputs) -> Taken:
    """What pixels of test images tell; once for all cohorts of a process, as it takes long."""
    part, train, shown = _flat(inputs)
    return named(told(inputs, part, train, shown), "pixels")


@cache
def _of_components(inputs: Inputs, latent_dim: int) -> Taken:
    """What components of the same images tell."""
    from aebench.measures.uses.spoiling import components

    part, train, shown = _flat(inputs)
    project = components(inputs, latent_dim).transform
    on_them = {kind: project(one) for kind, one in shown.items()}
    return named(told(inputs, part, project(train), on_them), "pca")


def _flat(inputs: Inputs) -> tuple[Part, np.ndarray, dict[str, np.ndarray]]:
    """Test images; pixels `(n, pixels)` of the training images, and of test images by kind of shift."""
    from aebench.measures.uses.images import images

    part = images(inputs).test
    shown = {kind: one.reshape(len(one), -1) for kind, one in shifted(inputs, part).items()}
    return part, inputs.seen_train.reshape(len(inputs.seen_train), -1), shown


def shifted(inputs: Inputs, part: Part) -> dict[str, np.ndarray]:
    """What models see of a part's images: as they are, and after each shift."""
    from aebench.measures.uses.spoiling import moved, noisy, rotated

    return {
        "clean": part.seen,
        "noise": noisy(inputs, part),
        "rotation": rotated(inputs, part),
        "translation": moved(inputs, part),
    }


def told(inputs: Inputs, part: Part, train: np.ndarray, codes: dict[str, np.ndarray]) -> Taken:
    """Whether a probe of clean training codes tells the class of each of a part's images after each shift.

    Args:
        inputs: with labels.
        part: whose images.
        train: codes `(n, d)` of the training images.
        codes: of the part's images, `(count, d)`, by kind.

    Returns:
        By metric, `(distinct,)`; nothing of codes that aren't finite.
    """
    from aebench.measures.uses.discriminant import predicted

    assert inputs.train_labels is not None
    assert part.labels is not None
    if not all(np.isfinite(one).all() for one in (train, *codes.values())):
        return {}
    everything = np.arange(len(train))[None]
    classes = predicted(train, inputs.train_labels, everything, np.concatenate([*codes.values()]))[0]
    right = dict(zip(codes, np.split(classes, len(codes)), strict=True))
    found = {kind: (own == part.labels)[: part.distinct].astype("float64") for kind, own in right.items()}
    after = [found[kind] for kind in SHIFTS]
    return {
        **{f"{MAIN}_{kind}": found[kind] for kind in SHIFTS},
        MAIN: np.mean(after, axis=0),
        "shift_drop": found["clean"] - np.mean(after, axis=0),
    }


_PROBE: Final = (
    "share of test images, at most 2,000, that a linear classifier (linear discriminant analysis), fitted to all clean "
    "training images, gets right"
)
_MEASURES: Final[dict[str, tuple[str, Better, str]]] = {
    MAIN: ("Accuracy under shift", "higher", f"{_PROBE} after noise, rotation and translation, mean of the three"),
    **{
        f"{MAIN}_{kind}": (f"Accuracy under shift, {label}", "higher", f"{_PROBE} when {what}")
        for kind, (label, what) in SHIFTS.items()
    },
    "shift_drop": ("Accuracy lost under shift", "lower", f"{_PROBE}: of clean images less that of shifted ones, mean"),
}


def _metrics(name: str, label: str, better: Better, about: str) -> dict[str, Metric]:
    return shares(name, label, about, REFERENCES, better=better, margin=MARGIN, main=name == MAIN)


FAMILY = Family(
    name="robustness",
    group="uses",
    measure=measure,
    needs_images=True,
    needs_labels=True,
    metrics={
        **{key: metric for name, words in _MEASURES.items() for key, metric in _metrics(name, *words).items()},
        f"{MAIN}_validation": Metric(
            label="Accuracy under shift, validation split",
            unit="share",
            better="higher",
            about="the same of the validation split: what the best under shift is chosen by",
        ),
    },
)
