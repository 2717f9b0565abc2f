"""The ELBO of the training images, where a study asks for it, beside the best that a linear model can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.bound import evidence_bound
from aebench.measures.components import pca
from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric

if TYPE_CHECKING:
    from aebench.measures.context import Context


def probabilistic_pca(images: np.ndarray, components: int) -> float | None:
    """Mean log-likelihood of `images` under their own probabilistic PCA: what a linear Gaussian VAE can reach at best.

    Args:
        images: `(n, *image_shape)`.
        components: numbers in a code.

    Returns:
        Nats per image (Tipping & Bishop 1999; Lucas et al. 2019); `None` of images that are all alike, whose density
        has no bound.
    """
    flat = images.reshape(len(images), -1).astype("float64")
    return float(pca(flat, components).score(flat)) if np.ptp(flat, axis=0).any() else None


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run; says nothing unless the study asks for it."""
    draws, images = context.settings.train_elbo_draws, context.inputs.seen_train
    if not draws:
        return [Measured()] * context.count
    ppca = None if context.inputs.resample else probabilistic_pca(images, context.latent_dim)
    scored = context.evaluator.score(context.runs, images, draws)
    return [Measured(numbers={"elbo_train_nats": evidence_bound(run).elbo, "ppca_train_nats": ppca}) for run in scored]


FAMILY = Family(
    name="training_split",
    group="likelihood",
    measure=measure,
    metrics={
        "elbo_train_nats": Metric(
            label="ELBO, training data",
            unit="nats/image",
            better="higher",
            about="the ELBO of the training split, where a study asks for it",
        ),
        "ppca_train_nats": Metric(
            label="Probabilistic PCA, training data",
            unit="nats/image",
            better=None,
            about="reference: log-likelihood of the training split under its own probabilistic PCA with as many "
            "components, the optimum of a linear VAE (Lucas et al. 2019)",
        ),
    },
)
