"""Variants of kinds still to come, each in a few lines: what the contract must carry without a change to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import layers, ops

from aebench.models import AE, VAE
from aebench.models.base import Terms
from aebench.models.distributions import DiagonalGaussian, StandardNormal, gaussian_log_prob
from aebench.models.seeding import initializer


@dataclass(frozen=True)
class Mixture:
    """Equal parts of diagonal Gaussians; mean and log_var `(components, latent_dim)`."""

    mean: Any
    log_var: Any

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        which = keras.random.randint((count,), 0, self.mean.shape[0], seed=noise)
        chosen = (ops.take(part, which, axis=0) for part in (self.mean, self.log_var))
        return DiagonalGaussian(*chosen).sample(noise)

    def log_prob(self, z: Any) -> Any:
        each = gaussian_log_prob(z[:, None], self.mean[None], self.log_var[None])
        return ops.logsumexp(each, axis=1) - math.log(self.mean.shape[0])


class VampPrior(VAE):
    """A learned prior: the mean posterior of learned pseudo-images (Tomczak & Welling 2018)."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        start = keras.initializers.RandomUniform(0.0, 1.0, seed=3)
        self.pseudo = self.add_weight(name="pseudo", shape=(6, *self.image_shape), initializer=start)

    @property
    def prior(self) -> Mixture:
        components = self.encode(ops.sigmoid(self.pseudo))
        return Mixture(components.mean, components.log_var)

    def rate(self, posterior: Any, codes: Any) -> Any:
        return posterior.log_prob(codes) - self.prior.log_prob(codes)


@dataclass(frozen=True)
class Quantised:
    """The codeword nearest to the encoder's output, which takes the gradient of both."""

    output: Any
    nearest: Any

    @property
    def mean(self) -> Any:
        return self.output + ops.stop_gradient(self.nearest - self.output)

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        return self.mean


@dataclass(frozen=True)
class Codebook:
    words: Any

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        return ops.take(self.words, keras.random.randint((count,), 0, self.words.shape[0], seed=noise), axis=0)


