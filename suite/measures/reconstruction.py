"""Reconstructions from the posterior mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.records.kept import Latents
from aebench.records.record import Numbers

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.evaluator import Scored


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run."""
    return [_measured(run, context) for run in context.scored]


def _measured(run: Scored, context: Context) -> Measured:
    means: Numbers = {
        name: float(np.mean(getattr(run, name), dtype=np.float64)) for name in ("recon_mse", "recon_nats")
    }
    return Measured(
        numbers=means,
        profiles={f"{name}_by_class": context.by_class(getattr(run, name)) for name in means},
        latents={Latents.MEAN: run.codes, Latents.RECON_MSE: run.recon_mse, Latents.RECON_NATS: run.recon_nats},
    )


def structure(context: Context) -> Sequence[Measured]:
    """Measures the structural similarity of each run's reconstructions."""
    found = [run.recon_ssim for run in context.scored if run.recon_ssim is not None]
    return [Measured(numbers={"recon_ssim": float(values.mean(dtype=np.float64))}) for values in found]


FAMILY = Family(
    name="reconstruction",
    group="likelihood",
    measure=measure,
    at_milestones=True,
    metrics={
        "recon_mse": Metric(
            label="Reconstruction MSE",
            unit="per pixel",
            better="lower",
            about="mean squared difference of the image and E[x|z] at the posterior mean",
            margin=0.001,
            kept=((Latents.RECON_MSE, 1.0),),
        ),
        "recon_nats": Metric(
            label="Reconstruction",
            unit="nats/image",
            better="lower",
            about="-log p(x|z) at the posterior mean",
            kept=((Latents.RECON_NATS, 1.0),),
        ),
    },
    profiles={
        "recon_mse_by_class": Metric(
            label="Reconstruction MSE by class",
            unit="per pixel",
            better="lower",
            about="mean over the class",
            per="class",
        ),
        "recon_nats_by_class": Metric(
            label="Reconstruction by class",
            unit="nats/image",
            better="lower",
            about="-log p(x|z) at the posterior mean, mean over the class",
            per="class",
        ),
    },
)

STRUCTURE = Family(
    name="structure",
    group="likelihood",
    measure=structure,
    at_milestones=True,
    needs_images=True,
    metrics={
        "recon_ssim": Metric(
            label="Reconstruction SSIM",
            unit="-1..1",
            better="higher",
            about="structural similarity of the image and E[x|z] at the posterior mean, 7x7 windows (Wang et al. 2004)",
        ),
    },
)
