"""Denoising: how near the reconstruction of a noisy image comes to the clean one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.measures.uses.taken import Taken, measured, per_image

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.uses.images import Part

NAME: Final = "denoising_mse"
# What it is held against: the end of the metric's name, how it is called, and what it is.
REFERENCES: Final = {
    "noisy": ("the noisy image", "reference: of the noisy image as it is"),
    "pca": ("PCA", "reference: of the noisy image on as many principal components, fitted on the training split"),
}
MARGIN: Final = 0.001  # as of reconstructions


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run on test and validation images with noise."""
    from aebench.measures.uses.images import images

    parts = images(context.inputs)
    own: list[dict[str, np.ndarray | float | None]] = [{NAME: errors} for errors in _errors(context, parts.test)]
    if parts.validation is not None:
        for taken, errors in zip(own, _errors(context, parts.validation), strict=True):
            taken[f"{NAME}_validation"] = float(errors.mean())
    shared = references(context)
    return [measured({**taken, **shared}, FAMILY.metrics) for taken in own]


def _errors(context: Context, part: Part) -> np.ndarray:
    """Mean squared error of each run's reconstruction of a part's noisy images, `(runs, distinct)`."""
    from aebench.measures.uses.spoiling import noisy

    found = context.evaluator.apply(reconstruction, context.runs, noisy(context.inputs, part))
    return _mse(found, part.seen)[:, : part.distinct]


def reconstruction(model: Any, images: Any) -> Any:
    """E[x|z] at the posterior mean."""
    return model(images)


def references(context: Context) -> Taken:
    """Errors of the noisy test images themselves, and of as many components."""
    from aebench.measures.uses.images import images
    from aebench.measures.uses.spoiling import noisy, on_components

    part = images(context.inputs).test
    seen = noisy(context.inputs, part)
    restored = on_components(context.inputs, context.latent_dim, seen)
    return {f"{NAME}_noisy": _mse(seen, part.seen), f"{NAME}_pca": _mse(restored, part.seen)}


def _mse(found: np.ndarray, clean: np.ndarray) -> np.ndarray:
    return np.asarray(np.mean((found - clean) ** 2, axis=(-3, -2, -1), dtype=np.float64))


_HOW: Final = (
    "mean squared difference of the clean image and E[x|z] at the posterior mean of the noisy one, in which one in ten "
    "binary pixels is turned over, or which has Gaussian noise of standard deviation .2 on grey pixels"
)

FAMILY = Family(
    name="denoising",
    group="uses",
    measure=measure,
    needs_images=True,
    metrics={
        NAME: Metric(
            label="Denoising, MSE",
            unit="per pixel",
            better="lower",
            about=_HOW,
            margin=MARGIN,
            kept=per_image(NAME),
        ),
        **{
            f"{NAME}_{key}": Metric(
                label=f"Denoising, MSE, {of}",
                unit="per pixel",
                better="lower",
                about=f"{what}; {_HOW}",
                kept=per_image(f"{NAME}_{key}"),
            )
            for key, (of, what) in REFERENCES.items()
        },
        f"{NAME}_validation": Metric(
            label="Denoising, MSE, validation split",
            unit="per pixel",
            better="lower",
            about="the same of the validation split: what the best for denoising is chosen by",
        ),
    },
)
