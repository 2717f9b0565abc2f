"""The variational autoencoder with two stochastic layers."""

from __future__ import annotations

from typing import Any

import keras

from aebench.models.base import register
from aebench.models.dense import dense_network
from aebench.models.distributions import StandardNormal, gaussian_kl
from aebench.models.hierarchy import BottomUp, TopDownPrior, gaussian
from aebench.models.vae import VAE


@register("hierarchical-vae", version=1)
class HierarchicalVAE(VAE):
    """A VAE with two stochastic layers, each layer's posterior from the one below (Burda et al. 2016, section 5).

    q(z1|x) q(z2|z1) and p(z2) p(z1|z2) p(x|z1), p(z2) = N(0, I), all others diagonal Gaussians; between z1 and z2 lie
    two layers of tanh each way. A code is z1, of `latent_dim` numbers, and z2, of `top` numbers, side by side; the
    decoder reads z1 alone. The rate, of both layers, is estimated at the one code drawn. Burda et al.'s network is
    `network="mlp-200-200", latent_dim=100, top=50, hidden=100`; theirs is trained on the bound of k codes, this one on
    k = 1. Trained from scratch the upper layer often stays unused: `top_rate_nats` tells; see `LadderVAE`.

    Objective:
        D + β (log q(z1|x) - log p(z1|z2) + log q(z2|z1) - log p(z2))      (D: distortion; z1, z2: the code drawn)

    Args:
        latent_dim: numbers in z1, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        top: numbers in z2, >= 1; in the paper 50 above 100.
        hidden: units of each layer between z1 and z2, >= 1; in the paper 100.
        **options: see `VAE`.

    Reference:
        Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders", ICLR, arXiv:1509.00519.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, top: int = 4, hidden: int = 100, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.top, self.hidden = self.count("top", top), self.count("hidden", hidden)

    @property
    def code_dim(self) -> int:  # noqa: D102
        return self.latent_dim + self.top

    def decoder_width(self) -> int:  # noqa: D102
        return self.latent_dim

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        self.up = self._between("up", self.read_by_top(feature_shape), self.top)
        self.down = self._between("down", self.top, self.latent_dim)

    def read_by_top(self, feature_shape: tuple[int | None, ...]) -> int:  # noqa: ARG002
        """How many numbers the posterior of z2 is made from."""
        return self.latent_dim

    def _between(self, name: str, inputs: int, outputs: int) -> keras.Sequential:
        """Two hidden layers to mean and log-variance of `outputs` numbers."""
        sizes = (inputs, self.hidden, self.hidden, 2 * outputs)
        return dense_network(name, sizes, "tanh", seed=self.seed, dtype=self.variable_dtype)

    def encode(self, images: Any, training: bool = False) -> Any:  # noqa: D102
        return BottomUp(super().encode(images, training), lambda bottom: gaussian(self.up(bottom)))

    def decode(self, codes: Any, training: bool = False) -> Any:  # noqa: D102
        return super().decode(codes[:, : self.latent_dim], training)

    @property
    def prior(self) -> TopDownPrior:  # noqa: D102
        return TopDownPrior(StandardNormal(self.top), lambda top: gaussian(self.down(top)), self.latent_dim)

    def diagnostics(self, images: Any, noise: keras.random.SeedGenerator) -> dict[str, Any]:
        """KL(q(z2|z1) || p(z2)) at one z1 of each image."""
        posterior = self.encode(images)
        top = posterior.above(posterior.bottom.sample(noise))
        return {"top_rate_nats": gaussian_kl(top.mean, top.log_var)}
