"""ELBO split into distortion and rate, and reconstruction error, on one scale for every variant."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from suite.measure.evaluator import Scored


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


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Errors of E[x|z] at the posterior mean: squared error per pixel, and -log p(x|z) in nats per image."""

    mse: float
    nats: float


def reconstruction(scored: Scored) -> Reconstruction:
    """How well a run's images come back from their posterior means."""
    mse, nats = (float(np.mean(part, dtype=np.float64)) for part in (scored.recon_mse, scored.recon_nats))
    return Reconstruction(mse=mse, nats=nats)


def bits_per_dim(nats: float, image_shape: tuple[int, ...]) -> float:
    """`nats` per image, of a negative ELBO or log-likelihood, in bits per pixel and channel."""
    return nats / (math.prod(image_shape) * math.log(2.0))


def probabilistic_pca(images: np.ndarray, components: int) -> float:
    """Mean log-likelihood of `images` under their own probabilistic PCA: what a linear Gaussian VAE can reach at best.

    Args:
        images: `(n, *image_shape)`.
        components: numbers in a code.

    Returns:
        Nats per image (Tipping & Bishop 1999; Lucas et al. 2019).
    """
    from sklearn.decomposition import PCA

    flat = images.reshape(len(images), -1).astype("float64")
    return float(PCA(min(components, *flat.shape), svd_solver="covariance_eigh").fit(flat).score(flat))
