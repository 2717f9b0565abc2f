"""WAE-MMD and InfoVAE: the discrepancy against loops over pairs, objectives against NumPy, limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rounding
from keras import ops
from scipy.spatial.distance import cdist

from aebench.models import VAE, WAEMMD, InfoVAE
from aebench.models.mmd import SCALES, squared_distances, unbiased_mmd

LATENT = 3
SAMPLE = np.random.default_rng(0).standard_normal((2, 12, LATENT)).astype("float32") * [[[2.0]], [[1.0]]] + 0.5


def kernel(x: np.ndarray, y: np.ndarray) -> float:
    square = sum((float(a) - float(b)) ** 2 for a, b in zip(x, y, strict=True))
    return sum(2 * len(x) * scale / (2 * len(x) * scale + square) for scale in SCALES)


def mmd_by_loops(codes: np.ndarray, others: np.ndarray) -> float:
    """Gretton et al. 2012, equation 3: means over i ≠ j within each sample, over all pairs across."""
    count, within, across = len(codes), 0.0, 0.0
    for i in range(count):
        for j in range(count):
            across += kernel(codes[i], others[j])
            if i != j:
                within += kernel(codes[i], codes[j]) + kernel(others[i], others[j])
    return within / (count * (count - 1)) - 2.0 * across / count**2


def mmd(codes: np.ndarray, others: np.ndarray) -> float:
    return float(unbiased_mmd(*(ops.convert_to_tensor(one.astype("float32")) for one in (codes, others))))


def bound(count: int) -> float:
    """Of three means over pairs, of 7 numbers below 1 each, which are sums over pixels of codes."""
    return 3 * len(SCALES) * rounding.relative(count, count, len(SCALES), LATENT, condition=2.0)


def test_discrepancy_is_that_of_loops_over_pairs():
    codes, others = SAMPLE
    assert mmd(codes, others) == pytest.approx(mmd_by_loops(codes, others), abs=bound(len(codes)))
    assert mmd(codes, others) > 0.1


def test_distances_are_scipy_s():
    codes, others = SAMPLE.astype("float32")
    found = ops.convert_to_numpy(squared_distances(*map(ops.convert_to_tensor, (codes, others))))
    norms = (codes**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)
    assert (np.abs(found - cdist(codes, others, "sqeuclidean")) <= 2.0 * rounding.relative(LATENT + 3) * norms).all()


def test_discrepancy_has_no_bias():
    """Its mean over pairs of samples of one distribution is 0, and negative values occur; the biased one's is not."""
    rng = np.random.default_rng(1)
    draws = rng.standard_normal((100, 2, 16, LATENT))
    values = np.array([mmd(*pair) for pair in draws])
    assert abs(values.mean()) < 4.0 * values.std(ddof=1) / np.sqrt(len(values))
    assert values.min() < 0.0
    of_itself = 2.0 * (len(SCALES) - 1.0) / 16.0  # the least that pairs of a point with itself would add
    assert of_itself > 20.0 * values.std(ddof=1) / np.sqrt(len(values))


def test_one_image_has_no_pairs_and_is_still_finite():
    assert mmd(np.zeros((1, 2)), np.ones((1, 2))) == pytest.approx(-2.0 * kernel(np.zeros(2), np.ones(2)), rel=1e-6)


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:40]


def made(cls: Any, images: np.ndarray, **settings: float) -> Any:
    model = cls(LATENT, network="linear", seed=1, name="one", **settings)
    model.adapt(images)
    return model


def nats(model: Any, images: np.ndarray, codes: Any) -> np.ndarray:
    """-log p(x|z) under a Bernoulli likelihood."""
    logits = ops.convert_to_numpy(model.decode(codes)).astype("float64")
    return (np.logaddexp(0.0, logits) - images * logits).sum(axis=(1, 2, 3))


