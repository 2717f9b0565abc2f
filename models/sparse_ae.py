"""The sparse autoencoder."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from aebench.models.ae import AE
from aebench.models.base import Terms, register
from aebench.models.distributions import PointCode

PENALTIES = ("kl", "l1")


@register("sparse-ae", version=1)
class SparseAE(AE):
    """An autoencoder each of whose codes has few active numbers (Ng 2011).

    A code is the sigmoid of a linear layer, so that each of its numbers is an activation from 0 to 1 whatever the
    encoder. Ng asks for a rare activation, of which a code wider than the image has many; here the code may be narrow.
    An activation's mean is that of the batch, where Ng takes all training images, and there is no decay of weights.

    Objective:
        D + weight Σ_j KL(ρ || ρ̂_j)    (D: distortion, in nats; KL of Bernoullis; ρ̂_j: mean activation j of the batch)
        D + weight Σ_j a_j             with penalty "l1", of the image's own activations a_j: ρ is not used

    Args:
        latent_dim: numbers in a code, >= 1.
        rho: activation ρ that the mean is drawn to, between 0 and 1; in the notes 0.05, in their exercise 0.01.
        weight: of the penalty, finite and >= 0; in the exercise 3 under half a squared error, which is about 12 under
            the four times steeper Bernoulli likelihood. The "l1" penalty wants some 0.3: at 1 no activation is left.
        penalty: "kl", as in the notes, or "l1".
        **options: see `Autoencoder`.

    Reference:
        Ng 2011, "Sparse autoencoder", CS294A lecture notes, Stanford University.
    """

    def __init__(
        self, latent_dim: int, *, rho: float = 0.05, weight: float = 10.0, penalty: str = "kl", **options: Any
    ) -> None:
        super().__init__(latent_dim, **options)
        self.rho, self.weight = self.scalar("rho", rho), self.scalar("weight", weight)
        self.penalty = self.choice("penalty", penalty, PENALTIES)
        if not 0.0 < rho < 1.0:
            raise ValueError(f"`rho` must be between 0 and 1. Received: rho={rho}")

    def logits(self, images: Any, training: bool = False) -> Any:
        """Log-odds of the activations, `(batch, latent_dim)`."""
        return self.mean_head(self.features(images, training))

    def encode(self, images: Any, training: bool = False) -> PointCode:  # noqa: D102
        return PointCode(ops.sigmoid(self.logits(images, training)))

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        logits = self.logits(images, training)
        codes = ops.sigmoid(logits)
        distortion = self.distortion(images, codes, training=training)
        sparsity = bernoulli_kl(self.rho, logits) if self.penalty == "kl" else ops.sum(codes, axis=-1)
        return Terms(objective=distortion + self.weight * sparsity, distortion=distortion)

    def diagnostics(self, images: Any, noise: keras.random.SeedGenerator) -> dict[str, Any]:  # noqa: ARG002
        """Mean activation of each image's code."""
        return {"code_activation": ops.mean(self.encode(images).mean, axis=-1)}


def bernoulli_kl(rho: Any, logits: Any) -> Any:
    """Σ_j KL(Bernoulli(ρ) || Bernoulli(ρ̂_j)), ρ̂_j the mean over the batch of sigmoid(logits): one number, in nats.

    From logarithms of means of both sigmoid(l) and 1 - sigmoid(l), so that neither is 0.
    """
    log_on, log_off = (_log_mean(ops.log_sigmoid(side * logits)) for side in (1.0, -1.0))
    return ops.sum(rho * (ops.log(rho) - log_on) + (1.0 - rho) * (ops.log(1.0 - rho) - log_off))


def _log_mean(logarithms: Any) -> Any:
    """Logarithm of the mean over the batch of numbers that are given by their logarithms."""
    return ops.logsumexp(logarithms, axis=0) - ops.log(ops.sum(ops.ones_like(logarithms), axis=0))
