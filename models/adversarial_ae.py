"""The autoencoder whose codes pass for draws of the prior."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from aebench.models import players
from aebench.models.ae import AE
from aebench.models.base import Terms, register


@register("adversarial-ae", version=1)
class AdversarialAE(AE):
    """An autoencoder that fools a second player, who tells its codes from draws of the prior (Makhzani et al. 2016).

    The encoder gives each image a single code, as in the paper's experiments, and so has no rate. Its codes together
    come to resemble N(0, I), of which only draws are needed. Deviations: the paper updates autoencoder, discriminator
    and encoder in turn, at rates of their own; here both players take each step together under one Adam, and λ weighs
    the encoder's two aims. The discriminator has 2 layers as in the paper, narrower and of leaky ReLU.

    Objective:
        D - λ log f(z) - ½ log f(z') - ½ log(1 - f(z))    (f: probability of a draw z' of the prior)

    Args:
        latent_dim: numbers in a code, >= 1.
        lambda_: weight of fooling the discriminator, finite and >= 0; in the paper steps of their own, as at 1.
        discriminator_units: of each of its 2 hidden layers, >= 1; in the paper 1000.
        **options: see `Autoencoder`.

    Reference:
        Makhzani, Shlens, Jaitly, Goodfellow & Frey 2016, "Adversarial Autoencoders", ICLR workshop, arXiv:1511.05644.
    """

    def __init__(
        self, latent_dim: int, *, lambda_: float = 1.0, discriminator_units: int = 256, **options: Any
    ) -> None:
        super().__init__(latent_dim, **options)
        self.lambda_ = self.scalar("lambda_", lambda_)
        units, dtype = self.count("discriminator_units", discriminator_units), self.variable_dtype
        self.discriminator = players.Discriminator(units, 2, self.seed, name="discriminator", dtype=dtype)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        self.discriminator.build((None, self.code_dim))

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        codes = self.encode(images, training=training).sample(self.noise)
        distortion = self.distortion(images, codes, training=training)
        caught = ops.softplus(-self.discriminator.logits(codes, frozen=True))
        told_apart = players.cross_entropy(*self.verdicts(ops.stop_gradient(codes), self.noise))
        return Terms(objective=distortion + self.lambda_ * caught + told_apart, distortion=distortion)

    def verdicts(self, codes: Any, noise: keras.random.SeedGenerator) -> tuple[Any, Any]:
        """The discriminator's logits at as many draws of the prior as there are `codes`, and at `codes`."""
        drawn = self.prior.sample(ops.shape(codes)[0], noise)
        return self.discriminator.logits(drawn), self.discriminator.logits(codes)

    def diagnostics(self, images: Any, noise: keras.random.SeedGenerator) -> dict[str, Any]:  # noqa: D102
        return {"discriminator_accuracy": players.accuracy(*self.verdicts(self.encode(images).mean, noise))}
