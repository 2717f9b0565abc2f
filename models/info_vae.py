"""The VAE that weighs each image's rate and the codes' distance from the prior apart."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import Terms, register
from aebench.models.mmd import NUMBERS_PER_PAIR, unbiased_mmd
from aebench.models.vae import VAE


@register("info-vae", version=1)
class InfoVAE(VAE):
    """A VAE that may keep more information in its codes, which match the prior together (Zhao et al. 2019).

    α takes from the rate of each image, which is what makes codes say little; λ adds a penalty on the codes of a batch
    as a whole. α = 0, λ = 1 is the VAE; α = 1 has no rate at all, as WAE-MMD, with a Gaussian posterior. The paper
    requires α <= 1: above, the rate is rewarded without bound. Deviations: the discrepancy is WAE-MMD's, without bias,
    where the paper has one Gaussian kernel, and β (see `VAE`), 1 in the paper, multiplies 1 - α.

    Objective:
        D + (1 - α) KL(q(z|x) || p(z)) + (α + λ - 1) MMD²(q(z), p(z))    (q(z): the codes of the batch)

    Args:
        latent_dim: numbers in a code, >= 1.
        alpha: how far the rate is left out, finite and >= 0; in the paper 0 to 1.
        lambda_: weight of the codes' distance from the prior, finite and >= 0; in the paper up to 1000, of a
            smaller discrepancy.
        **options: see `VAE`.

    Reference:
        Zhao, Song & Ermon 2019, "InfoVAE: Balancing Learning and Inference in Variational Autoencoders", AAAI,
        arXiv:1706.02262.
    """

    def __init__(self, latent_dim: int, *, alpha: float = 0.0, lambda_: float = 10.0, **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.alpha, self.lambda_ = self.scalar("alpha", alpha), self.scalar("lambda_", lambda_)

    @property
    def numbers_per_pair(self) -> int:  # noqa: D102
        return NUMBERS_PER_PAIR

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        posterior = self.encode(images, training=training)
        codes = posterior.sample(self.noise)
        distortion, rate = self.distortion(images, codes, training=training), self.rate(posterior, codes)
        discrepancy = unbiased_mmd(codes, self.prior.sample(ops.shape(codes)[0], self.noise))
        rate_weight = self.annealed(self.beta * (1.0 - self.alpha), training)
        objective = distortion + rate_weight * rate + (self.alpha + self.lambda_ - 1.0) * discrepancy
        return Terms(objective=objective, distortion=distortion, rate=rate)
