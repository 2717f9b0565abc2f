"""Mixtures of Gaussians over codes, which several variants learn as their prior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from aebench.models.distributions import DiagonalGaussian


@dataclass(frozen=True)
class GaussianMixture:
    """Σ w_k N(mean_k, diag exp(log_var_k)).

    Attributes:
        mean, log_var: of each component, `(components, latent_dim)`.
        log_weights: log w_k, `(components,)`; for `log_prob` alone also `(batch, components)`, others for each code.
    """

    mean: Any
    log_var: Any
    log_weights: Any

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` codes, `(count, latent_dim)`, each from a component drawn by its weight."""
        place = keras.random.uniform((count, 1), dtype=self.mean.dtype, seed=noise)
        passed = place >= ops.cumsum(ops.exp(self.log_weights))[:-1]
        which = ops.sum(ops.cast(passed, "int32"), axis=1)
        chosen = (ops.take(part, which, axis=0) for part in (self.mean, self.log_var))
        return DiagonalGaussian(*chosen).sample(noise)

    def log_prob(self, z: Any) -> Any:
        """log p(z) for codes `(batch, latent_dim)`, `(batch,)` nats.

        Squares are taken apart into matrix products, many times as fast as differences of all codes and components and
        without their memory; they are rounded as (|z| + |mean|)² / variance is.
        """
        precision = ops.exp(-self.log_var)
        products = ops.matmul(z**2, ops.transpose(precision))
        products -= 2.0 * ops.matmul(z, ops.transpose(self.mean * precision))
        own = ops.sum(self.mean**2 * precision + self.log_var + math.log(2.0 * math.pi), axis=-1)
        return ops.logsumexp(self.log_weights - 0.5 * (products + own), axis=-1)
