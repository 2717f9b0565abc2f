"""IWAE's kin: bounds of the same codes, and gradients with less noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops

from aebench.models import CIWAE, IWAE, MIWAE, VAE, IWAEDReG
from aebench.models.distributions import DiagonalGaussian

COUNT, LATENT = 6, 3
# Sums over 64 pixels and over latent dimensions, whose signs cancel by half in a Bernoulli likelihood; three functions.
SAME = rounding.relative(64, 3 * LATENT, 64, 4, 4, 4, condition=2.0)


def numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:COUNT]


def make(cls: type, images: np.ndarray, **settings: Any) -> Any:
    model = cls(LATENT, network="linear", seed=1, name="model", **settings)
    model.adapt(images)
    return model


def objective(cls: type, images: np.ndarray, **settings: Any) -> np.ndarray:
    """At the first draw of noise of a new model: one seed has the same weights and the same noise in every variant."""
    return numpy(make(cls, images, **settings).terms(images).objective)


def log_weights(model: Any, images: np.ndarray) -> np.ndarray:
    """log p(x|z) + β (log p(z) - log q(z|x)) of the codes of a new model's first draw, by hand in float64."""
    one, draws = model.encode(images), model.draws
    posterior = DiagonalGaussian(*(ops.repeat(part, draws, axis=0) for part in (one.mean, one.log_var)))
    codes = posterior.sample(model.noise)
    z, mean, log_var = (numpy(part).astype("float64") for part in (codes, posterior.mean, posterior.log_var))
    logits = numpy(model.decode(codes)).astype("float64").reshape(len(z), -1)
    x = np.repeat(images, draws, axis=0).reshape(len(z), -1)
    log_ratios = 0.5 * ((z - mean) ** 2 / np.exp(log_var) + log_var - z**2).sum(axis=1)
    likelihood = (x * logits - np.logaddexp(0.0, logits)).sum(axis=1)
    return (likelihood + float(numpy(model.beta)) * log_ratios).reshape(-1, draws)


def log_mean_exp(values: np.ndarray, axis: int) -> np.ndarray:
    return np.logaddexp.reduce(values, axis=axis) - np.log(values.shape[axis])


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_objectives_are_those_of_the_same_codes_by_hand(images, beta):
    weights = log_weights(make(IWAE, images, k=4, beta=beta), images)
    iwae, elbo = -log_mean_exp(weights, 1), -weights.mean(axis=1)
    assert objective(IWAE, images, k=4, beta=beta) == pytest.approx(iwae, rel=SAME)
    assert objective(IWAEDReG, images, k=4, beta=beta) == pytest.approx(iwae, rel=SAME)
    mixed = objective(CIWAE, images, k=4, elbo_share=0.3, beta=beta)
    assert mixed == pytest.approx(0.3 * elbo + 0.7 * iwae, rel=SAME)
    halves = -log_mean_exp(weights.reshape(-1, 2, 2), 2).mean(axis=1)
    assert objective(MIWAE, images, m=2, k=2, beta=beta) == pytest.approx(halves, rel=SAME)


def test_miwae_of_one_bound_is_iwae_and_of_one_code_the_elbo(images):
    iwae, elbo = objective(IWAE, images, k=6), -log_weights(make(IWAE, images, k=6), images).mean(axis=1)
    assert objective(MIWAE, images, m=1, k=6) == pytest.approx(iwae, rel=2.0 * rounding.U)
    assert objective(MIWAE, images, m=6, k=1) == pytest.approx(elbo, rel=SAME)


def test_ciwae_goes_from_iwae_to_the_elbo(images):
    iwae, elbo = objective(IWAE, images, k=6), -log_weights(make(IWAE, images, k=6), images).mean(axis=1)
    assert np.array_equal(objective(CIWAE, images, k=6, elbo_share=0.0), iwae)
    assert objective(CIWAE, images, k=6, elbo_share=1.0) == pytest.approx(elbo, rel=SAME)


def test_bounds_of_the_same_codes_are_ordered(images):
    """By Jensen's inequality, whatever the codes are; strictly, where their weights differ."""
    tight, groups = objective(IWAE, images, k=6), objective(MIWAE, images, m=2, k=3)
    mixed, loose = (objective(CIWAE, images, k=6, elbo_share=share) for share in (0.5, 1.0))
    assert np.all(tight < groups)
    assert np.all(groups < loose)
    assert np.all((tight < mixed) & (mixed < loose))


@pytest.mark.parametrize(("cls", "settings"), [(IWAEDReG, {}), (MIWAE, {"m": 1}), (CIWAE, {})])
def test_with_one_code_the_objective_is_the_vae_s_at_that_code(images, cls, settings):
    vae = make(VAE, images)
    posterior = vae.encode(images)
    codes = posterior.sample(vae.noise)
    at_code = vae.distortion(images, codes) + posterior.log_prob(codes) - vae.prior.log_prob(codes)
    assert objective(cls, images, k=1, **settings) == pytest.approx(numpy(at_code), rel=SAME)


