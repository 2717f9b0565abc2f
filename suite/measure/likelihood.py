"""ELBO split into distortion and rate, and reconstruction error, on one scale for every variant."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from suite.measure.evaluator import Evaluator
from suite.weights import Weights

DRAWS = 16


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Per-image distortion and rate `(n,)` in nats, means over `DRAWS` codes, and the Monte Carlo error of their sum.

    `rate` and `mc_se` are `None` without a posterior (a point code has neither rate nor noise).
    """

    distortion: np.ndarray
    rate: np.ndarray | None
    mc_se: float | None

    @property
    def elbo(self) -> float | None:
        """-(D + R) at β = 1, mean over images, nats; `None` without a rate."""
        return None if self.rate is None else -float(np.mean(self.distortion + self.rate, dtype=np.float64))


def evidence_bound(evaluator: Evaluator, weights: Weights, images: np.ndarray) -> Bound:
    """Distortion and rate of `images` with codes drawn from the posterior.

    Args:
        evaluator: the cohort's compiled model.
        weights: of one run.
        images: `(n, *image_shape)` as its likelihood wants them.
    """
    if not evaluator.has_posterior:
        codes = evaluator.representation(weights, images)
        return Bound(distortion=evaluator.distortion_at(weights, images, codes), rate=None, mc_se=None)
    draws = [evaluator.bound(weights, images, draw) for draw in range(DRAWS)]
    distortion, rate = (np.stack(parts).mean(axis=0, dtype=np.float64) for parts in zip(*draws, strict=True))
    totals = [np.mean(sum(draw), dtype=np.float64) for draw in draws]
    return Bound(distortion=distortion, rate=rate, mc_se=float(np.std(totals, ddof=1) / math.sqrt(DRAWS)))


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Errors of E[x|z] at the posterior mean: squared error per pixel, and -log p(x|z) in nats per image."""

    mse: float
    nats: float


def reconstruction(evaluator: Evaluator, weights: Weights, images: np.ndarray, codes: np.ndarray) -> Reconstruction:
    """How well `images` `(n, *image_shape)` come back from their posterior means `codes` `(n, latent_dim)`."""
    errors = (evaluator.images(weights, codes) - images) ** 2
    nats = evaluator.distortion_at(weights, images, codes)
    return Reconstruction(mse=float(np.mean(errors, dtype=np.float64)), nats=float(np.mean(nats, dtype=np.float64)))


def bits_per_dim(elbo: float, image_shape: tuple[int, ...]) -> float:
    """-ELBO in bits per pixel and channel."""
    return -elbo / (math.prod(image_shape) * math.log(2.0))
