"""The VAE whose codes are directions."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import register
from aebench.models.sphere import UniformDirections, VonMisesFisher, direction
from aebench.models.vae import VAE


@register("hyperspherical-vae", version=1)
class HypersphericalVAE(VAE):
    """Von Mises-Fisher posterior and uniform prior on a sphere (Davidson et al. 2018).

    Nothing draws codes to a centre, and the rate depends on the concentration κ alone, which is the same in all
    directions. For data with cycles, and in few dimensions: the sphere's area vanishes in many. A code is a point of
    length 1, `latent_dim + 1` numbers on a sphere of dimension `latent_dim`. Where the paper rejects proposals and
    takes Bessel functions, a grid over the angle to the mean gives samples and rate.

    Objective:
        D + β KL(vMF(z; mean, κ) || uniform)      (κ = 1 + softplus of a number of the encoder's)

    Args:
        latent_dim: dimension of the sphere, >= 1; in the paper 2 to 40.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        **options: see `VAE`.

    Reference:
        Davidson, Falorsi, De Cao, Kipf & Tomczak 2018, "Hyperspherical Variational Auto-Encoders", UAI,
        arXiv:1804.00891.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)

    @property
    def code_dim(self) -> int:  # noqa: D102
        return self.latent_dim + 1

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        self.mean_head = self.head("mean", feature_shape, self.code_dim)
        self.concentration_head = self.head("concentration", feature_shape, 1)

    def encode(self, images: Any, training: bool = False) -> Any:  # noqa: D102
        features = self.features(images, training)
        concentration = 1.0 + ops.softplus(self.concentration_head(features))
        return VonMisesFisher.of(direction(self.mean_head(features)), concentration)

    @property
    def prior(self) -> UniformDirections:  # noqa: D102
        return UniformDirections(self.latent_dim)

    def rate(self, posterior: Any, codes: Any) -> Any:  # noqa: ARG002, D102
        return posterior.kl_from_uniform()
