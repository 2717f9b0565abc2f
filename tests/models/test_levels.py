"""Likelihoods of pixels that have a few levels, against SciPy in float64."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import rounding
from keras import ops
from scipy import special, stats

from aebench import backends
from aebench.measures.bound import bits_per_dim
from aebench.models import VAE, likelihoods
from aebench.models.levels import Categorical, DiscretisedLogistics

STEP = 2.0 / 255.0
EXTREMES = [(0.0, -1.5), (-1.0, -7.0), (1.0, -30.0), (0.3, -4.0), (-0.9, 0.0), (5.0, -3.0), (-40.0, -7.0), (0.0, 40.0)]


def numpy(values) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(values), "float64")


def tensor(array: np.ndarray):
    return ops.convert_to_tensor(array, "float32")


def logistics(shape: tuple[int, ...], components: int = 5) -> DiscretisedLogistics:
    layer = DiscretisedLogistics(components)
    layer.build((None, *shape))
    return layer


def drawn(layer, count: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Images of bytes and output of a decoder that spreads over the range and beyond, `float32`."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (count, *shape))
    x[0], x[1] = 0, 255
    output = rng.normal(size=(count, *layer.parameter_shape(shape)))
    return (x / 255.0).astype("float32"), output.astype("float32")


def log_level(x: np.ndarray, mean: np.ndarray, log_scale: np.ndarray) -> np.ndarray:
    """By SciPy's logistic distribution, in the tail where differences keep their digits; x from -1 to 1."""
    scale = np.exp(np.maximum(log_scale, -7.0))
    low = np.where(x < -1.0 + STEP / 2, -np.inf, x - STEP / 2)
    high = np.where(x > 1.0 - STEP / 2, np.inf, x + STEP / 2)
    cdf, sf = (lambda at: stats.logistic.cdf(at, mean, scale)), (lambda at: stats.logistic.sf(at, mean, scale))
    with np.errstate(divide="ignore"):
        return np.log(np.where(x < mean, cdf(high) - cdf(low), sf(low) - sf(high)))


def oracle(images: np.ndarray, output: np.ndarray, components: int) -> np.ndarray:
    """Nats per image, pixel by pixel as Salimans et al. 2017 write it down for red, green and blue."""
    x = 2.0 * images.astype("float64") - 1.0
    channels = x.shape[-1]
    split = output.astype("float64").reshape(*output.shape[:-1], -1, components)
    means, scales = split[..., 1 : 1 + channels, :], split[..., 1 + channels : 1 + 2 * channels, :]
    coefficient = np.tanh(split[..., 1 + 2 * channels :, :])
    shifted = [means[..., at, :] for at in range(channels)]
    if channels == 3:
        red, green = x[..., 0, None], x[..., 1, None]
        shifted[1] = shifted[1] + coefficient[..., 0, :] * red
        shifted[2] = shifted[2] + coefficient[..., 1, :] * red + coefficient[..., 2, :] * green
    each = sum(log_level(x[..., at, None], shifted[at], scales[..., at, :]) for at in range(channels))
    return special.logsumexp(special.log_softmax(split[..., 0, :], axis=-1) + each, axis=-1).sum(axis=(1, 2))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("components", [1, 5])
def test_discretised_logistics_are_scipy_s(channels, components):
    shape = (4, 3, channels)
    layer = logistics(shape, components)
    x, output = drawn(layer, 20, shape)
    expected = oracle(x, output, components)
    found = numpy(layer.log_prob(tensor(x), tensor(output)))
    # Each channel's terms are functions of (x - mean) / scale, of up to e^3 times what is rounded: half of all nats.
    assert found == pytest.approx(expected, rel=rounding.relative(12 * channels, 8, 8, condition=32.0))


@pytest.mark.parametrize(("mean", "log_scale"), EXTREMES)
def test_the_probabilities_of_all_bytes_add_up_to_1(mean, log_scale):
    layer = logistics((1, 1, 1), components=2)
    output = np.array([0.3, -0.5, mean, 0.1, log_scale, -2.0], "float32")
    x = (np.arange(256.0) / 255.0).astype("float32").reshape(-1, 1, 1, 1)
    log_prob = numpy(layer.log_prob(tensor(x), tensor(np.tile(output, (256, 1, 1, 1)))))
    assert np.isfinite(log_prob).all()
    # A probability's logarithm is off by the rounding of (x - mean) / scale, which in the sum nearly all lies near 0.
    assert np.exp(log_prob).sum() == pytest.approx(1.0, abs=rounding.relative(256, 8, condition=8.0))