class VQVAE(AE):
    """A discrete code of one of `words` codewords (van den Oord et al. 2017)."""

    has_posterior = True

    def __init__(self, latent_dim: int, *, commitment: float = 0.25, words: int = 4, **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.commitment, self.words = self.scalar("commitment", commitment), words

    def build_heads(self, feature_shape: Any) -> None:
        super().build_heads(feature_shape)
        start = initializer(self.seed, "codebook")
        self.codebook = self.add_weight(name="codebook", shape=(self.words, self.latent_dim), initializer=start)

    @property
    def prior(self) -> Codebook:
        return Codebook(ops.convert_to_tensor(self.codebook))

    def encode(self, images: Any, training: bool = False) -> Quantised:
        output, words = super().encode(images, training).mean, ops.convert_to_tensor(self.codebook)
        squares = ops.sum((output[:, None] - words[None]) ** 2, axis=-1)
        return Quantised(output, ops.take(words, ops.argmin(squares, axis=1), axis=0))

    def rate(self, posterior: Any, codes: Any) -> Any:
        return math.log(self.words) * ops.ones_like(codes[:, 0])

    def terms(self, images: Any, training: bool = False) -> Terms:
        posterior = self.encode(images, training)
        codes = posterior.mean
        distortion = self.distortion(images, codes, training)
        towards = ops.sum((posterior.nearest - ops.stop_gradient(posterior.output)) ** 2, axis=-1)
        commitment = ops.sum((ops.stop_gradient(posterior.nearest) - posterior.output) ** 2, axis=-1)
        objective = distortion + towards + self.commitment * commitment
        return Terms(objective=objective, distortion=distortion, rate=self.rate(posterior, codes))


@dataclass(frozen=True)
class Chain:
    """q(h1|x) q(h2|h1); a code is h1 and h2 side by side, and `upper` is q(h2|·)."""

    first: DiagonalGaussian
    upper: Callable[[Any], DiagonalGaussian]

    @property
    def mean(self) -> Any:
        return ops.concatenate([self.first.mean, self.upper(self.first.mean).mean], axis=-1)

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        first = self.first.sample(noise)
        return ops.concatenate([first, self.upper(first).sample(noise)], axis=-1)

    def log_prob(self, z: Any) -> Any:
        first, second = ops.split(z, 2, axis=-1)
        return self.first.log_prob(first) + self.upper(first).log_prob(second)


@dataclass(frozen=True)
class Ladder:
    """p(h2) p(h1|h2); `lower` is p(h1|·)."""

    top: StandardNormal
    lower: Callable[[Any], DiagonalGaussian]

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        second = self.top.sample(count, noise)
        return ops.concatenate([self.lower(second).sample(noise), second], axis=-1)

    def log_prob(self, z: Any) -> Any:
        first, second = ops.split(z, 2, axis=-1)
        return self.top.log_prob(second) + self.lower(second).log_prob(first)


class TwoLayers(VAE):
    """Two stochastic layers of `latent_dim / 2` each (Burda et al. 2015)."""

    def build_heads(self, feature_shape: Any) -> None:
        half = (None, self.decoder_width())
        self.first = self.head("first", feature_shape, self.latent_dim)
        self.second, self.down = (self.head(name, half, self.latent_dim) for name in ("second", "down"))

    def decoder_width(self) -> int:
        return self.latent_dim // 2

    def encode(self, images: Any, training: bool = False) -> Chain:
        first = DiagonalGaussian(*ops.split(self.first(self.features(images, training)), 2, axis=-1))
        return Chain(first, lambda h: DiagonalGaussian(*ops.split(self.second(h), 2, axis=-1)))

    def decode(self, codes: Any, training: bool = False) -> Any:
        return super().decode(codes[:, : self.decoder_width()], training)

    @property
    def prior(self) -> Ladder:
        top = StandardNormal(self.decoder_width())
        return Ladder(top, lambda h: DiagonalGaussian(*ops.split(self.down(h), 2, axis=-1)))

    def rate(self, posterior: Any, codes: Any) -> Any:
        return posterior.log_prob(codes) - self.prior.log_prob(codes)


class FactorVAE(VAE):
    """A second player tells codes from codes with each dimension shuffled (Kim & Mnih 2018)."""

    def __init__(self, latent_dim: int, *, gamma: float = 6.0, **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.gamma = self.scalar("gamma", gamma)

    def build_heads(self, feature_shape: Any) -> None:
        super().build_heads(feature_shape)
        first, last = (initializer(self.seed, f"critic/{i}") for i in range(2))
        hidden = layers.Dense(16, "relu", kernel_initializer=first, name="hidden")
        verdict = layers.Dense(1, kernel_initializer=last, name="verdict")
        self.critic = keras.Sequential([hidden, verdict], name="critic")
        self.critic.build((None, self.latent_dim))

    def terms(self, images: Any, training: bool = False) -> Terms:
        posterior = self.encode(images, training)
        codes = posterior.sample(self.noise)
        distortion, rate = self.distortion(images, codes, training), self.rate(posterior, codes)
        still = ops.stop_gradient(codes)
        columns = ops.split(still, self.latent_dim, axis=1)
        shuffled = ops.concatenate([keras.random.shuffle(c, seed=self.noise) for c in columns], axis=1)
        correlation = (self.critic(codes) - self.critic(still))[:, 0]
        told_apart = (ops.softplus(-self.critic(still)) + ops.softplus(self.critic(shuffled)))[:, 0]
        objective = distortion + self.beta * rate + self.gamma * correlation + told_apart
        return Terms(objective=objective, distortion=distortion, rate=rate)


class MMD(AE):
    """A penalty on the batch's codes together: their distance from the prior (Zhao et al. 2019)."""

    def __init__(self, latent_dim: int, *, weight: float = 10.0, **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.weight = self.scalar("weight", weight)

    def terms(self, images: Any, training: bool = False) -> Terms:
        codes = self.encode(images, training).sample(self.noise)
        distortion = self.distortion(images, codes, training)
        prior = keras.random.normal(ops.shape(codes), seed=self.noise)
        discrepancy = kernel(codes, codes) + kernel(prior, prior) - 2.0 * kernel(codes, prior)
        return Terms(objective=distortion + self.weight * discrepancy, distortion=distortion)


def kernel(a: Any, b: Any) -> Any:
    return ops.mean(ops.exp(-ops.sum((a[:, None] - b[None]) ** 2, axis=-1) / a.shape[-1]))


class TotalCorrelation(VAE):
    """A penalty on the aggregated posterior of the batch, by minibatch weighting (Chen et al. 2018)."""

    def terms(self, images: Any, training: bool = False) -> Terms:
        posterior = self.encode(images, training)
        codes = posterior.sample(self.noise)
        distortion, rate = self.distortion(images, codes, training), self.rate(posterior, codes)
        cells = (codes[:, None, :, None], posterior.mean[None, :, :, None], posterior.log_var[None, :, :, None])
        each = gaussian_log_prob(*cells)
        joint = ops.logsumexp(ops.sum(each, axis=-1), axis=1)
        correlation = joint - ops.sum(ops.logsumexp(each, axis=1), axis=-1)
        return Terms(objective=distortion + rate + self.beta * correlation, distortion=distortion, rate=rate)


KINDS = [VampPrior, VQVAE, TwoLayers, FactorVAE, MMD, TotalCorrelation]


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:64]


@pytest.fixture(params=KINDS, ids=lambda cls: cls.__name__, scope="module")
def model(request: pytest.FixtureRequest, images: np.ndarray) -> Any:
    model = request.param(4, network="linear", seed=1)
    model.adapt(images)
    return model


def test_shapes(model, images):
    terms, posterior = model.terms(images), model.encode(images)
    codes = posterior.sample(model.noise)
    assert posterior.mean.shape == codes.shape == (64, 4)
    assert terms.objective.shape == terms.distortion.shape == (64,)
    assert (terms.rate is not None) == model.has_posterior
    if model.has_posterior:
        assert terms.rate.shape == model.rate(posterior, codes).shape == (64,)


def test_new_images_come_from_the_variant_s_own_prior(model):
    codes = model.prior.sample(5, model.noise)
    assert codes.shape == (5, 4)
    assert model.decode_mean(codes).shape == (5, 8, 8, 1)


def test_all_players_are_trained_without_touching_the_model(model, images, gradients):
    before = [ops.convert_to_numpy(variable.value) for variable in (*model.weights, model.noise.state)]
    loss, found = gradients(model, images)
    assert np.isfinite(loss)
    assert [path for path, value in found.items() if value is None or not value.any()] == []
    after = [ops.convert_to_numpy(variable.value) for variable in (*model.weights, model.noise.state)]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("cls", KINDS)
def test_fit_reduces_the_distortion(cls, images, compile_model, fall):
    """From no mean image to begin with: by 19 standard errors at the least, in 10 orders of the images for each."""
    model = cls(4, network="linear", seed=1)
    model.build((None, *images.shape[1:]))
    compile_model(model, 1e-2)
    fallen, error = fall(model, images, lambda: model.fit(images, batch_size=32, epochs=6, verbose=0), "distortion")
    assert fallen > 8.0 * error
    assert np.isfinite(model.history.history["loss"]).all()


def test_the_second_player_s_part_moves_only_the_codes(images, gradients):
    """The total-correlation term is worth nothing itself, and must not teach the critic to be fooled."""
    (loss, one), (other_loss, other) = (gradients(factor_vae(gamma, images), images) for gamma in (0.0, 9.0))
    # What γ adds to the critic's gradients and takes from them again is 2 γ sums over 64 images, whose terms are up to
    # ten times what is left of them. The codes' gradients change by 0.5.
    same = rounding.relative(len(images), condition=2 * 9.0 * 10)
    changed = {path.split("/", 1)[1] for path in one if not np.allclose(one[path], other[path], atol=same)}
    assert loss == pytest.approx(other_loss, rel=rounding.relative(64, len(images)))  # over pixels, over images
    assert {"mean/kernel", "log_var/kernel"} <= changed
    assert not any(path.startswith(("critic", "decoder", "output")) for path in changed)


def factor_vae(gamma: float, images: np.ndarray) -> FactorVAE:
    model = FactorVAE(4, network="linear", gamma=gamma, name="factor")
    model.adapt(images)
    return model