def replay(model: Any, images: np.ndarray) -> tuple[Any, np.ndarray]:
    """The codes and the draws of the prior that the next `terms` will make."""
    state = ops.convert_to_numpy(model.noise.state.value)
    codes = model.encode(images).sample(model.noise)
    drawn = model.prior.sample(len(images), model.noise)
    model.noise.state.assign(state)
    return codes, ops.convert_to_numpy(drawn)


def kl(posterior: Any) -> np.ndarray:
    mean, log_var = (ops.convert_to_numpy(part).astype("float64") for part in (posterior.mean, posterior.log_var))
    return 0.5 * (mean**2 + np.exp(log_var) - log_var - 1.0).sum(axis=1)


def test_wae_objective_is_numpy_s(images):
    model = made(WAEMMD, images, lambda_=7.0)
    codes, drawn = replay(model, images)
    expected = nats(model, images, codes) + 7.0 * mmd_by_loops(ops.convert_to_numpy(codes), drawn)
    assert ops.convert_to_numpy(model.terms(images).objective) == pytest.approx(expected, rel=1e-5)


def test_info_vae_objective_is_numpy_s(images):
    model = made(InfoVAE, images, alpha=0.3, lambda_=5.0)
    codes, drawn = replay(model, images)
    penalty = (0.3 + 5.0 - 1.0) * mmd_by_loops(ops.convert_to_numpy(codes), drawn)
    expected = nats(model, images, codes) + 0.7 * kl(model.encode(images)) + penalty
    assert ops.convert_to_numpy(model.terms(images).objective) == pytest.approx(expected, rel=1e-5)


def test_without_lambda_wae_is_the_autoencoder(images):
    terms = made(WAEMMD, images, lambda_=0.0).terms(images)
    assert np.array_equal(ops.convert_to_numpy(terms.objective), ops.convert_to_numpy(terms.distortion))


def test_info_vae_at_its_first_corner_is_the_vae(images, gradients):
    ours, vae = made(InfoVAE, images, alpha=0.0, lambda_=1.0), made(VAE, images)
    same = rounding.relative(len(images), 64, condition=4.0)
    (loss, found), (vae_loss, vae_found) = (gradients(model, images) for model in (ours, vae))
    assert loss == pytest.approx(vae_loss, rel=rounding.relative(len(images)))
    for path, gradient in vae_found.items():
        np.testing.assert_allclose(found[path], gradient, atol=same * np.abs(gradient).max())
    np.testing.assert_array_equal(*(ops.convert_to_numpy(model.terms(images).objective) for model in (ours, vae)))


def test_info_vae_at_its_last_corner_is_wae_without_a_rate(images):
    """Whose posterior has shrunk to its mean: at one code and one set of draws of the prior."""
    ours, wae = made(InfoVAE, images, alpha=1.0, lambda_=9.0), made(WAEMMD, images, lambda_=9.0)
    ours.log_var_head.bias.assign(np.full(LATENT, -80.0, "float32"))  # exp(-40) is lost beside a code
    wae.noise.state.assign(np.array([5, 1], "uint32"))  # it draws no noise for the codes, hence one draw ahead
    ours.noise.state.assign(np.array([5, 0], "uint32"))
    codes, drawn = replay(ours, images)
    wae_codes, wae_drawn = replay(wae, images)
    np.testing.assert_array_equal(drawn, wae_drawn)
    np.testing.assert_array_equal(ops.convert_to_numpy(codes), ops.convert_to_numpy(wae_codes))
    one, other = (ops.convert_to_numpy(model.terms(images).objective) for model in (ours, wae))
    assert one == pytest.approx(other, rel=rounding.relative(4))


@pytest.mark.parametrize(("cls", "name"), [(WAEMMD, "lambda_"), (InfoVAE, "alpha"), (InfoVAE, "lambda_")])
@pytest.mark.parametrize("bad", [-0.1, float("inf"), float("nan")])
def test_bad_settings_are_refused(cls, name, bad):
    with pytest.raises(ValueError, match=f"`{name}` must be finite and at least 0. Received: {name}={bad}"):
        cls(2, **{name: bad})
