"""Regularised autoencoders: the square of the code, and each way to a smooth decoder against its oracle."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import layers, ops

from aebench.models import AE, RAE, RAEGP, RAEL2, RAESN
from aebench.models.residual import single


def numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def adapted(cls: type, images: np.ndarray, network: Any = "mlp-256", **settings: Any) -> Any:
    model = cls(4, network=network, seed=1, **settings)
    model.adapt(images)
    return model


def distortion(images: np.ndarray, logits: Any) -> np.ndarray:
    """-log p(x|z) of Bernoulli pixels, in float64."""
    logits = numpy(logits).astype("float64")
    return -(images * logits - np.logaddexp(0.0, logits)).sum(axis=(1, 2, 3))


def exact(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a dense layer, in float64."""
    kernel = numpy(layer.kernel).astype("float64")
    return kernel, numpy(layer.bias).astype("float64") if layer.use_bias else np.zeros(kernel.shape[1])


def squares(values: Any, axis: Any = None) -> np.ndarray:
    return (numpy(values).astype("float64") ** 2).sum(axis=axis)


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:20]


def test_the_square_of_the_code(images):
    model = adapted(RAE, images, beta=3.0)
    terms, codes = model.terms(images), model.encode(images).mean
    expected = distortion(images, model.decode(codes)) + 1.5 * squares(codes, axis=1)
    assert numpy(terms.objective) == pytest.approx(expected, rel=1e-5)
    assert numpy(terms.distortion) == pytest.approx(distortion(images, model.decode(codes)), rel=1e-5)


@pytest.mark.parametrize(
    ("cls", "settings"), [(RAE, {}), (RAEL2, {"lambda_": 0.0}), (RAEGP, {"lambda_": 0.0})], ids=lambda one: str(one)
)
def test_without_their_weights_they_are_the_autoencoder(cls, settings, images):
    expected = numpy(adapted(AE, images).terms(images).objective)
    assert np.array_equal(numpy(adapted(cls, images, beta=0.0, **settings).terms(images).objective), expected)


def test_the_weights_of_the_decoder(images):
    model = adapted(RAEL2, images, beta=3.0, lambda_=0.2)
    codes = model.encode(images).mean
    weights = sum(squares(weight) for weight in (*exact(model.decoder.layers[0]), exact(model.decoder.layers[1])[0]))
    expected = distortion(images, model.decode(codes)) + 1.5 * squares(codes, axis=1) + 0.2 * weights
    assert weights > 10.0
    assert numpy(model.terms(images).objective) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_gradient_of_the_decoder(likelihood, images):
    """∂ output / ∂z = Σ_h W1 1[h > 0] W2 for one hidden layer of ReLU."""
    model = adapted(RAEGP, images, beta=3.0, lambda_=0.2, likelihood=likelihood)
    codes = model.encode(images).mean
    (first, bias), (second, _) = map(exact, model.decoder.layers[:2])
    on = (numpy(codes).astype("float64") @ first + bias > 0.0).astype("float64")
    gradient = squares(np.einsum("zh,bh,hx->bzx", first, on, second), axis=(1, 2))
    terms = model.terms(images)
    expected = numpy(terms.distortion) + 1.5 * squares(codes, axis=1) + 0.2 * gradient
    assert numpy(terms.objective) == pytest.approx(expected, rel=1e-5)
    if likelihood == "bernoulli":
        assert numpy(terms.distortion) == pytest.approx(distortion(images, model.decode(codes)), rel=1e-5)


def converged(model: RAESN) -> RAESN:
    """The same, with the directions that power iteration would end in."""
    for layer in model.decoder.layers:
        if layer.name in model.directions:
            model.directions[layer.name].assign(np.linalg.svd(exact(layer)[0])[2][0].astype("float32"))
    return model


def gap(kernel: np.ndarray, start: np.ndarray, count: int) -> float:
    """Bound of 1 - σ/σ1 after `count` steps: tan²φ / 2, with φ between the left vector and the first singular one.

    A start at angle θ has tan φ = tan θ (σ2/σ1)^(2k-1) after k products with W and k - 1 with Wᵀ. The estimate is
    |Wᵀl| >= σ1 cos φ of the left vector l. Sums over rows and columns round, two in each norm.
    """
    _, values, rights = np.linalg.svd(kernel)
    cosine = abs(rights[0] @ start) / np.linalg.norm(start)
    tangent = np.sqrt(1.0 - cosine**2) / cosine * (values[1] / values[0]) ** (2 * count - 1)
    return tangent**2 / 2.0 + rounding.relative(*kernel.shape, *kernel.shape)


