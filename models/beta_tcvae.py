"""The VAE whose rate is taken apart in three."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import Terms, register
from aebench.models.distributions import gaussian_log_prob
from aebench.models.vae import VAE


@register("beta-tcvae", version=1)
class BetaTCVAE(VAE):
    """A VAE with weights of their own for the three parts of its rate (Chen et al. 2018).

    KL(q(z|x) || p(z)) is, in its mean over images, what codes tell of the image (MI), plus how much their numbers
    depend on each other (TC), plus how far each number is from the prior (DW). β > 1 weighs the second alone. q(z) is
    estimated from the batch by stratified sampling; the paper's weights depend on which image is last, and these are
    their mean over that. α = β = γ = 1 is the VAE, whatever the estimate: the objective adds (weight - 1) times each
    part to the KL in closed form, which has the paper's mean and less noise.

    Objective:
        D + α MI + β TC + γ DW,  MI = log q(z|x) - log q(z),  TC = log q(z) - Σ log q(z_j),  DW = Σ log q(z_j) / p(z_j)

    Args:
        latent_dim: numbers in a code, >= 1.
        alpha: weight of the index-code mutual information, finite and >= 0; in the paper 1, and 0.
        beta: weight of the total correlation, finite and >= 0; in the paper 1 to 15.
        gamma: weight of the dimension-wise KL, finite and >= 0; in the paper 1.
        dataset_size: how many images training has, >= 0; in the paper that number. At 0 the batch counts as the
            whole of them, whose gradients are those of the paper's minibatch weighted sampling for any number.
        **options: see `VAE`.

    Reference:
        Chen, Li, Grosse & Duvenaud 2018, "Isolating Sources of Disentanglement in Variational Autoencoders", NeurIPS,
        arXiv:1802.04942.
    """

    def __init__(
        self,
        latent_dim: int,
        *,
        alpha: float = 1.0,
        beta: float = 6.0,
        gamma: float = 1.0,
        dataset_size: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.alpha, self.gamma = self.scalar("alpha", alpha), self.scalar("gamma", gamma)
        self.dataset_size = self.count("dataset_size", dataset_size, least=0)

    @property
    def numbers_per_pair(self) -> int:  # noqa: D102
        return self.latent_dim

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        posterior = self.encode(images, training=training)
        codes = posterior.sample(self.noise)
        distortion, rate = self.distortion(images, codes, training=training), self.rate(posterior, codes)
        information, correlation, dimensions = self.parts(posterior, codes)
        extra = (self.alpha - 1.0) * information + (self.beta - 1.0) * correlation + (self.gamma - 1.0) * dimensions
        return Terms(
            objective=distortion + self.annealed(1.0, training) * (rate + extra), distortion=distortion, rate=rate
        )

    def parts(self, posterior: Any, codes: Any) -> tuple[Any, Any, Any]:
        """MI, TC and DW at `codes` drawn from `posterior`, each `(batch,)` nats: together log q(z|x) - log p(z)."""
        joint, marginals = self.log_aggregate(posterior, codes)
        own, prior = posterior.log_prob(codes), self.prior.log_prob(codes)
        return own - joint, joint - marginals, marginals - prior

    def log_aggregate(self, posterior: Any, codes: Any) -> tuple[Any, Any]:
        """Estimates of log q(z) and Σ log q(z_j) at each of `codes`, both `(batch,)` nats."""
        mean, log_var = posterior.mean[None, :, :, None], posterior.log_var[None, :, :, None]
        each = gaussian_log_prob(codes[:, None, :, None], mean, log_var)
        log_shares = ops.log(self.shares(ops.shape(codes)[0], codes.dtype))
        joint = ops.logsumexp(ops.sum(each, axis=-1) + log_shares, axis=1)
        return joint, ops.sum(ops.logsumexp(each + log_shares[:, :, None], axis=1), axis=-1)

    def shares(self, batch: Any, dtype: Any) -> Any:
        """The share of each image's posterior in q(z) at each image's code, `(batch, batch)`; rows add up to 1."""
        count = ops.cast(batch, dtype)
        size = ops.cast(self.dataset_size or batch, dtype)
        own, other = 1.0 / size, (size - 1.0) / (size * ops.maximum(count - 1.0, 1.0))
        return other + (own - other) * ops.eye(batch, dtype=dtype)
