"""Variants with a second player: FactorVAE, adversarial autoencoder and VAE-GAN.

Each player's weights must see its own loss alone, and objectives are those of NumPy. What a discriminator learns is in
test_discriminators.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops

from aebench.models import VAE, VAEGAN, AdversarialAE, FactorVAE
from aebench.models.factor_vae import shuffled

LATENT = 3


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:40]


def made(cls: Any, images: np.ndarray, **settings: Any) -> Any:
    settings = {"network": "linear", "seed": 1, "name": "one", **settings}
    if cls is not VAE:
        settings = {"discriminator_units": 16, **settings}
    model = cls(LATENT, **settings)
    model.adapt(images)
    return model


class Part:
    """One loss of a model, in the place of its own, for the `gradients` of all its weights."""

    def __init__(self, model: Any, loss: Callable[[Any, Any], Any]) -> None:
        self.model, self.loss, self.trainable_weights = model, loss, model.trainable_weights

    def compute_loss(self, x: Any) -> Any:
        return ops.mean(self.loss(self.model, ops.convert_to_tensor(x)))


def by_player(found: dict[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """Gradients of encoder, decoder and discriminator."""
    parts: dict[str, dict[str, np.ndarray]] = {"encoder": {}, "decoder": {}, "discriminator": {}}
    for path, value in found.items():
        top = path.split("/")[1]
        player = {"mean": "encoder", "log_var": "encoder", "output_bias": "decoder"}.get(top, top)
        parts[player][path] = value
    return parts


def assert_same(found: dict[str, Any], expected: dict[str, Any], condition: float = 10.0) -> None:
    """Up to the rounding of sums over pixels, units and images, of terms whose sizes add up to `condition` times it."""
    for path, value in expected.items():
        assert value is not None
        assert value.any(), path
        bound = rounding.relative(64, 16, 16, 40, condition=condition) * np.abs(value).max()
        np.testing.assert_allclose(found[path], value, rtol=0.0, atol=bound, err_msg=path)


# The separate losses, as the papers have them, with no gradient stopped: each is for one player's weights.


def factor_vae_part(model: FactorVAE, images: Any) -> Any:
    posterior = model.encode(images)
    codes = posterior.sample(model.noise)
    ratio = model.discriminator.logits(codes)
    return model.distortion(images, codes) + 0.5 * model.rate(posterior, codes) + 7.0 * ratio


def factor_discriminator_part(model: FactorVAE, images: Any) -> Any:
    codes = model.encode(images).sample(model.noise)
    real, fake = (model.discriminator.logits(z) for z in (codes, shuffled(codes, model.noise)))
    return -0.5 * ops.log(ops.sigmoid(real)) - 0.5 * ops.log(1.0 - ops.sigmoid(fake))


def test_factor_vae_s_players_see_their_own_parts(images, gradients):
    model = made(FactorVAE, images, beta=0.5, gamma=7.0)
    ours, vae, discriminator = (
        by_player(gradients(one, images)[1])
        for one in (model, Part(model, factor_vae_part), Part(model, factor_discriminator_part))
    )
    assert_same(ours["encoder"], vae["encoder"])
    assert_same(ours["decoder"], vae["decoder"])
    assert_same(ours["discriminator"], discriminator["discriminator"])


def autoencoder_part(model: AdversarialAE, images: Any) -> Any:
    codes = model.encode(images).mean
    return model.distortion(images, codes) - 3.0 * ops.log(ops.sigmoid(model.discriminator.logits(codes)))


def code_discriminator_part(model: AdversarialAE, images: Any) -> Any:
    codes = model.encode(images).mean
    drawn = model.prior.sample(len(images), model.noise)
    real, fake = (ops.sigmoid(model.discriminator.logits(z)) for z in (drawn, codes))
    return -0.5 * ops.log(real) - 0.5 * ops.log(1.0 - fake)


def test_adversarial_autoencoder_s_players_see_their_own_parts(images, gradients):
    model = made(AdversarialAE, images, lambda_=3.0)
    ours, autoencoder, discriminator = (
        by_player(gradients(one, images)[1])
        for one in (model, Part(model, autoencoder_part), Part(model, code_discriminator_part))
    )
    assert_same(ours["encoder"], autoencoder["encoder"])
    assert_same(ours["decoder"], autoencoder["decoder"])
    assert_same(ours["discriminator"], discriminator["discriminator"])


def pixels(model: VAEGAN, codes: Any) -> Any:
    return ops.reshape(model.decode(codes), (-1, 64))


def feature_loss(model: VAEGAN, images: Any, codes: Any) -> Any:
    real, fake = (model.discriminator.features(x) for x in (ops.reshape(images, (-1, 64)), pixels(model, codes)))
    return 0.5 * ops.sum((real - fake) ** 2, axis=1)


def encoder_part(model: VAEGAN, images: Any) -> Any:
    posterior = model.encode(images)
    codes = posterior.sample(model.noise)
    return 0.5 * model.rate(posterior, codes) + feature_loss(model, images, codes)


def decoder_part(model: VAEGAN, images: Any) -> Any:
    codes = model.encode(images).sample(model.noise)
    drawn = model.prior.sample(len(images), model.noise)
    fakes = [ops.sigmoid(model.discriminator.logits(pixels(model, z))) for z in (codes, drawn)]
    return 4.0 * feature_loss(model, images, codes) - 0.5 * ops.log(fakes[0]) - 0.5 * ops.log(fakes[1])


def image_discriminator_part(model: VAEGAN, images: Any) -> Any:
    codes = model.encode(images).sample(model.noise)
    drawn = model.prior.sample(len(images), model.noise)
    real = ops.sigmoid(model.discriminator.logits(ops.reshape(images, (-1, 64))))
    fakes = [ops.sigmoid(model.discriminator.logits(pixels(model, z))) for z in (codes, drawn)]
    return -0.5 * ops.log(real) - 0.25 * ops.log(1.0 - fakes[0]) - 0.25 * ops.log(1.0 - fakes[1])


def test_vae_gan_s_three_players_see_their_own_parts(images, gradients):
    """Under a Gaussian likelihood, whose images are the decoder's output; the distortion moves its scale alone."""
    model = made(VAEGAN, images, beta=0.5, gamma=4.0, likelihood="gaussian")
    ours, encoder, decoder, discriminator, scale = (
        gradients(one, images)[1]
        for one in (
            model,
            Part(model, encoder_part),
            Part(model, decoder_part),
            Part(model, image_discriminator_part),
            Part(model, lambda model, images: model.distortion(images, model.encode(images).sample(model.noise))),
        )
    )
    likelihood = "one/likelihood/log_var"
    assert ours[likelihood] == pytest.approx(scale[likelihood], rel=rounding.relative(64, 40, condition=2.0))
    ours, encoder, decoder, discriminator = (
        by_player({path: value for path, value in one.items() if path != likelihood})
        for one in (ours, encoder, decoder, discriminator)
    )
    assert_same(ours["encoder"], encoder["encoder"])
    assert_same(ours["decoder"], decoder["decoder"])
    assert_same(ours["discriminator"], discriminator["discriminator"])


