"""Two stochastic layers: an exact linear Gaussian model, both rates, and a top layer that says nothing."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import layers, ops
from scipy.stats import multivariate_normal, norm

from aebench.backends.weights import get_weights
from aebench.measures.evaluator import Evaluator
from aebench.measures.importance_bound import importance_bound
from aebench.models import VAE, HierarchicalVAE, LadderVAE
from aebench.models.distributions import DiagonalGaussian
from aebench.models.ladder_vae import precision_weighted

BOTTOM, TOP = 4, 2
SHAPE = (4, 4, 1)
PIXELS = math.prod(SHAPE)
VARIANCE = 0.3  # of a pixel around its mean
LAYERED = [HierarchicalVAE, LadderVAE]


def numpy(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), "float64")


def make(cls: Any, images: np.ndarray, **settings: Any) -> Any:
    model = cls(BOTTOM, top=TOP, hidden=8, network="linear", seed=1, **settings)
    model.adapt(images)
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        if weight is not model.output_bias:
            scale = 0.6 / math.sqrt(math.prod(weight.shape[:-1]))
            weight.assign(numpy(weight) + rng.normal(0.0, scale, weight.shape))
    return model


def linear_network(name: str, inputs: int, outputs: int) -> keras.Sequential:
    """One linear layer in place of the two of tanh between z1 and z2."""
    network = keras.Sequential([layers.Dense(outputs, name=f"{name}_0")], name=name)
    network.build((None, inputs))
    return network


class LinearHierarchicalVAE(HierarchicalVAE):
    """The two-layer VAE without anything that is not linear."""

    def _between(self, name: str, inputs: int, outputs: int) -> keras.Sequential:
        return linear_network(name, inputs, 2 * outputs)


class LinearLadderVAE(LadderVAE):
    """The ladder without anything that is not linear."""

    def _between(self, name: str, inputs: int, outputs: int) -> keras.Sequential:
        return linear_network(name, inputs, 2 * outputs)


class Exact:
    """z2 ~ N(0, I), z1 = A z2 + noise of variances s, x = W z1 + m + noise of variance `VARIANCE`, and all posteriors.

    Rows of A and columns of W are orthogonal, one number of z2 moves some of z1 together: then each posterior that is
    asked for is a Gaussian of diagonal covariance, where the directions are chosen well.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.down = np.zeros((TOP, BOTTOM))  # z2 to the mean of z1
        self.down[0, 0], self.down[1, 2] = 1.5, -0.8
        self.spread = np.array([0.4, 1.0, 0.6, 1.0])
        directions = np.linalg.qr(rng.normal(size=(PIXELS, BOTTOM)))[0]
        self.out = (directions * [1.6, 1.2, 0.9, 0.7]).T  # z1 to the mean of x
        self.centre = rng.normal(size=PIXELS)
        self.prior = self.down.T @ self.down + np.diag(self.spread)  # covariance of z1, diagonal by the choice of A
        self.marginal = multivariate_normal(self.centre, self.out.T @ self.prior @ self.out + VARIANCE * np.eye(PIXELS))

    def posterior(self, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Kernel from x - m to the mean of z1, and its variances, where z1 has these variances before x is seen."""
        precision = 1.0 / variances + (self.out**2).sum(axis=1) / VARIANCE
        return self.out.T / VARIANCE / precision, 1.0 / precision

    def weights(self, ladder: bool) -> dict[str, np.ndarray]:
        """Of the model whose posteriors are exact."""
        prior = np.diag(self.prior)
        shared = {
            "decoder/output/kernel": self.out,
            "output_bias": self.centre.reshape(SHAPE),
            "likelihood/log_var": np.log(VARIANCE),
            "beta": np.array(1.0),
            "down/down_0/kernel": np.concatenate([self.down, np.zeros((TOP, BOTTOM))], axis=1),
            "down/down_0/bias": np.concatenate([np.zeros(BOTTOM), np.log(self.spread)]),
        }
        # q(z2|z1): the precision of z2 grows by what z1 tells of it.
        told = 1.0 / (1.0 + (self.down**2 / self.spread).sum(axis=1))
        up = (self.down / self.spread).T * told
        if ladder:
            # The word of x on z1 without any prior; and q(z2|x), through the exact mean of z1 and what it leaves open.
            kernel, variances = self.out.T / (self.out**2).sum(axis=1), VARIANCE / (self.out**2).sum(axis=1)
            seen = 1.0 / (1.0 + (self.down**2 / (self.spread + variances)).sum(axis=1))
            through = kernel @ ((self.down / (self.spread + variances)).T * seen)
            up_kernel, up_bias, log_var = through, -self.centre @ through, np.log(seen)
        else:
            kernel, variances = self.posterior(prior)
            up_kernel, up_bias, log_var = up, np.zeros(TOP), np.log(told)
        return {
            **shared,
            "mean/kernel": kernel,
            "mean/bias": -self.centre @ kernel,
            "log_var/kernel": np.zeros((PIXELS, BOTTOM)),
            "log_var/bias": np.log(variances),
            "up/up_0/kernel": np.concatenate([up_kernel, np.zeros_like(up_kernel)], axis=1),
            "up/up_0/bias": np.concatenate([up_bias, log_var]),
        }


@pytest.mark.parametrize("cls", [LinearHierarchicalVAE, LinearLadderVAE])
def test_from_exact_posteriors_every_code_of_both_layers_has_the_exact_likelihood(cls):
    """log p(x|z1) + log p(z1|z2) + log p(z2) - log q(z1, z2|x) is log p(x) at every code, whatever was drawn."""
    exact = Exact()
    model = cls(BOTTOM, top=TOP, network="linear", likelihood="gaussian")
    model.build((None, *SHAPE))
    weights = {name: np.asarray(value, "float32") for name, value in exact.weights(cls is LinearLadderVAE).items()}
    assert {name: value.shape for name, value in weights.items()} == {
        name: value.shape for name, value in get_weights(model).items()
    }
    flat = exact.marginal.rvs(30, random_state=1).astype("float32")
    evaluator = Evaluator(model)
    # Sums over 16 pixels, of functions of sums over 4 numbers of z1 and 2 of z2, of up to 200 nats without their signs.
    bound = rounding.relative(PIXELS, BOTTOM, TOP) * 200.0
    (found,) = importance_bound(evaluator, evaluator.load([weights]), flat.reshape(-1, *SHAPE), 0.0, 64)
    np.testing.assert_allclose(found.log_likelihood, exact.marginal.logpdf(flat), rtol=0, atol=bound)


@pytest.mark.parametrize("cls", LAYERED)
def test_log_densities_of_a_code_are_those_of_its_layers(cls, binary):
    """By scipy, from what each network says."""
    model = make(cls, binary)
    posterior = model.encode(binary[:30])
    code = posterior.sample(model.noise)
    z1, z2 = np.split(numpy(code), [BOTTOM], axis=1)

    def log_pdf(z: np.ndarray, gaussian: Any) -> np.ndarray:
        found: np.ndarray = norm(numpy(gaussian.mean), np.exp(0.5 * numpy(gaussian.log_var))).logpdf(z).sum(axis=1)
        return found

    tensors = [ops.convert_to_tensor(part.astype("float32")) for part in (z1, z2)]
    if cls is LadderVAE:
        log_q = log_pdf(z2, posterior.top) + log_pdf(z1, posterior.below(tensors[1]))
    else:
        log_q = log_pdf(z1, posterior.bottom) + log_pdf(z2, posterior.above(tensors[0]))
    log_p = norm.logpdf(z2).sum(axis=1) + log_pdf(z1, model.prior.below(tensors[1]))
    same = rounding.relative(64, 8, 8, BOTTOM, condition=30.0)  # squares of up to 30 nats in sums of about 1
    assert numpy(posterior.log_prob(code)) == pytest.approx(log_q, rel=same, abs=same)
    assert numpy(model.prior.log_prob(code)) == pytest.approx(log_p, rel=same, abs=same)
    assert numpy(model.rate(posterior, code)) == pytest.approx(log_q - log_p, rel=same, abs=2.0 * same)


@pytest.mark.parametrize("cls", LAYERED)
def test_the_rate_of_the_upper_layer_is_the_mean_of_its_log_ratios(cls, binary):
    """KL(q(z2|·) || p(z2)), by many draws of z2."""
    model, draws = make(cls, binary), 20_000
    image = np.repeat(binary[:1], draws, axis=0)
    posterior = model.encode(image)
    z1, z2 = ops.split(posterior.sample(model.noise), [BOTTOM], axis=1)
    top = posterior.top if cls is LadderVAE else posterior.above(z1)
    ratios = numpy(top.log_prob(z2)) - norm.logpdf(numpy(z2)).sum(axis=1)
    told = numpy(model.diagnostics(image, model.noise)["top_rate_nats"])
    error = math.hypot(ratios.std(), told.std()) / math.sqrt(draws)
    assert told.mean() > 0.1
    assert abs(ratios.mean() - told.mean()) < 5.0 * error


def silent_top(model: Any) -> Any:
    """Puts q(z2|·) = p(z2) and p(z1|z2) = N(0, I), whatever comes in."""
    for network in (model.up, model.down):
        for weight in network.layers[-1].weights:
            weight.assign(np.zeros(weight.shape))
    return model


def test_with_a_silent_top_it_is_the_vae_of_one_layer(binary):
    images = binary[:30]
    model, plain = silent_top(make(HierarchicalVAE, binary)), VAE(BOTTOM, network="linear", seed=1)
    plain.adapt(binary)
    values = {weight.path.split("/", 1)[1]: weight for weight in model.weights}
    for weight in plain.weights:
        weight.assign(values[weight.path.split("/", 1)[1]])
    for one in (model, plain):
        one.noise.state.assign(np.zeros(2, "uint32"))
    terms, posterior = model.terms(images), plain.encode(images)
    codes = posterior.sample(plain.noise)
    rate = numpy(posterior.log_prob(codes)) - numpy(plain.prior.log_prob(codes))
    same = rounding.relative(64, BOTTOM, 64, condition=3.0)
    assert numpy(terms.distortion) == pytest.approx(numpy(plain.distortion(images, codes)), rel=same)
    # Log-densities of up to 30 nats whose difference it is.
    assert numpy(terms.rate) == pytest.approx(rate, abs=30.0 * rounding.relative(64, BOTTOM + TOP, 4))
    assert numpy(model.diagnostics(images, model.noise)["top_rate_nats"]) == pytest.approx(0.0, abs=4.0 * rounding.U)


def test_with_a_silent_top_the_ladder_is_a_vae_of_one_layer(binary):
    """Of the posterior that N(0, I) and the image's word make together."""
    images = binary[:30]
    model = silent_top(make(LadderVAE, binary))
    seen = VAE.encode(model, images)
    precision = 1.0 + np.exp(-numpy(seen.log_var))
    mean = numpy(seen.mean) * np.exp(-numpy(seen.log_var)) / precision
    posterior = model.encode(images)
    code = posterior.sample(model.noise)
    z1 = numpy(code)[:, :BOTTOM]
    rate = norm(mean, precision**-0.5).logpdf(z1).sum(axis=1) - norm.logpdf(z1).sum(axis=1)
    assert numpy(model.rate(posterior, code)) == pytest.approx(rate, abs=30.0 * rounding.relative(64, BOTTOM + TOP, 4))
    assert numpy(posterior.mean)[:, :BOTTOM] == pytest.approx(
        mean, rel=rounding.relative(64, 4, 4, condition=10.0), abs=1e-6
    )


@pytest.mark.usefixtures("in_float64")
def test_precision_weighting_is_the_product_of_two_gaussians():
    """Up to its normaliser: the difference of log-densities is the same at every point."""
    rng = np.random.default_rng(0)
    one, other = (
        DiagonalGaussian(*(ops.convert_to_tensor(rng.normal(0.0, 2.0, (1, BOTTOM))) for _ in range(2)))
        for _ in range(2)
    )
    points = ops.convert_to_tensor(rng.normal(0.0, 3.0, (50, BOTTOM)))
    product = precision_weighted(one, other)
    parts = [numpy(each.log_prob(points)) for each in (one, other, product)]
    difference = parts[0] + parts[1] - parts[2]
    # On JAX, Keras takes logaddexp of float64 in float32.
    precision = 8 * rounding.U if keras.backend.backend() == "jax" else 1e-12
    assert difference == pytest.approx(np.full(50, difference[0]), abs=precision * np.abs(parts).max())


@pytest.mark.parametrize("cls", LAYERED)
def test_the_decoder_reads_the_lower_layer_alone(cls, binary):
    model = make(cls, binary)
    code = numpy(model.encode(binary[:5]).mean).astype("float32")
    other = code.copy()
    other[:, BOTTOM:] += 1.0
    assert np.array_equal(numpy(model.decode(code)), numpy(model.decode(other)))


@pytest.mark.parametrize("cls", LAYERED)
@pytest.mark.parametrize("name", ["top", "hidden"])
def test_bad_sizes_are_refused(cls, name):
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1. Received: {name}=0"):
        cls(4, **{name: 0})
