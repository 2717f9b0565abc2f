"""Identities that hold whatever the network has learned, and optima that are known in closed form."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.decomposition import PCA

from models import AE, VAE
from models.distributions import DiagonalGaussian


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
    images, model, plain = binary[:50], vae(binary, 0.0), AE(4, network="mlp-256")
    plain.adapt(binary)
    at_mean = model.distortion(images, model.encode(images).mean)
    assert numpy(at_mean) == pytest.approx(numpy(plain.terms(images).objective), rel=1e-6)


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
