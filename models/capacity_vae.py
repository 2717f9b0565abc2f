"""The VAE with controlled capacity."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import Terms, register
from aebench.models.vae import VAE


@register("capacity-vae", version=1)
class CapacityVAE(VAE):
    """VAE whose rate is held at a capacity that grows while it trains (Burgess et al. 2018).

    With little capacity the codes take up first what lowers the distortion most, and new factors as C allows: meant to
    disentangle without a β-VAE's blur. The paper's γ is `beta` here, the weight of the rate. As in its equation 8 each
    image's own rate is drawn to C; disentanglement_lib draws a batch's mean.

    Objective:
        D + β |KL(q(z|x) || p(z)) - C|,  C = capacity min(t / rise, 1)  (t: share of the training that is done)

    Args:
        latent_dim: numbers in a code, >= 1.
        capacity: what C comes to, in nats, finite and >= 0; in the paper 25.
        rise: share of the training in which it does, finite and >= 0; above 1, training ends before. In the paper
            100,000 steps.
        beta: the paper's γ, finite and >= 0; in the paper 1000, on images of 64 x 64 pixels. On 8 x 8 it drowns the
            distortion.
        **options: see `VAE`.

    Reference:
        Burgess et al. 2018, "Understanding disentangling in β-VAE", arXiv:1804.03599.
    """

    is_scheduled = True

    def __init__(
        self, latent_dim: int, *, capacity: float = 25.0, rise: float = 0.5, beta: float = 100.0, **options: Any
    ) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.capacity = self.scalar("capacity", capacity)
        self.rise = self.scalar("rise", rise)

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        terms = super().terms(images, training)
        share = ops.minimum(self.progress(training) / ops.maximum(self.rise, 1e-6), 1.0)
        excess = ops.abs(terms.rate - self.capacity * share)
        objective = terms.distortion + self.annealed(self.beta, training) * excess
        return Terms(objective=objective, distortion=terms.distortion, rate=terms.rate)
