"""Identities that hold whatever the network has learned, and optima that are known in closed form."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import rounding
from keras import ops
from sklearn.decomposition import PCA

from aebench.models import AE, IWAE, VAE
from aebench.models.distributions import DiagonalGaussian


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def at_once(steps: int) -> int:
    """Steps in one call of Keras's training function; PyTorch takes one."""
    return 1 if keras.backend.backend() == "torch" else steps


def vae(images: np.ndarray, beta: float, latent_dim: int = 4, **options) -> VAE:
    model = VAE(latent_dim, beta=beta, **{"network": "mlp-256", **options})
    model.adapt(images)
    return model


def test_at_beta_1_the_objective_is_distortion_plus_rate(binary):
    terms = vae(binary, 1.0).terms(binary[:50])
    assert np.array_equal(numpy(terms.objective), numpy(terms.distortion + terms.rate))


def test_at_beta_0_the_objective_is_the_autoencoder_s(binary):
    terms = vae(binary, 0.0).terms(binary[:50])
    assert np.array_equal(numpy(terms.objective), numpy(terms.distortion))


def test_without_its_noise_a_vae_is_the_autoencoder_of_its_seed(binary):
    images = binary[:50]
    with rounding.float64():  # sums without their signs grow 100-fold through the layers: they may round to 1e-11
        model, plain = vae(binary, 0.0), AE(4, network="mlp-256")
        plain.adapt(binary)
        at_mean = model.distortion(images, model.encode(images).mean)
        objective = plain.terms(images).objective
    assert numpy(at_mean) == pytest.approx(numpy(objective), rel=1e-9)


def test_distortion_plus_rate_is_the_negative_elbo(binary):
    """ELBO = E_q[log p(x|z) + log p(z) - log q(z|x)], by Monte Carlo."""
    images, draws, model = binary[:4], 4000, vae(binary, 1.0)
    posterior = model.encode(images)
    many = DiagonalGaussian(*(ops.repeat(part, draws, axis=0) for part in (posterior.mean, posterior.log_var)))
    codes = many.sample(model.noise)
    distortion = model.distortion(np.repeat(images, draws, axis=0), codes)
    bound = numpy(-distortion + model.prior.log_prob(codes) - many.log_prob(codes)).reshape(4, draws)
    d = numpy(distortion).reshape(4, draws).mean(axis=1)
    r = numpy(model.rate(posterior, posterior.mean))
    assert np.all(np.abs(bound.mean(axis=1) + d + r) < 4.0 * bound.std(axis=1) / math.sqrt(draws))


