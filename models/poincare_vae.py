"""The VAE whose codes lie in hyperbolic space."""

from __future__ import annotations

from typing import Any

from keras import ops

from aebench.models.base import register
from aebench.models.poincare import WrappedNormal, WrappedStandardNormal, velocity, walk
from aebench.models.vae import VAE


@register("poincare-vae", version=1)
class PoincareVAE(VAE):
    """Wrapped normal posterior and prior on the Poincaré ball (Mathieu et al. 2019).

    Space grows exponentially with the distance from 0, as trees do: for data with a hierarchy, and in few dimensions.
    The encoder's output is the way from 0 to the posterior's mean, and the decoder reads the way from 0 to the code
    (the paper's logarithmic map; its gyroplanes would be another network). At curvature 0 it is the VAE, in half
    units. Codes stay 1e-5 of the radius inside the ball, which is 12.2 / √c from 0: in n dimensions keep √(n c) well
    below that.

    Objective:
        D + β (log q(z|x) - log p(z))      (at the one code that is drawn)

    Args:
        latent_dim: dimension of the ball, >= 1; in the paper 2 to 20.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        curvature: c, of a space of curvature -c, finite and >= 0; in the paper 0.1 to 1.4.
        **options: see `VAE`.

    Reference:
        Mathieu, Le Lan, Maddison, Tomioka & Teh 2019, "Continuous Hierarchical Representations with Poincaré
        Variational Auto-Encoders", NeurIPS, arXiv:1901.06033.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, curvature: float = 1.0, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.curvature = self.scalar("curvature", curvature)

    def encode(self, images: Any, training: bool = False) -> Any:  # noqa: D102
        features = self.features(images, training)
        way, curvature = self.mean_head(features), ops.convert_to_tensor(self.curvature)
        return WrappedNormal(walk(ops.zeros_like(way), way, curvature), self.log_var_head(features), curvature)

    @property
    def prior(self) -> WrappedStandardNormal:  # noqa: D102
        return WrappedStandardNormal(self.latent_dim, ops.convert_to_tensor(self.curvature))

    def decode(self, codes: Any, training: bool = False) -> Any:
        """Reads the way from 0 to each code."""
        way, _ = velocity(ops.zeros_like(codes), codes, ops.convert_to_tensor(self.curvature))
        return super().decode(way, training)