# Objectives in NumPy.


def replayed(model: Any, function: Callable[[], Any]) -> Any:
    """What a function makes with the noise that the next `terms` will draw."""
    state = ops.convert_to_numpy(model.noise.state.value)
    found = keras.tree.map_structure(ops.convert_to_numpy, function())
    model.noise.state.assign(state)
    return found


def verdict(model: Any, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The discriminator's logits and features, in float64."""
    kernels, biases = ([ops.convert_to_numpy(w).astype("float64") for w in part] for part in weights_of(model))
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        points = points @ kernel + bias
        points = np.where(points > 0.0, points, 0.2 * points)
    return (points @ kernels[-1] + biases[-1])[:, 0], points


def weights_of(model: Any) -> tuple[list[Any], list[Any]]:
    return model.discriminator.kernels, model.discriminator.biases


def nats(model: Any, images: np.ndarray, codes: np.ndarray) -> np.ndarray:
    logits = ops.convert_to_numpy(model.decode(ops.convert_to_tensor(codes))).astype("float64")
    return (np.logaddexp(0.0, logits) - images * logits).sum(axis=(1, 2, 3))


def kl(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    return 0.5 * (mean.astype("float64") ** 2 + np.exp(log_var.astype("float64")) - log_var - 1.0).sum(axis=1)


def told_apart(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    return 0.5 * (np.logaddexp(0.0, -real) + np.logaddexp(0.0, fake))


def test_factor_vae_s_objective_is_numpy_s(images):
    model = made(FactorVAE, images, beta=0.5, gamma=7.0)

    def drawn() -> Any:
        posterior = model.encode(images)
        codes = posterior.sample(model.noise)
        return posterior.mean, posterior.log_var, codes, shuffled(codes, model.noise)

    mean, log_var, codes, mixed = replayed(model, drawn)
    (real, _), (fake, _) = verdict(model, codes), verdict(model, mixed)
    expected = nats(model, images, codes) + 0.5 * kl(mean, log_var) + 7.0 * real + told_apart(real, fake)
    assert ops.convert_to_numpy(model.terms(images).objective) == pytest.approx(expected, rel=1e-5)


def test_adversarial_autoencoder_s_objective_is_numpy_s(images):
    model = made(AdversarialAE, images, lambda_=3.0)
    codes, prior = replayed(model, lambda: (model.encode(images).mean, model.prior.sample(40, model.noise)))
    (fake, _), (real, _) = verdict(model, codes), verdict(model, prior)
    expected = nats(model, images, codes) + 3.0 * np.logaddexp(0.0, -fake) + told_apart(real, fake)
    assert ops.convert_to_numpy(model.terms(images).objective) == pytest.approx(expected, rel=1e-5)


def test_vae_gan_s_objective_is_numpy_s(images):
    """Under a Bernoulli likelihood, whose images are drawn."""
    model = made(VAEGAN, images, beta=0.5, gamma=4.0)

    def drawn() -> Any:
        posterior = model.encode(images)
        codes = posterior.sample(model.noise)
        shown = model.seen(model.decode(codes), model.noise)
        sample = model.seen(model.decode(model.prior.sample(40, model.noise)), model.noise)
        return posterior.mean, posterior.log_var, codes, shown, sample

    mean, log_var, codes, shown, sample = replayed(model, drawn)
    assert set(np.unique(np.round(shown, 6))) == {0.0, 1.0}
    (real, features), (fake, fakes), (other, _) = (verdict(model, x) for x in (images.reshape(40, 64), shown, sample))
    contest = 0.5 * (told_apart(real, fake) + told_apart(real, other))
    fooled = 0.5 * (np.logaddexp(0.0, -fake) + np.logaddexp(0.0, -other))
    unlike = 4.0 * 0.5 * ((features - fakes) ** 2).sum(axis=1)
    expected = nats(model, images, codes) + 0.5 * kl(mean, log_var) + unlike + fooled + contest
    assert ops.convert_to_numpy(model.terms(images).objective) == pytest.approx(expected, rel=1e-5)


def test_drawn_images_are_bernoulli(images):
    """Their mean over draws is E[x|z], by standard errors."""
    model = made(VAEGAN, images)
    output = model.decode(ops.zeros((1, LATENT)))
    draws = ops.convert_to_numpy(model.seen(ops.repeat(output, 4000, axis=0), model.noise))
    mean = ops.convert_to_numpy(model.likelihood.mean(output)).reshape(64)
    errors = np.sqrt(mean * (1.0 - mean) / 4000.0)
    assert (np.abs(draws.mean(axis=0) - mean) < 5.0 * errors + 1e-6).all()


@pytest.mark.parametrize("shape", [(5, 3, 2), (8, 8, 1)])
def test_vae_gan_takes_images_of_any_shape(shape):
    colours = np.random.default_rng(0).random((6, *shape)).astype("float32")
    model = made(VAEGAN, colours, likelihood="gaussian")
    assert model.discriminator.kernels[0].shape == (np.prod(shape), 16)
    assert np.isfinite(ops.convert_to_numpy(model.terms(colours).objective)).all()


# Limits.


def test_without_gamma_factor_vae_trains_the_vae(images, gradients):
    ours, vae = made(FactorVAE, images, gamma=0.0), made(VAE, images)
    for player in ("encoder", "decoder"):
        assert_same(*(by_player(gradients(model, images)[1])[player] for model in (ours, vae)))


def test_without_lambda_only_the_distortion_trains_the_encoder(images, gradients):
    model = made(AdversarialAE, images, lambda_=0.0)
    plain = Part(model, lambda model, images: model.distortion(images, model.encode(images).mean))
    assert_same(*(by_player(gradients(one, images)[1])["encoder"] for one in (model, plain)))


@pytest.mark.parametrize(
    ("cls", "name"), [(FactorVAE, "beta"), (FactorVAE, "gamma"), (AdversarialAE, "lambda_"), (VAEGAN, "gamma")]
)
def test_bad_weights_are_refused(cls, name):
    with pytest.raises(ValueError, match=f"`{name}` must be finite and at least 0. Received: {name}=-1.0"):
        cls(2, **{name: -1.0})


@pytest.mark.parametrize("cls", [FactorVAE, AdversarialAE, VAEGAN])
def test_a_discriminator_without_units_is_refused(cls):
    with pytest.raises(ValueError, match="`discriminator_units` must be at least 1"):
        cls(2, discriminator_units=0)
    assert cls.from_config(cls(2, discriminator_units=8).get_config()).discriminator.units == 8