@pytest.mark.parametrize("count", [1, 5, 50])
def test_the_spectral_norm_is_the_largest_singular_value(count, images):
    model, rng = adapted(RAESN, images), np.random.default_rng(0)
    for layer in model.decoder.layers[:2]:
        left, _, right = np.linalg.svd(rng.normal(size=layer.kernel.shape), full_matrices=False)
        layer.kernel.assign((left * 3.0 * 0.8 ** np.arange(len(right)) @ right).astype("float32"))
        kernel, start = exact(layer)[0], rng.normal(size=layer.kernel.shape[1])
        model.directions[layer.name].assign(start.astype("float32"))
        found = [float(numpy(model.spectral_norm(layer, training=True))) for _ in range(count)]
        short = 1.0 - np.array(found) / np.linalg.svd(kernel)[1][0]
        assert -rounding.relative(*kernel.shape) <= short[-1] <= gap(kernel, start, count)
        assert count < 50 or gap(kernel, start, count) < 1e-4 < short[0]


def test_the_decoder_computes_with_normalised_kernels(images):
    """By hand, with NumPy's singular values, as power iteration finds them."""
    model = converged(adapted(RAESN, images, "mlp-200-200", beta=3.0))
    codes = model.encode(images).mean
    value = numpy(codes).astype("float64")
    for layer in model.decoder.layers[:3]:
        kernel, bias = exact(layer)
        value = value @ kernel / np.linalg.norm(kernel, 2) + bias
        value = np.tanh(value) if layer.name.startswith("hidden") else value
    logits = value.reshape(images.shape) + numpy(model.output_bias)
    expected = distortion(images, logits) + 1.5 * squares(codes, axis=1)
    assert numpy(model.terms(images).objective) == pytest.approx(expected, rel=1e-5)


def test_a_layer_of_kernels_of_norm_1_is_left_as_it_is(images):
    model, plain = adapted(RAESN, images, "linear"), adapted(RAE, images, "linear")
    kernel = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 4)))[0].T.astype("float32")
    for one in (model, plain):
        one.decoder.layers[0].kernel.assign(kernel)
    codes = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")
    assert numpy(model.decode(codes)) == pytest.approx(numpy(plain.decode(codes)), rel=1e-5)


@pytest.mark.parametrize(("network", "kernels"), [("conv", 5), ("resnet", 9)])
def test_scaled_kernels_decode_alike(network, kernels, images):
    model = adapted(RAESN, images, network)
    codes = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")
    before = numpy(model.decode(codes))
    for layer in single(model.decoder.layers):
        if layer.name in model.directions:
            layer.kernel.assign(layer.kernel * 7.0)
    assert len(model.directions) == kernels
    assert numpy(model.decode(codes)) == pytest.approx(before, rel=1e-5, abs=1e-6)


def test_power_iteration_goes_on_in_training_alone(images):
    model = adapted(RAESN, images)
    first = [numpy(direction.value) for direction in model.directions.values()]
    model.terms(images)
    model.decode_mean(np.zeros((1, 4), "float32"))
    assert all(map(np.array_equal, first, [numpy(one.value) for one in model.directions.values()]))
    model.terms(images, training=True)
    for before, after in zip(first, model.directions.values(), strict=True):
        assert np.abs(numpy(after.value) - before).max() > 0.01
        assert np.linalg.norm(numpy(after.value)) == pytest.approx(1.0, rel=1e-5)


def test_the_gradient_goes_along_a_kernel_s_own_direction_nowhere(images, gradients):
    """The normalised decoder doesn't change with a kernel's scale, so that <gradient, kernel> = 0."""
    model = converged(adapted(RAESN, images))
    _, found = gradients(model, images)
    for layer in model.decoder.layers[:2]:
        gradient, kernel = found[layer.kernel.path].astype("float64"), exact(layer)[0]
        along = (gradient * kernel).sum() / (np.linalg.norm(gradient) * np.linalg.norm(kernel))
        assert abs(along) < 1e-4


def test_what_cannot_be_normalised_is_refused():
    codes = keras.Input((2,))
    encoder = keras.Sequential([layers.Flatten()])
    functional = keras.Model(codes, layers.Reshape((2, 1, 1))(codes))
    with pytest.raises(ValueError, match=r"the decoder must be a `Sequential` model. Received: Functional"):
        RAESN(2, network=(encoder, functional)).build((None, 2, 1, 1))
    separable = keras.Sequential([layers.Reshape((2, 1, 1)), layers.SeparableConv2D(1, 1)])
    with pytest.raises(ValueError, match=r"must be called `kernel`. Received: SeparableConv2D"):
        RAESN(2, network=(encoder, separable)).build((None, 2, 1, 1))
    with pytest.raises(ValueError, match=r"layers of the decoder must be of .* Received: SeparableConv2D"):
        RAEGP(2, network=(encoder, separable)).build((None, 2, 1, 1))
