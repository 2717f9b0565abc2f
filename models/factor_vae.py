"""The VAE with a discriminator's estimate of total correlation in its objective."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from aebench.models import players
from aebench.models.base import Terms, register
from aebench.models.vae import VAE


@register("factor-vae", version=1)
class FactorVAE(VAE):
    """A VAE that makes the numbers of its codes independent, by a second player (Kim & Mnih 2018).

    A discriminator learns to tell codes from codes each of whose numbers is of another image; log f/(1 - f) of its
    probability f is then the log of q(z) / Π q(z_j), whose mean is the total correlation. It falls short where that is
    large, since a discriminator that is always right learns no more: see `discriminator_accuracy`. Deviations: codes
    are shuffled within the batch, where the paper takes a second batch; the discriminator has 2 layers, in the paper 6
    of 1000; one Adam trains both players, at one learning rate. γ = 0 trains the VAE.

    Objective:
        D + β KL(q(z|x) || p(z)) + γ log f(z)/(1 - f(z)) - ½ log f(z) - ½ log(1 - f(z'))    (z': shuffled codes)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        gamma: weight of the total correlation, finite and >= 0; in the paper 2 to 100.
        discriminator_units: of each hidden layer, >= 1; in the paper 1000.
        **options: see `VAE`.

    Reference:
        Kim & Mnih 2018, "Disentangling by Factorising", ICML, arXiv:1802.05983.
    """

    def __init__(
        self,
        latent_dim: int,
        *,
        beta: float = 1.0,
        gamma: float = 6.0,
        discriminator_units: int = 256,
        **options: Any,
    ) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.gamma = self.scalar("gamma", gamma)
        units, dtype = self.count("discriminator_units", discriminator_units), self.variable_dtype
        self.discriminator = players.Discriminator(units, 2, self.seed, name="discriminator", dtype=dtype)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        self.discriminator.build((None, self.code_dim))

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        posterior = self.encode(images, training=training)
        codes = posterior.sample(self.noise)
        distortion, rate = self.distortion(images, codes, training=training), self.rate(posterior, codes)
        correlation = self.discriminator.logits(codes, frozen=True)
        told_apart = players.cross_entropy(*self.verdicts(ops.stop_gradient(codes), self.noise))
        objective = distortion + self.annealed(self.beta, training) * rate + self.gamma * correlation + told_apart
        return Terms(objective=objective, distortion=distortion, rate=rate)

    def verdicts(self, codes: Any, noise: keras.random.SeedGenerator) -> tuple[Any, Any]:
        """The discriminator's logits at `codes` and at the same codes shuffled, both `(batch,)`."""
        return self.discriminator.logits(codes), self.discriminator.logits(shuffled(codes, noise))

    def diagnostics(self, images: Any, noise: keras.random.SeedGenerator) -> dict[str, Any]:  # noqa: D102
        first, second = self.verdicts(self.encode(images).sample(noise), noise)
        return {"discriminator_tc_nats": first, "discriminator_accuracy": players.accuracy(first, second)}


def shuffled(codes: Any, noise: keras.random.SeedGenerator) -> Any:
    """`codes` `(batch, code_dim)`, each column in a random order of its own."""
    order = ops.argsort(keras.random.uniform(ops.shape(codes), dtype=codes.dtype, seed=noise), axis=0)
    return ops.take_along_axis(codes, order, axis=0)
