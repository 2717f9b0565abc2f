"""The ELBO, split into distortion and rate, on one scale for every variant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.records.kept import Latents

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.evaluator import Scored


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Per-image distortion and rate `(n,)` in nats, means over draws of codes, and the Monte Carlo error of their sum.

    `rate` and `mc_se` are `None` without a posterior (a point code has neither rate nor noise).
    """

    distortion: np.ndarray
    rate: np.ndarray | None
    mc_se: float | None

    @property
    def elbo(self) -> float | None:
        """-(D + R) at β = 1, mean over images, nats; `None` without a rate."""
        return None if self.rate is None else -float(np.mean(self.distortion + self.rate, dtype=np.float64))


def evidence_bound(scored: Scored) -> Bound:
    """Distortion and rate of a run's images with codes drawn from the posterior."""
    if scored.distortions is None or scored.rates is None:
        return Bound(distortion=scored.recon_nats, rate=None, mc_se=None)
    distortion, rate = (part.mean(axis=1, dtype=np.float64) for part in (scored.distortions, scored.rates))
    totals = (scored.distortions + scored.rates).mean(axis=0, dtype=np.float64)
    error = float(np.std(totals, ddof=1)) / math.sqrt(scored.rates.shape[1])
    return Bound(distortion=distortion, rate=rate, mc_se=error)


def bits_per_dim(nats: float, image_shape: tuple[int, ...]) -> float:
    """`nats` per image, of a negative ELBO or log-likelihood, in bits per pixel and channel."""
    return nats / (math.prod(image_shape) * math.log(2.0))


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run."""
    return [_measured(evidence_bound(run), context.inputs.test.shape[1:]) for run in context.scored]


def _measured(bound: Bound, image_shape: tuple[int, ...]) -> Measured:
    latents = {Latents.DISTORTION: bound.distortion.astype("float32")}
    if bound.rate is not None:
        latents[Latents.RATE] = bound.rate.astype("float32")
    return Measured(
        numbers={
            "elbo_nats": bound.elbo,
            "elbo_nats_mc_se": bound.mc_se,
            "elbo_bits_per_dim": None if bound.elbo is None else bits_per_dim(-bound.elbo, image_shape),
            "distortion_nats": float(bound.distortion.mean(dtype=np.float64)),
            "rate_nats": None if bound.rate is None else float(bound.rate.mean()),
        },
        latents={str(name): values for name, values in latents.items()},
    )


FAMILY = Family(
    name="bound",
    group="likelihood",
    measure=measure,
    at_milestones=True,
    metrics={
        "elbo_nats": Metric(
            label="ELBO",
            unit="nats/image",
            better="higher",
            about="-(distortion + rate) at β = 1, whatever β the run was trained with",
            margin=0.5,  # as far as two careful reproductions of one published model lie apart
            kept=((Latents.DISTORTION, -1.0), (Latents.RATE, -1.0)),
        ),
        "elbo_nats_mc_se": Metric(
            label="ELBO Monte Carlo error",
            unit="nats/image",
            better=None,
            about="standard error of the ELBO that comes from drawing codes",
        ),
        "elbo_bits_per_dim": Metric(
            label="ELBO, negative", unit="bits/dim", better="lower", about="-ELBO / (pixels × ln 2)"
        ),
        "distortion_nats": Metric(
            label="Distortion",
            unit="nats/image",
            better="lower",
            about="E_q[-log p(x|z)], 16 codes drawn from each image's posterior",
            kept=((Latents.DISTORTION, 1.0),),
        ),
        "rate_nats": Metric(
            label="Rate",
            unit="nats/image",
            better=None,
            about="KL(q(z|x) || p(z)), mean over images: what the code costs",
            kept=((Latents.RATE, 1.0),),
        ),
    },
)
