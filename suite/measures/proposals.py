"""What codes are drawn from to weigh them: for each image a distribution fitted to its exact posterior. No Keras."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 2  # times that proposals are improved
WIDEST = 128  # numbers in a code: of more, matrices are too large, and codes come from the encoder's posteriors
CURVATURES = 0.1, 10.0  # least and most of a direction, in the present proposal's units: further off it isn't trusted
FURTHEST = 2.0  # that a centre is moved in a round, in the present proposal's units
WIDER = 1.1  # times as wide proposals are in the end, since weights from too narrow ones are worse than from too wide
DEGREES = 20  # of freedom of the t-distribution, even
FAR = 0.125, 6.0  # share of codes that are drawn from one so many times as wide, to meet modes that lie elsewhere


@dataclass(frozen=True)
class Proposals:
    """Centres and spreads of proposals for the codes of images, in units of the encoder's posteriors.

    A code lies at shift + factor e, e being standard: of a Gaussian posterior it is mean + sd (shift + factor e).

    Attributes:
        shift: `(n, dimension)` float32; so many numbers say where a code lies.
        factor: lower triangular, `(n, dimension, dimension)` float32.
    """

    shift: np.ndarray
    factor: np.ndarray

    @classmethod
    def as_encoded(cls, count: int, dimension: int) -> Proposals:
        """The encoder's own posteriors of `count` images."""
        eye = np.eye(dimension, dtype="float32")
        return cls(np.zeros((count, dimension), "float32"), np.tile(eye, (count, 1, 1)))

    def of(self, places: np.ndarray) -> Proposals:
        """Those of the images at `places`."""
        return Proposals(self.shift[places], self.factor[places])

    @classmethod
    def joined(cls, parts: Sequence[Proposals]) -> Proposals:
        """Those of several lots of images, one after the other."""
        return cls(np.concatenate([one.shift for one in parts]), np.concatenate([one.factor for one in parts]))

    def widened(self) -> Proposals:
        """All `WIDER` times as wide."""
        return Proposals(self.shift, np.float32(WIDER) * self.factor)

    def improved(self, slope: np.ndarray, turn: np.ndarray) -> Proposals:
        """A step towards the Gaussian q of the least KL(q || p(z|x)).

        There E_q[∇ log p(x, z)] = 0 and E_q[-∇² log p(x, z)] is the inverse of q's covariance (Opper & Archambeau
        2009), with E_q[∇²] = E_q[∇ eᵀ] by Stein's identity: this is Newton's step of both (Khan & Rue 2023), with the
        curvature averaged over as wide a part of the posterior as q covers.

        Args:
            slope: E_q[∇ log p(x, z)] in the encoder's units, `(n, dimension)`.
            turn: E_q[∇ log p(x, z) eᵀ], `(n, dimension, dimension)`.
        """
        factor, size = self.factor.astype(float), self.factor.shape[1]
        across = np.swapaxes(factor, 1, 2)
        uphill, curvature = (across @ slope[:, :, None])[:, :, 0], -across @ turn
        finite = np.isfinite(uphill).all(axis=1) & np.isfinite(curvature).all(axis=(1, 2))
        uphill = np.where(finite[:, None], uphill, 0.0)
        curvature = np.where(finite[:, None, None], 0.5 * (curvature + np.swapaxes(curvature, 1, 2)), np.eye(size))
        values, axes = np.linalg.eigh(curvature)
        covariance = (axes / np.clip(values, *CURVATURES)[:, None]) @ np.swapaxes(axes, 1, 2)
        step = (covariance @ uphill[:, :, None])[:, :, 0]
        step *= np.minimum(1.0, FURTHEST / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), FURTHEST))
        shift = self.shift + (factor @ step[:, :, None])[:, :, 0]
        return Proposals(shift.astype("float32"), (factor @ np.linalg.cholesky(covariance)).astype("float32"))


def directions(dimension: int, seed: int) -> np.ndarray:
    """Points whose mean and covariance are a standard Gaussian's: both ways along axes that are turned at random.

    As far from 0 as most of a Gaussian is, √dimension: means over them of polynomials up to the third degree are exact
    (spherical-radial cubature, Arasaratnam & Haykin 2009).

    Returns:
        `(2 dimension, dimension)` float32.
    """
    axes, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((dimension, dimension)))
    return math.sqrt(dimension) * np.concatenate([axes, -axes]).astype("float32")
