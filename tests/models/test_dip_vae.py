"""DIP-VAE: its penalty against numpy.cov, its objective against NumPy, the VAE where λ = 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rounding
from keras import ops

from aebench.models import DIPVAE, VAE
from aebench.models.distributions import DiagonalGaussian

LATENT = 4
RNG = np.random.default_rng(0)
MEANS = (RNG.standard_normal((50, LATENT)) @ RNG.standard_normal((LATENT, LATENT)) + 1.0).astype("float32")
LOG_VARS = RNG.uniform(-3.0, 0.5, (50, LATENT)).astype("float32")


def numpy_penalty(means: np.ndarray, log_vars: np.ndarray, kind: str, lambda_od: float, lambda_d: float) -> float:
    covariance = np.cov(means.astype("float64"), rowvar=False, bias=True)
    if kind == "ii":
        covariance = covariance + np.diag(np.exp(log_vars.astype("float64")).mean(axis=0))
    variances = np.diag(covariance)
    crossed = (covariance**2).sum() - (variances**2).sum()
    return float(lambda_od * crossed + lambda_d * ((variances - 1.0) ** 2).sum())


def made(images: np.ndarray, cls: Any = DIPVAE, **settings: Any) -> Any:
    model = cls(LATENT, network="linear", seed=1, name="one", **settings)
    model.adapt(images)
    return model


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:40]


@pytest.mark.parametrize("kind", ["i", "ii"])
@pytest.mark.parametrize(("lambda_od", "lambda_d"), [(2.0, 0.0), (0.0, 3.0), (2.0, 20.0)])
def test_penalty_is_that_of_numpy_s_covariance(kind, lambda_od, lambda_d):
    model = DIPVAE(LATENT, kind=kind, lambda_od=lambda_od, lambda_d=lambda_d)
    found = model.penalty(DiagonalGaussian(ops.convert_to_tensor(MEANS), ops.convert_to_tensor(LOG_VARS)))
    expected = numpy_penalty(MEANS, LOG_VARS, kind, lambda_od, lambda_d)
    # squares of sums over codes, from centred codes; variances less 1 cancel by no more than 3 times
    assert float(found) == pytest.approx(expected, rel=2.0 * rounding.relative(50, 50, LATENT**2, condition=3.0))
    assert expected > 1.0


@pytest.mark.parametrize("kind", ["i", "ii"])
def test_independent_codes_of_variance_one_cost_nothing(kind):
    """Corners of a cube are uncorrelated exactly; kind "ii" leaves half of each variance to the posterior."""
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * LATENT)).reshape(LATENT, -1).T
    posterior_variance = {"i": 0.3, "ii": 0.5}[kind]
    means = corners * {"i": 1.0, "ii": 0.5**0.5}[kind]
    log_vars = np.full_like(means, np.log(posterior_variance))
    posterior = DiagonalGaussian(*(ops.convert_to_tensor(one.astype("float32")) for one in (means, log_vars)))
    assert abs(float(DIPVAE(LATENT, kind=kind).penalty(posterior))) < 100.0 * LATENT * rounding.relative(16, 4) ** 2


@pytest.mark.parametrize("kind", ["i", "ii"])
def test_objective_is_numpy_s(kind, images):
    model = made(images, kind=kind, beta=0.7, lambda_od=3.0, lambda_d=5.0)
    state = ops.convert_to_numpy(model.noise.state.value)
    posterior = model.encode(images)
    logits = ops.convert_to_numpy(model.decode(posterior.sample(model.noise))).astype("float64")
    model.noise.state.assign(state)
    mean, log_var = (ops.convert_to_numpy(part).astype("float64") for part in (posterior.mean, posterior.log_var))
    distortion = (np.logaddexp(0.0, logits) - images * logits).sum(axis=(1, 2, 3))
    rate = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1.0).sum(axis=1)
    expected = distortion + 0.7 * rate + numpy_penalty(mean, log_var, kind, 3.0, 5.0)
    assert ops.convert_to_numpy(model.terms(images).objective) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["i", "ii"])
def test_without_penalty_it_is_the_vae(kind, images):
    ours, vae = made(images, kind=kind, lambda_od=0.0, lambda_d=0.0), made(images, VAE)
    np.testing.assert_array_equal(*(ops.convert_to_numpy(model.terms(images).objective) for model in (ours, vae)))


def test_kind_i_leaves_the_variances_of_posteriors_alone(images, gradients):
    """Its penalty moves the means' weights; kind "ii" moves those of the log-variance too."""
    for kind, moved in (("i", False), ("ii", True)):
        (_, vae), (_, ours) = (gradients(made(images, kind=kind, lambda_od=w, lambda_d=w), images) for w in (0.0, 5.0))
        assert not np.array_equal(vae["one/mean/kernel"], ours["one/mean/kernel"])
        assert np.array_equal(vae["one/log_var/kernel"], ours["one/log_var/kernel"]) is not moved


@pytest.mark.parametrize("name", ["beta", "lambda_od", "lambda_d"])
def test_bad_weights_are_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` must be finite and at least 0. Received: {name}=-1.0"):
        DIPVAE(2, **{name: -1.0})


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"`kind` must be one of i, ii. Received: kind='iii'"):
        DIPVAE(2, kind="iii")
    assert DIPVAE.from_config(DIPVAE(2, kind="ii").get_config()).kind == "ii"
