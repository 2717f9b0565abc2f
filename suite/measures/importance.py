"""The importance-weighted likelihood: log p(x) by many weighted codes, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aebench.measures.bound import bits_per_dim
from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.records.kept import Latents

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.importance_bound import Importance


def measure(context: Context) -> Sequence[Measured]:
    """The likelihood by as many codes as it takes, where there is a density."""
    from aebench.measures.importance_bound import importance_bound

    settings, images = context.settings, context.inputs.test
    found = importance_bound(
        context.evaluator, context.runs, images, settings.nll_tolerance, settings.nll_budget, context.kept
    )
    return [Measured() if one is None else _measured(one, images.shape[1:]) for one in found]


def _measured(found: Importance, image_shape: tuple[int, ...]) -> Measured:
    nll = -float(found.log_likelihood.mean())
    return Measured(
        numbers={
            "nll_nats": nll,
            "nll_error_nats": found.error,
            "nll_codes": float(found.codes.mean()),
            "nll_bits_per_dim": bits_per_dim(nll, image_shape),
        },
        latents={Latents.NLL: -found.log_likelihood.astype("float32")},
    )


MARGIN = 0.5  # nats
CERTIFIED_BY = "nll_error_nats", MARGIN / 10

FAMILY = Family(
    name="importance",
    group="likelihood",
    measure=measure,
    metrics={
        "nll_nats": Metric(
            label="NLL",
            unit="nats/image",
            better="lower",
            about="-log p(x) by importance weighting of codes (Burda et al. 2016), of as many as it takes, from "
            "proposals fitted to each image's exact posterior where the encoder's is Gaussian or von Mises-Fisher (for "
            "Gaussian codes of one or two numbers, from the mixture of all images'): an upper bound in expectation, "
            "marked ≤ where it may be more than .05 nats too high",
            version=5,
            margin=MARGIN,
            kept=((Latents.NLL, 1.0),),
            certified_by=CERTIFIED_BY,
        ),
        "nll_error_nats": Metric(
            label="NLL, error",
            unit="nats/image",
            better=None,
            about="how far the NLL may be off: what is left of its bias, told by how it fell with more codes, and two "
            "standard errors of drawing them",
        ),
        "nll_codes": Metric(
            label="NLL, codes", unit="an image", better=None, about="codes that the NLL was taken with, mean of images"
        ),
        "nll_bits_per_dim": Metric(
            label="NLL, bits",
            unit="bits/dim",
            better="lower",
            about="NLL / (pixels × ln 2)",
            version=5,
            certified_by=CERTIFIED_BY,
        ),
    },
)
