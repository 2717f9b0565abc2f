"""The VAE that compares images as a discriminator sees them."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from aebench.models import players
from aebench.models.base import Terms, register
from aebench.models.vae import VAE


@register("vae-gan", version=1)
class VAEGAN(VAE):
    """A VAE whose reconstructions are judged by a discriminator's features, and fool it (Larsen et al. 2016).

    The encoder minimises β KL + F, which compares the discriminator's last hidden layer at the image and at its
    reconstruction; the decoder γ F + G_dec; the discriminator G_dis. No pixels are compared: D trains the likelihood's
    own scale alone, if it has one, and tells what the decoder is worth as a likelihood, which is less than a VAE's.
    Deviations: dense layers, for images of any shape; G_dec does not saturate; one Adam trains all. The discriminator
    sees E[x|z], and under a Bernoulli likelihood images drawn from it, with its gradient: it would tell grey pixels
    from 0 and 1 at a glance.

    Objective:
        D + β KL(q(z|x) || p(z)) + γ F + G_dec + G_dis,  F = ½ |φ(x) - φ(x_z)|²    (φ: features)
        G_dec = -½ log f(x_z) - ½ log f(x_p),  G_dis = -½ log f(x) - ¼ log(1 - f(x_z)) - ¼ log(1 - f(x_p))
        (f: probability of being real; x_z: reconstruction; x_p: decoded draw of the prior)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        gamma: weight of F in the decoder's part, finite and >= 0; in the paper's code 1e-6 to 1e-2, where F sums over
            many more features.
        discriminator_units: of each of its 2 hidden layers, >= 1; in the paper 4 convolutions and a layer of 512.
        **options: see `VAE`.

    Reference:
        Larsen, Sønderby, Larochelle & Winther 2016, "Autoencoding beyond pixels using a learned similarity metric",
        ICML, arXiv:1512.09300.
    """

    not_on_pixels = "features of a discriminator and its verdict teach the decoder"

    def __init__(
        self, latent_dim: int, *, beta: float = 1.0, gamma: float = 1.0, discriminator_units: int = 256, **options: Any
    ) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.gamma = self.scalar("gamma", gamma)
        units, dtype = self.count("discriminator_units", discriminator_units), self.variable_dtype
        self.discriminator = players.Discriminator(units, 2, self.seed, name="discriminator", dtype=dtype)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        self.discriminator.build((None, math.prod(self.image_shape)))

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        posterior, images = self.encode(images, training=training), ops.cast(images, self.variable_dtype)
        codes = posterior.sample(self.noise)
        rate, output = self.rate(posterior, codes), self.decode(codes, training=training)
        distortion = -self.likelihood.log_prob(images, ops.stop_gradient(output))
        shown = self.seen(output, self.noise)
        contest = self.contest(images, ops.stop_gradient(codes), shown, training)
        objective = distortion + self.annealed(self.beta, training) * rate + self.unlikeness(images, shown) + contest
        return Terms(objective=objective, distortion=distortion, rate=rate)

    def contest(self, images: Any, codes: Any, shown: Any, training: bool) -> Any:
        """(γ - 1) F + G_dec + G_dis, `(batch,)` nats, at held `codes`, whose reconstructions are `shown`."""
        again = self.expected(self.decode(codes, training=training))
        drawn = self.decode(self.prior.sample(ops.shape(codes)[0], self.noise), training=training)
        made = [straight_through(shown, again), self.seen(drawn, self.noise)]
        fooled = [0.5 * ops.softplus(-self.discriminator.logits(some, frozen=True)) for some in made]
        caught = self.told_apart(players.cross_entropy, images, [ops.stop_gradient(some) for some in made])
        return (self.gamma - 1.0) * self.unlikeness(images, made[0]) + sum(fooled) + caught

    def seen(self, output: Any, noise: keras.random.SeedGenerator) -> Any:
        """The decoder's output as an image for the discriminator, `(batch, pixels)`, with the gradient of E[x|z]."""
        mean = self.expected(output)
        if self.likelihood_name != "bernoulli":
            return mean
        ones = keras.random.uniform(ops.shape(mean), dtype=mean.dtype, seed=noise) < mean
        return straight_through(ops.cast(ones, mean.dtype), mean)

    def expected(self, output: Any) -> Any:
        """E[x|z], `(batch, pixels)`, within logits whose exponentials do not overflow."""
        return flat(self.likelihood.mean(ops.clip(output, -80.0, 80.0)))

    def unlikeness(self, images: Any, made: Any) -> Any:
        """F, `(batch,)` nats, of `images` and what was `made` of them, `(batch, pixels)`."""
        apart = self.discriminator.features(flat(images), frozen=True) - self.discriminator.features(made, frozen=True)
        return 0.5 * ops.sum(apart**2, axis=-1)

    def told_apart(self, measure: Any, images: Any, made: list[Any]) -> Any:
        """The mean measure, `(batch,)`, of the verdicts on `images` against those on each kind of `made`."""
        real = self.discriminator.logits(flat(images))
        return sum(measure(real, self.discriminator.logits(some)) for some in made) / len(made)

    def diagnostics(self, images: Any, noise: keras.random.SeedGenerator) -> dict[str, Any]:  # noqa: D102
        codes = self.encode(images).sample(noise)
        made = [self.seen(self.decode(some), noise) for some in (codes, self.prior.sample(ops.shape(codes)[0], noise))]
        return {"discriminator_accuracy": self.told_apart(players.accuracy, images, made)}


def flat(images: Any) -> Any:
    """Images `(batch, height, width, channels)` as `(batch, pixels)`."""
    return ops.reshape(images, (-1, math.prod(images.shape[1:])))


def straight_through(value: Any, mean: Any) -> Any:
    """`value` with the gradient of `mean`, of the same shape."""
    return mean + ops.stop_gradient(value - mean)