def test_the_probabilities_of_all_colours_add_up_to_1():
    """Of six levels a channel, 216 colours: channels shift each other, so that no channel's sum tells alone."""
    layer = logistics((1, 1, 3))
    layer.levels = 6
    colours = np.array(list(itertools.product(range(6), repeat=3)), "float32").reshape(-1, 1, 1, 3) / 5.0
    output = np.random.default_rng(0).normal(size=layer.parameter_shape((1, 1, 3)))
    log_prob = numpy(layer.log_prob(tensor(colours), tensor(np.tile(output, (216, 1, 1, 1)))))
    assert np.exp(log_prob).sum() == pytest.approx(1.0, abs=rounding.relative(216, 8, condition=8.0))


def test_the_probabilities_of_all_blues_are_that_of_red_and_green():
    """256 levels: the sum over blue is the probability that a model of two channels has, whose pixels it factorises."""
    three, two = logistics((1, 1, 3)), logistics((1, 1, 2))
    output = np.random.default_rng(0).normal(size=(10, 5))
    blue = np.zeros((256, 1, 1, 3), "float32")
    blue[..., :2], blue[..., 2] = [[[0.2, 0.6]]], np.arange(256.0).reshape(-1, 1, 1) / 255.0
    together = numpy(three.log_prob(tensor(blue), tensor(np.tile(output.reshape(1, 1, 1, -1), (256, 1, 1, 1)))))
    without_blue = output[[0, 1, 2, 4, 5, 7]].reshape(1, 1, 1, -1)
    alone = numpy(two.log_prob(tensor(blue[:1, ..., :2]), tensor(without_blue)))
    assert special.logsumexp(together) == pytest.approx(alone.item(), abs=rounding.relative(256, 8, condition=32.0))


@pytest.mark.parametrize("make", [DiscretisedLogistics, Categorical])
def test_gradients_are_finite_at_black_and_white_and_far_out(make):
    """Where published code divides by a difference of two sigmoids that are both 0 or 1."""
    layer = make()
    layer.build((None, 1, 1, 3))
    (size,) = layer.parameter_shape((1, 1, 3))[2:]
    rng = np.random.default_rng(0)
    output = np.concatenate([np.zeros((1, size)), *(rng.normal(0.0, sd, (40, size)) for sd in (1.0, 10.0, 1000.0))])
    for value in (0.0, 0.5, 1.0):
        x = tensor(np.full((len(output), 1, 1, 3), value))
        slope = backends.current().gradient(lambda output, x=x: layer.log_prob(x, output))
        found = numpy(slope(tensor(output[:, None, None])))
        assert np.isfinite(found).all()
        assert np.isfinite(numpy(layer.log_prob(x, tensor(output[:, None, None])))).all()


def test_a_grey_pixel_s_mean_is_that_of_its_probabilities_to_half_a_level():
    layer = logistics((1, 1, 1), components=1)
    x = (np.arange(256.0) / 255.0).astype("float32").reshape(-1, 1, 1, 1)
    for mean, log_scale in EXTREMES:
        output = np.array([0.0, mean, log_scale], "float32").reshape(1, 1, 1, 3)
        each = np.exp(numpy(layer.log_prob(tensor(x), tensor(np.tile(output, (256, 1, 1, 1))))))
        found = numpy(layer.mean(tensor(output))).item()
        assert found == pytest.approx(each @ (np.arange(256.0) / 255.0), abs=STEP / 4 + 1e-4)


