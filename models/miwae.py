"""The multiply importance-weighted autoencoder."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from aebench.models.base import register
from aebench.models.iwae import IWAE


@register("miwae", version=1)
class MIWAE(IWAE):
    """The mean of M bounds of K codes each (Rainforth et al. 2018).

    IWAE's M K codes, cut into M groups: a looser bound, whose gradient has less noise for its signal where the encoder
    is concerned. M = 1 is IWAE of K codes, K = 1 the mean of M negative ELBOs, each estimated at one code.

    Objective:
        -1/M Σ_m log 1/K Σ_k p(x|z_mk) (p(z_mk) / q(z_mk|x))^β, at β = 1 unless told otherwise

    Args:
        latent_dim: numbers in a code, >= 1.
        m: bounds for each image, >= 1; in the paper 1 to 64, with m k = 64.
        k: codes of each bound, >= 1; in the paper 1 to 64.
        **options: see `VAE`.

    Reference:
        Rainforth et al. 2018, "Tighter Variational Bounds are Not Necessarily Better", ICML, arXiv:1802.04537.
    """

    def __init__(self, latent_dim: int, *, m: int = 4, k: int = 4, **options: Any) -> None:
        super().__init__(latent_dim, k=k, **options)
        self.m = self.count("m", m)

    @property
    def draws(self) -> int:  # noqa: D102
        return self.m * self.k

    def bound(self, log_weights: Any) -> Any:  # noqa: D102
        groups = ops.reshape(log_weights, (-1, self.m, self.k))
        return math.log(self.k) - ops.mean(ops.logsumexp(groups, axis=2), axis=1)
