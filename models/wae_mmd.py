"""The Wasserstein autoencoder with the MMD penalty."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.ae import AE
from aebench.models.base import Terms, register
from aebench.models.mmd import NUMBERS_PER_PAIR, unbiased_mmd


@register("wae-mmd", version=1)
class WAEMMD(AE):
    """An autoencoder whose codes, taken together, are drawn to the prior (Tolstikhin et al. 2018).

    Each image keeps a single code; only the codes of a whole batch are compared with as many draws of the prior, by
    the maximum mean discrepancy without bias (a U-statistic, which may be negative) under inverse multiquadratic
    kernels of seven widths. For samples as from a VAE with sharper images. The paper's cost is a squared error times
    0.05; here it is the likelihood's distortion, and the encoder gets no noise added to its input.

    Objective:
        D + λ MMD²(q(z), p(z))    (q(z): the codes of the batch; one number for all its images)

    Args:
        latent_dim: numbers in a code, >= 1.
        lambda_: weight of the discrepancy, finite and >= 0; in the paper 10 at a cost that is 1/10 of the distortion
            of a Gaussian of variance 1, hence 100 here.
        **options: see `Autoencoder`.

    Reference:
        Tolstikhin, Bousquet, Gelly & Schölkopf 2018, "Wasserstein Auto-Encoders", ICLR, arXiv:1711.01558.
    """

    def __init__(self, latent_dim: int, *, lambda_: float = 100.0, **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.lambda_ = self.scalar("lambda_", lambda_)

    @property
    def numbers_per_pair(self) -> int:  # noqa: D102
        return NUMBERS_PER_PAIR

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        codes = self.encode(images, training=training).sample(self.noise)
        distortion = self.distortion(images, codes, training=training)
        discrepancy = unbiased_mmd(codes, self.prior.sample(ops.shape(codes)[0], self.noise))
        return Terms(objective=distortion + self.lambda_ * discrepancy, distortion=distortion)