@pytest.mark.parametrize("latent_dim", [4, 8])
def test_linear_vae_finds_probabilistic_pca(grey, compile_model, latent_dim):
    """Its optimum is the marginal likelihood of probabilistic PCA (Lucas et al. 2019)."""
    flat, batch, passes = grey.reshape(len(grey), -1), 599, 20
    model = vae(grey, 1.0, latent_dim, network="linear", likelihood="gaussian")
    epoch = np.tile(grey, (passes, 1, 1, 1))
    rate = keras.optimizers.schedules.CosineDecay(0.03, 30 * len(epoch) // batch)
    compile_model(model, rate, steps_per_execution=at_once(len(epoch) // batch))
    model.fit(epoch, batch_size=batch, epochs=30, verbose=0)
    gap = linear_elbo(model, grey) - PCA(latent_dim).fit(flat).score(flat)
    assert -0.1 <= gap <= 0.01


def linear_elbo(model: VAE, images: np.ndarray) -> float:
    """The ELBO of a linear Gaussian decoder, nats per image: E_q|x - Wz - b|² has a closed form."""
    posterior = model.encode(images)
    mean, variance = numpy(posterior.mean).astype(float), np.exp(numpy(posterior.log_var).astype(float))
    weights, log_var = numpy(model.decoder.get_layer("output").kernel), float(numpy(model.likelihood.log_var))
    residual = images.reshape(len(images), -1) - mean @ weights - numpy(model.output_bias).ravel()
    squares = (residual**2).sum(axis=1) + variance @ (weights**2).sum(axis=1)
    size = residual.shape[1]
    distortion = 0.5 * (squares * math.exp(-log_var) + size * (log_var + math.log(2.0 * math.pi)))
    rate = 0.5 * (mean**2 + variance - np.log(variance) - 1.0).sum(axis=1)
    return float(-(distortion + rate).mean())


@pytest.fixture(scope="module")
def trained(binary, compile_model):
    """Means of rate and distortion over the training images after a short training, by β."""

    def trained_(beta: float, epochs: int) -> tuple[float, float]:
        model, epoch = vae(binary, beta, network="linear"), np.tile(binary, (4, 1, 1, 1))
        steps = len(epoch) // 128
        rate = keras.optimizers.schedules.CosineDecay(0.01, epochs * steps)
        compile_model(model, rate, steps_per_execution=at_once(steps))
        model.fit(epoch[: steps * 128], batch_size=128, epochs=epochs, verbose=0)
        terms = model.terms(binary)
        return float(numpy(terms.rate).mean()), float(numpy(terms.distortion).mean())

    return trained_


def test_rate_falls_and_distortion_rises_with_beta(trained):
    rates, distortions = zip(*(trained(beta, 5) for beta in (0.25, 1.0, 4.0)), strict=True)
    assert np.all(np.diff(rates) < -1.0)
    assert np.all(np.diff(distortions) > 1.0)


def test_at_a_large_beta_only_the_mean_image_is_left(binary, trained):
    """Then the best decoder ignores the code, and costs the entropy of each pixel's frequency."""
    rate, distortion = trained(1000.0, 15)
    frequency = np.clip(binary.mean(axis=0, dtype=float), 1e-12, 1.0 - 1e-12)
    entropy = -(frequency * np.log(frequency) + (1.0 - frequency) * np.log1p(-frequency)).sum()
    assert 0.0 <= rate < 0.01
    assert -0.01 < distortion - entropy < 0.1


def mean_objective(cls: type, images: np.ndarray, repeats: int = 40, **settings) -> tuple[float, float]:
    """Mean over draws of a fixed model's objective, and its standard error."""
    model = cls(4, network="linear", **settings)
    model.adapt(images)
    values = [float(numpy(model.compute_loss(images))) for _ in range(repeats)]
    return float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(repeats)


def test_the_bound_of_more_codes_is_tighter_and_that_of_one_is_the_elbo(binary):
    images = binary[:64]
    elbo, elbo_error = mean_objective(VAE, images)
    (one, one_error), (five, _), (fifty, _) = (mean_objective(IWAE, images, k=k) for k in (1, 5, 50))
    assert abs(one - elbo) < 4.0 * math.hypot(one_error, elbo_error)
    assert one - 4.0 * one_error > five > fifty


def test_the_bound_of_five_codes_is_their_weighted_mean(binary):
    """By hand, from the densities of the same five codes, in float64."""
    images, model = binary[:3], IWAE(4, network="linear", k=5)
    model.adapt(binary)
    state = numpy(model.noise.state)
    bound = -numpy(model.terms(images).objective)
    model.noise.state.assign(state)
    posterior = model.encode(images)
    many = DiagonalGaussian(*(ops.repeat(part, 5, axis=0) for part in (posterior.mean, posterior.log_var)))
    codes = many.sample(model.noise)
    z, mean, log_var = (numpy(part).astype("float64") for part in (codes, many.mean, many.log_var))
    logits = numpy(model.decode(codes)).astype("float64").reshape(15, -1)
    x = np.repeat(images, 5, axis=0).reshape(15, -1)
    log_w = (x * logits - np.logaddexp(0.0, logits)).sum(axis=1)
    log_w += 0.5 * (((z - mean) ** 2 / np.exp(log_var)) + log_var - z**2).sum(axis=1)
    by_hand = np.log(np.exp(log_w.reshape(3, 5) - log_w.max()).mean(axis=1)) + log_w.max()
    assert bound == pytest.approx(by_hand, rel=1e-5)
