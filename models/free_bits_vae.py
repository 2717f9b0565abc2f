"""The VAE with free bits."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import Terms, register
from aebench.models.distributions import gaussian_kl
from aebench.models.vae import VAE


@register("free-bits-vae", version=1)
class FreeBitsVAE(VAE):
    """VAE that lets every latent dimension carry some information for free (Kingma et al. 2016).

    A dimension whose mean rate over the batch is below `free_bits` nats isn't pushed further down, and so doesn't
    collapse early in training. The paper counts groups of latent variables, here each dimension is one. 0 is the VAE,
    its rate averaged over the batch.

    Objective:
        D + β Σ_j max(λ, mean over the batch of KL(q(z_j|x) || p(z_j)))  (λ: `free_bits`)

    Args:
        latent_dim: numbers in a code, >= 1.
        free_bits: nats of a dimension that cost nothing, finite and >= 0; in the paper 0.125 to 2 for a group.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        **options: see `VAE`.

    Reference:
        Kingma et al. 2016, "Improving Variational Inference with Inverse Autoregressive Flow", NeurIPS,
        arXiv:1606.04934.
    """

    def __init__(self, latent_dim: int, *, free_bits: float = 0.25, beta: float = 1.0, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.free_bits = self.scalar("free_bits", free_bits)

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        posterior = self.encode(images, training=training)
        distortion = self.distortion(images, posterior.sample(self.noise), training=training)
        rates = gaussian_kl(posterior.mean[..., None], posterior.log_var[..., None])
        paid = ops.sum(ops.maximum(ops.mean(rates, axis=0), self.free_bits))
        objective = distortion + self.annealed(self.beta, training) * paid
        return Terms(objective=objective, distortion=distortion, rate=ops.sum(rates, axis=1))
