"""The VAE whose codes' covariance is drawn to the identity."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import Terms, register
from aebench.models.vae import VAE


@register("dip-vae", version=1)
class DIPVAE(VAE):
    """A VAE with a penalty on the covariance of its codes over the data (Kumar, Sattigeri and Balakrishnan 2018).

    A disentangled code has uncorrelated numbers; second moments of a batch say how far it is from that, without a
    second network or a density of q(z). Kind "i" takes the covariance of the posterior means, kind "ii" that of the
    codes themselves, which adds the mean posterior variance to its diagonal. λ_od = λ_d = 0 is the VAE.

    Objective:
        D + β KL(q(z|x) || p(z)) + λ_od Σ_{i≠j} C_ij² + λ_d Σ_i (C_ii - 1)²    (C: covariance over the batch)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        lambda_od: weight of covariances, finite and >= 0; in the paper 1 to 500.
        lambda_d: weight of variances, finite and >= 0; in the paper 10 lambda_od for kind "i", lambda_od for "ii".
        kind: "i" or "ii", as in the paper.
        **options: see `VAE`.

    Reference:
        Kumar, Sattigeri & Balakrishnan 2018, "Variational Inference of Disentangled Latent Concepts from Unlabeled
        Observations", ICLR, arXiv:1711.00848.
    """

    def __init__(
        self,
        latent_dim: int,
        *,
        beta: float = 1.0,
        lambda_od: float = 10.0,
        lambda_d: float = 100.0,
        kind: str = "i",
        **options: Any,
    ) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.lambda_od, self.lambda_d = self.scalar("lambda_od", lambda_od), self.scalar("lambda_d", lambda_d)
        self.kind = self.choice("kind", kind, ("i", "ii"))

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        posterior = self.encode(images, training=training)
        codes = posterior.sample(self.noise)
        distortion, rate = self.distortion(images, codes, training=training), self.rate(posterior, codes)
        objective = distortion + self.annealed(self.beta, training) * rate + self.penalty(posterior)
        return Terms(objective=objective, distortion=distortion, rate=rate)

    def penalty(self, posterior: Any) -> Any:
        """λ_od Σ_{i≠j} C_ij² + λ_d Σ_i (C_ii - 1)² of a batch of Gaussian posteriors, a scalar."""
        centred = posterior.mean - ops.mean(posterior.mean, axis=0)
        covariance = ops.matmul(ops.transpose(centred), centred) / ops.cast(ops.shape(centred)[0], centred.dtype)
        variances = ops.mean(centred**2, axis=0)
        crossed = ops.sum((covariance * (1.0 - ops.eye(self.latent_dim, dtype=covariance.dtype))) ** 2)
        if self.kind == "ii":
            variances = variances + ops.mean(ops.exp(posterior.log_var), axis=0)
        return self.lambda_od * crossed + self.lambda_d * ops.sum((variances - 1.0) ** 2)
