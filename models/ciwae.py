"""The combination importance-weighted autoencoder."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import register
from aebench.models.iwae import IWAE


@register("ciwae", version=1)
class CIWAE(IWAE):
    """A mixture of the ELBO and the bound of IWAE, both of the same k codes (Rainforth et al. 2018).

    The ELBO's part keeps a signal for the encoder, IWAE's part makes the bound tight. The paper's β is `elbo_share`
    here, where β is the weight of the rate: 0 is IWAE, 1 the mean of k negative ELBOs, each estimated at one code.

    Objective:
        -s 1/k Σ log w_i - (1 - s) log 1/k Σ w_i,  w_i = p(x|z_i) (p(z_i) / q(z_i|x))^β  (s: `elbo_share`)

    Args:
        latent_dim: numbers in a code, >= 1.
        elbo_share: weight of the ELBO, 0 to 1; in the paper 0 to 1, 0.5 among them.
        k: codes drawn for each image, >= 1; in the paper 64.
        **options: see `VAE`.

    Reference:
        Rainforth et al. 2018, "Tighter Variational Bounds are Not Necessarily Better", ICML, arXiv:1802.04537.
    """

    def __init__(self, latent_dim: int, *, elbo_share: float = 0.5, k: int = 5, **options: Any) -> None:
        super().__init__(latent_dim, k=k, **options)
        self.elbo_share = self.scalar("elbo_share", elbo_share, most=1.0)

    def bound(self, log_weights: Any) -> Any:  # noqa: D102
        negative_elbo = -ops.mean(log_weights, axis=1)
        return self.elbo_share * negative_elbo + (1.0 - self.elbo_share) * super().bound(log_weights)