def test_rate_is_the_posterior_s_and_distortion_a_mean_over_codes(images):
    reference = make(IWAE, images, k=6).terms(images)
    for cls, settings in ((IWAEDReG, {"k": 6}), (MIWAE, {"m": 2, "k": 3}), (CIWAE, {"k": 6})):
        terms = make(cls, images, **settings).terms(images)
        assert np.array_equal(numpy(terms.rate), numpy(reference.rate))
        assert numpy(terms.distortion) == pytest.approx(numpy(reference.distortion), rel=SAME)


# Doubly reparameterised gradients


def test_dreg_is_worth_the_bound_to_the_last_bit(images):
    for k in (1, 5):
        assert np.array_equal(objective(IWAEDReG, images, k=k), objective(IWAE, images, k=k))


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_the_decoder_s_gradient_is_iwae_s_and_the_encoder_s_is_not(images, gradients, beta):
    (_, plain), (_, doubly) = (gradients(make(cls, images, k=5, beta=beta), images) for cls in (IWAE, IWAEDReG))
    for path, value in plain.items():
        of_decoder = path.split("/")[1] in ("decoder", "output_bias")
        # each entry is a sum over images and codes whose terms, without signs, are at most ten times the largest entry
        bound = rounding.relative(64, COUNT * 5, 4, condition=10.0) * np.abs(value).max()
        assert (np.abs(doubly[path] - value).max() <= bound) == of_decoder, path


class GivenPosterior:
    """A variant whose posteriors are weights of its own, one row for each image: so each row has its own gradient."""

    rows = 4000

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)  # type: ignore[misc]
        shape = (self.rows, LATENT)
        self.means = self.add_weight(name="means", shape=shape, initializer=keras.initializers.Constant(0.4))  # type: ignore[attr-defined]
        self.log_vars = self.add_weight(name="log_vars", shape=shape, initializer=keras.initializers.Constant(-1.0))  # type: ignore[attr-defined]

    def encode(self, images: Any, training: bool = False) -> DiagonalGaussian:
        return DiagonalGaussian(ops.convert_to_tensor(self.means), ops.convert_to_tensor(self.log_vars))


class PlainRows(GivenPosterior, IWAE):
    pass


class DoublyRows(GivenPosterior, IWAEDReG):
    pass


@pytest.fixture(scope="module")
def posterior_gradients(binary: np.ndarray, gradients: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """posterior_gradients(cls, k, beta) -> of one image's objective, for 4,000 draws of noise: `(draws, 2 latent)`."""

    def found(cls: type, k: int, beta: float) -> np.ndarray:
        image = np.repeat(binary[7:8], GivenPosterior.rows, axis=0)
        model = cls(LATENT, network="linear", seed=1, name="model", k=k, beta=beta)
        model.adapt(binary[:200])
        kernel = model.decoder.get_layer("output").kernel
        kernel.assign(np.random.default_rng(0).normal(0.0, 0.6, kernel.shape))  # for the likelihood to tell codes apart
        _, by_path = gradients(model, image)
        parts = [by_path["model/means"], by_path["model/log_vars"]]
        return np.concatenate(parts, axis=1).astype("float64") * GivenPosterior.rows

    return found


@pytest.mark.parametrize(("k", "beta", "most"), [(1, 1.0, 0.3), (5, 1.0, 0.2), (5, 2.0, 0.6), (20, 1.0, 0.2)])
def test_the_posterior_s_gradient_is_iwae_s_on_average_with_less_noise(posterior_gradients, k, beta, most):
    """Of pairs with the same noise; its variance is 0.18, 0.11, 0.41 and 0.08 of IWAE's."""
    plain, doubly = (posterior_gradients(cls, k, beta) for cls in (PlainRows, DoublyRows))
    difference = doubly - plain
    error = difference.std(axis=0, ddof=1) / len(difference) ** 0.5
    assert np.all(np.abs(difference.mean(axis=0)) < 4.5 * error)
    signal = np.abs(doubly.mean(axis=0)) / error
    assert signal.max() > 15.0, "a bias of a fifteenth of the gradient would not be seen"
    ratio = doubly.var(axis=0).sum() / plain.var(axis=0).sum()
    assert ratio < most


# Settings


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (IWAEDReG, {"k": 0}, "`k` must be at least 1. Received: k=0"),
        (MIWAE, {"k": 0}, "`k` must be at least 1. Received: k=0"),
        (MIWAE, {"m": 0}, "`m` must be at least 1. Received: m=0"),
        (CIWAE, {"elbo_share": 1.5}, "`elbo_share` must be at most 1. Received: elbo_share=1.5"),
        (CIWAE, {"elbo_share": -0.5}, "`elbo_share` must be finite and at least 0. Received: elbo_share=-0.5"),
    ],
)
def test_bad_settings_are_refused(cls, settings, message):
    with pytest.raises(ValueError, match=message):
        cls(2, **settings)


def test_options_are_kept_in_the_config():
    model = MIWAE.from_config(MIWAE(2, m=3, k=2).get_config())
    assert (model.m, model.k, model.draws) == (3, 2, 6)
