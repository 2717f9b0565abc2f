"""Imputation: how well missing pixels are filled in by going round encoder and decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.measures.packing import packed, unpacked
from aebench.measures.uses.taken import Taken, measured, per_image

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.uses.images import Part
    from aebench.records.keeping import Piece

MASKS: Final = {"half": "lower half", "random": "half of the pixels at random"}
ERRORS: Final = {
    "mse": ("MSE", "per missing pixel", "mean squared difference of missing pixels and their estimate"),
    "nats": (
        "nats",
        "nats/image",
        "-log of the probability that the estimate gives to the missing pixels, each by itself; of binary pixels alone",
    ),
}
# What it is held against: the end of the metric's name, how it is called, and what it is.
REFERENCES: Final = {
    "mean": ("mean image", "reference: the mean training image"),
    "neighbours": (
        "neighbours",
        "reference: the mean of the 10 training images (of 10,000 at most) that are nearest where pixels are there",
    ),
    "pca": ("PCA", "reference: what probabilistic PCA with as many components expects, given the pixels there"),
}
MARGINS: Final = {"mse": 0.002, "nats": 0.5}  # of half the pixels, twice what of all of them makes none; as of the ELBO
MAIN: Final = "imputation_mse_half"
_HOW: Final = (
    "estimates are means of E[x|z] over steps 11 to 20 of encoding, drawing a code, decoding and filling in "
    "(pseudo-Gibbs, Rezende et al. 2014), from the mean image on; a point code is not drawn"
)


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run on test images, and the main measure on validation images."""
    from aebench.measures.uses.completion import gaps
    from aebench.measures.uses.images import images

    known, parts = gaps(context.inputs), images(context.inputs)
    shared: dict[str, np.ndarray] = {}
    found: list[dict[str, np.ndarray | float | None]] = [{} for _ in range(context.count)]
    figures: list[dict[str, np.ndarray]] = [{} for _ in range(context.count)]
    for mask in MASKS:
        for name, errors in known.references(mask, context.latent_dim).items():
            shared |= {f"imputation_{what}_{mask}_{name}": values for what, values in errors.items()}
        of_test = partial(_tried, context, parts.test, mask, drawn=mask == "half")
        tried = unpacked(context.kept(f"imputation/{mask}", of_test))
        for taken, pictures, own in zip(found, figures, tried, strict=True):
            taken |= own.latents
            pictures |= own.figures
    if parts.validation is not None:
        of_validation = partial(_tried, context, parts.validation, "half", drawn=False)
        tried = unpacked(context.kept("imputation/validation", of_validation))
        for taken, own in zip(found, tried, strict=True):
            taken[f"{MAIN}_validation"] = float(own.latents[MAIN].mean())
    return [
        replace(measured(_finite({**taken, **shared}), FAMILY.metrics), figures=pictures)
        for taken, pictures in zip(found, figures, strict=True)
    ]


def _tried(context: Context, part: Part, mask: str, *, drawn: bool) -> Piece:
    """Errors of each image of a part by each run, and, where they are `drawn`, pictures of those that are pictured."""
    from aebench.measures.uses.completion import gaps
    from aebench.measures.uses.shown import filled

    known, found = gaps(context.inputs), []
    for run, estimates in enumerate(_estimates(context, part, mask)):
        errors = {f"imputation_{what}_{mask}": values for what, values in known.errors(part, mask, estimates).items()}
        shown = drawn and context.members[run].pictured and np.isfinite(estimates).all()
        found.append(
            Measured(latents=errors, figures=filled(part.seen, known.missing(mask), estimates) if shown else {})
        )
    return packed(found)


def _estimates(context: Context, part: Part, mask: str) -> np.ndarray:
    """Estimates of a part's images by each run, `(runs, count, *image_shape)`."""
    from aebench.measures.uses.completion import gaps
    from aebench.measures.uses.gibbs import gibbs, states

    missing = gaps(context.inputs).missing(mask)
    gone = np.concatenate([part.seen, missing], axis=-1)
    start = context.inputs.train_mean[None].astype("float32")
    return context.evaluator.apply(gibbs(context.inputs.resample), context.runs, gone, start, states(mask))


def _finite(taken: Taken) -> Taken:
    """What is finite: a decoder may run away when it is fed with its own images."""
    return {name: value for name, value in taken.items() if value is not None and np.isfinite(value).all()}


def _metrics() -> dict[str, Metric]:
    found = {}
    for mask, where in MASKS.items():
        for what, (label, unit, about) in ERRORS.items():
            name, title = f"imputation_{what}_{mask}", f"Imputation of the {where}, {label}"
            found[name] = Metric(
                label=title,
                unit=unit,
                better="lower",
                about=f"{about}; {where} missing; {_HOW}",
                margin=MARGINS[what],
                kept=per_image(name),
            )
            for key, (of, reference) in REFERENCES.items():
                found[f"{name}_{key}"] = Metric(
                    label=f"{title}, {of}",
                    unit=unit,
                    better="lower",
                    about=f"{reference}; {about}; {where} missing",
                    kept=per_image(f"{name}_{key}") if name == MAIN else (),
                )
    return found


FAMILY = Family(
    name="imputation",
    group="uses",
    measure=measure,
    needs_images=True,
    metrics={
        **_metrics(),
        f"{MAIN}_validation": Metric(
            label="Imputation of the lower half, MSE, validation split",
            unit="per missing pixel",
            better="lower",
            about="the same of the validation split: what the best for imputation is chosen by",
        ),
    },
)
