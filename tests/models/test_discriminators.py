"""What discriminators learn: a ratio of densities that is known, and diagnostics that show where they cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from scipy.stats import multivariate_normal

from aebench.models import VAEGAN, FactorVAE, players
from aebench.models.distributions import DiagonalGaussian
from aebench.models.factor_vae import shuffled


def cross_entropy(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """Of logits of real and fake points, the mean of both; least where they are log-ratios of the densities."""
    return 0.5 * (np.logaddexp(0.0, -real) + np.logaddexp(0.0, fake))


def test_shuffling_keeps_each_column_and_breaks_rows():
    codes = np.random.default_rng(0).standard_normal((500, 3)).astype("float32")
    codes[:, 1] = codes[:, 0]
    mixed = ops.convert_to_numpy(shuffled(ops.convert_to_tensor(codes), keras.random.SeedGenerator(0)))
    np.testing.assert_array_equal(np.sort(mixed, axis=0), np.sort(codes, axis=0))
    assert abs(np.corrcoef(mixed[:, 0], mixed[:, 1])[0, 1]) < 4.0 / np.sqrt(500)


class Judge(keras.Model):
    """A discriminator alone, on rows of a point of each kind side by side."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.discriminator = players.Discriminator(64, 2, 0, name="discriminator")
        self.discriminator.build((None, numbers))
        self.built = True

    def call(self, pairs: Any, training: bool = False) -> Any:
        first, second = ops.split(pairs, 2, axis=1)
        return players.cross_entropy(self.discriminator.logits(first), self.discriminator.logits(second))

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
        return ops.mean(y_pred)


def test_discriminator_finds_a_known_ratio_of_densities(compile_model):
    """Of two Gaussians in the plane: what its loss exceeds the least possible by is that of a small error."""
    kinds = [multivariate_normal([0.5, 0.0], [[1.0, 0.6], [0.6, 1.0]]), multivariate_normal([0.0, 0.0], np.eye(2))]
    rng = np.random.default_rng(0)
    train, test = (
        np.concatenate([kind.rvs(count, random_state=rng) for kind in kinds], axis=1).astype("float32")
        for count in (20_000, 4_000)
    )
    judge = Judge(2)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, 8 * 40)  # at a constant rate the last steps shift all logits
    compile_model(judge, rate).fit(train, batch_size=500, epochs=8, verbose=0)
    truth = [kinds[0].logpdf(points) - kinds[1].logpdf(points) for points in (test[:, :2], test[:, 2:])]
    found = [ops.convert_to_numpy(judge.discriminator.logits(points)) for points in (test[:, :2], test[:, 2:])]
    excess = cross_entropy(*found) - cross_entropy(*truth)
    error = excess.std(ddof=1) / np.sqrt(len(excess))
    known = np.log(2.0) - cross_entropy(*truth).mean()  # what the ratio is worth: 0.09 nats
    assert abs(excess.mean()) < 0.1 * known + 4.0 * error
    assert known > 20.0 * error
    assert np.corrcoef(np.concatenate(found), np.concatenate(truth))[0, 1] > 0.97
    kl = 0.5 * (0.25 + 2.0 - 2.0 - np.log(1.0 - 0.36))  # closed form: (|μ|² + tr Σ - 2 - log det Σ) / 2
    assert truth[0].mean() == pytest.approx(kl, abs=4.0 * truth[0].std() / np.sqrt(4_000))
    assert found[0].mean() == pytest.approx(kl, abs=0.15 * kl)  # off by 0.07 to 0.11 of it in six runs


class Codes(FactorVAE):
    """A FactorVAE whose images are codes themselves, of a row of pixels each."""

    def encode(self, images: Any, training: bool = False) -> DiagonalGaussian:
        codes = ops.reshape(images, (-1, self.latent_dim))
        return DiagonalGaussian(codes, ops.full_like(codes, -60.0))


def correlated(numbers: int, rho: float, count: int) -> tuple[np.ndarray, float]:
    """Codes of equal correlations, as images, and their total correlation -½ log det R."""
    matrix = np.full((numbers, numbers), rho) + (1.0 - rho) * np.eye(numbers)
    codes = np.random.default_rng(0).multivariate_normal(np.zeros(numbers), matrix, count)
    return codes.astype("float32").reshape(count, 1, 1, numbers), -0.5 * float(np.linalg.slogdet(matrix)[1])


def diagnosed(numbers: int, rho: float, compile_model: Callable[..., Any]) -> tuple[float, float, float]:
    """The truth, and what a trained discriminator tells of new codes: total correlation and its accuracy."""
    codes, truth = correlated(numbers, rho, 10_000)
    model = Codes(numbers, gamma=0.0, network="linear", likelihood="gaussian", seed=1, discriminator_units=64)
    model.build((None, *codes.shape[1:]))
    compile_model(model, 3e-3).fit(codes[:8_000], batch_size=500, epochs=10, verbose=0)
    found = model.diagnostics(ops.convert_to_tensor(codes[8_000:]), keras.random.SeedGenerator(0))
    tc, accuracy = (ops.convert_to_numpy(found[f"discriminator_{name}"]) for name in ("tc_nats", "accuracy"))
    assert tc.shape == accuracy.shape == (2_000,)
    return truth, float(tc.mean()), float(accuracy.mean())


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_diagnostics_show_where_the_discriminator_s_total_correlation_saturates(compile_model):
    truth, tc, accuracy = diagnosed(2, 0.6, compile_model)
    assert tc == pytest.approx(truth, abs=0.3 * truth)  # 0.22 nats
    assert accuracy < 0.7
    truth, tc, accuracy = diagnosed(8, 0.99, compile_model)
    assert truth > 15.0
    assert tc < 0.75 * truth
    assert accuracy > 0.98


def test_vae_gan_learns_without_comparing_pixels(binary, compile_model):
    """At Adam's usual rate its distortion, which no gradient of the decoder lowers, falls by many standard errors."""
    model = VAEGAN(4, network="mlp-256", seed=1)
    model.build((None, *binary.shape[1:]))
    held = binary[1000:1400]
    before = ops.convert_to_numpy(model.terms(held).distortion)
    compile_model(model).fit(binary[:1000], batch_size=100, epochs=10, verbose=0)
    fallen = before - ops.convert_to_numpy(model.terms(held).distortion)
    assert fallen.mean() > 8.0 * fallen.std(ddof=1) / np.sqrt(len(fallen))