def test_a_colour_s_mean_is_that_of_drawn_colours():
    """Colours drawn by NumPy as the model says, within the range, where no bound cuts."""
    rng, layer = np.random.default_rng(0), logistics((1, 1, 3), components=2)
    means, coefficients = [[0.2, -0.3], [0.1, 0.0], [-0.2, 0.2]], [[0.5, -1.0], [0.3, 1.0], [-2.0, 0.1]]
    split = np.array([[0.4, -0.4], *means, *[[-4.0, -3.5]] * 3, *coefficients])
    which, draws = rng.random(100_000) < special.softmax(split[0])[1], rng.logistic(size=(3, 100_000))
    pick = np.where(which, split[:, 1:], split[:, :1])
    shift = np.tanh(pick[7:])
    red = np.round((pick[1] + np.exp(pick[4]) * draws[0]) / STEP - 0.5) * STEP + STEP / 2
    green = pick[2] + shift[0] * red + np.exp(pick[5]) * draws[1]
    blue = pick[3] + shift[1] * red + shift[2] * green + np.exp(pick[6]) * draws[2]
    drawn = 0.5 + 0.5 * np.clip([red, green, blue], -1.0, 1.0)
    found = numpy(layer.mean(tensor(split.reshape(1, 1, 1, -1)))).ravel()
    assert np.all(np.abs(found - drawn.mean(axis=1)) <= 4.0 * drawn.std(axis=1) / math.sqrt(100_000) + STEP / 4)


def test_categorical_is_scipy_s():
    shape = (3, 2, 3)
    layer = Categorical()
    layer.build((None, *shape))
    x, output = drawn(layer, 10, shape)
    each = special.log_softmax(output.astype("float64").reshape(10, *shape, 256), axis=-1)
    chosen = np.take_along_axis(each, np.round(255 * x)[..., None].astype(int), axis=-1)
    assert numpy(layer.log_prob(tensor(x), tensor(output))) == pytest.approx(
        chosen.sum(axis=(1, 2, 3, 4)), rel=rounding.relative(18, 256, 8, condition=2.0)
    )
    assert numpy(layer.mean(tensor(output))) == pytest.approx(np.exp(each) @ (np.arange(256) / 255.0), rel=1e-5)


def test_a_constant_decoder_s_bits_are_their_closed_form():
    """Level frequencies as probabilities cost their entropy; equal ones, 8 bits; one logistic, a sum of its own."""
    rng, shape = np.random.default_rng(0), (4, 4, 1)
    x = rng.binomial(255, 0.3, (500, *shape))
    layer = Categorical()
    layer.build((None, *shape))
    shares = np.bincount(x.ravel(), minlength=256) / x.size
    entropy = stats.entropy(shares, base=2)
    for logits, expected in ((np.zeros(256), 8.0), (np.log(np.maximum(shares, 1e-9)), entropy)):
        nats = -numpy(layer.log_prob(tensor(x / 255.0), tensor(np.tile(logits, (500, 4, 4, 1))))).mean()
        assert bits_per_dim(nats, shape) == pytest.approx(expected, rel=rounding.relative(16, 256, 500))
    one = logistics(shape, components=1)
    nats = -numpy(one.log_prob(tensor(x / 255.0), tensor(np.tile([0.0, -0.4, -2.5], (500, 4, 4, 1))))).mean()
    expected = -(shares @ log_level(np.arange(256) * STEP - 1.0, -0.4, -2.5)) / math.log(2.0)
    assert bits_per_dim(nats, shape) == pytest.approx(expected, rel=rounding.relative(16, 8, 500, condition=4.0))


@pytest.mark.parametrize("name", ["discretised_logistics-3", "categorical-17"])
def test_a_model_starts_at_the_mean_image(name):
    x = np.round(np.random.default_rng(0).random((40, 4, 3, 2)) ** 2 * 16) / 16
    model = VAE(2, network="mlp-256", likelihood=name)
    model.adapt(x)
    model.decoder.layers[-2].kernel.assign(np.zeros(model.decoder.layers[-2].kernel.shape))
    assert numpy(model(x[:1]))[0] == pytest.approx(x.mean(axis=0), abs=1e-4)
    assert type(model).from_config(model.get_config()).likelihood_name == name


def test_numbers_behind_a_name():
    assert likelihoods.find("categorical-17").levels == 17
    assert likelihoods.find("discretised_logistics-10").components == 10
    assert likelihoods.find("discretised_logistics").parameter_shape((5, 4, 3)) == (5, 4, 50)
    for name in ("gaussian-3", "categorical-0", "categorical-x", "categorical-"):
        with pytest.raises(ValueError, match=f"unknown likelihood '{name}'; known: bernoulli"):
            likelihoods.find(name)
    with pytest.raises(ValueError, match="`levels` must be at least 2"):
        likelihoods.find("categorical-1")


def test_vectors_are_refused():
    with pytest.raises(ValueError, match=r"Categorical needs images \(batch, height, width, channels\).*\(None, 6\)"):
        VAE(2, likelihood="categorical").build((None, 6))
