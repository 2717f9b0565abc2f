"""The contractive autoencoder, and norms of Jacobians against the backend's own derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from aebench.models import AE, ContractiveAE
from aebench.models.jacobians import differentiable, squared_jacobian

DENSE = ["linear", "mlp-256", "mlp-200-200", "own"]


def numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def own_pair() -> tuple[Any, Any]:
    """Dense layers of every activation that is known, one of them a layer of its own; the encoder ends in one."""
    encoder = [
        layers.Flatten(),
        layers.Dense(12, "sigmoid"),
        layers.Dense(9),
        layers.Activation("elu"),
        layers.Dense(5, "tanh"),
    ]
    decoder = [layers.Dense(6, "softplus"), layers.Dense(7, "relu"), layers.Dense(64, "sigmoid")]
    return keras.Sequential(encoder), keras.Sequential([*decoder, layers.Reshape((8, 8, 1))])


def adapted(cls: type, images: np.ndarray, network: Any = "mlp-256", **settings: Any) -> Any:
    model = cls(3, network=own_pair() if network == "own" else network, seed=1, **settings)
    model.adapt(images)
    for weight in model.trainable_weights:  # biases too, which start at 0
        noise = np.random.default_rng(0).normal(0.0, 0.1, weight.shape)
        weight.assign(numpy(weight.value) + noise.astype("float32"))
    return model


def by_autodiff(function: Callable[[Any], Any], inputs: np.ndarray) -> np.ndarray:
    """Each input's Jacobian, `(batch, outputs, inputs)`, by the backend's own differentiation."""
    x = ops.convert_to_tensor(inputs)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = function(x)
        found = tape.batch_jacobian(y, x, experimental_use_pfor=False)
    elif keras.backend.backend() == "jax":
        import jax

        found = jax.vmap(jax.jacobian(lambda one: function(one[None])[0]))(x)
    else:
        import torch

        found = torch.stack([torch.autograd.functional.jacobian(lambda one: function(one[None])[0], one) for one in x])
    size = math.prod(inputs.shape[1:])
    return numpy(found).astype("float64").reshape(len(inputs), -1, size)


def applied(parts: list[Any]) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        for part in parts:
            value = part(value)
        return value

    return function


def parts_and_inputs(network: Any, trunk: str, images: np.ndarray) -> tuple[list[Any], np.ndarray, Any]:
    model = adapted(AE, images, network)
    codes = np.random.default_rng(1).normal(size=(len(images), 3)).astype("float32")
    if trunk == "decoder":
        return differentiable(model.decoder), codes, model.noise
    return [*differentiable(model.encoder), model.mean_head], images, model.noise


@pytest.mark.parametrize("trunk", ["encoder", "decoder"])
@pytest.mark.parametrize("network", DENSE)
def test_the_norm_of_a_dense_jacobian_is_exact(network, trunk, grey):
    parts, inputs, noise = parts_and_inputs(network, trunk, grey[:5])
    jacobians = by_autodiff(applied(parts), inputs)
    found = numpy(squared_jacobian(parts, inputs, noise))
    assert found.shape == ((1,) if network == "linear" else (5,))
    assert np.broadcast_to(found, 5) == pytest.approx((jacobians**2).sum(axis=(1, 2)), rel=1e-5)


@pytest.mark.parametrize("trunk", ["encoder", "decoder"])
@pytest.mark.parametrize(("network", "shape"), [("conv", (8, 8, 1)), ("resnet", (8, 8, 1)), ("conv1d", (15, 4))])
def test_a_convolutional_jacobian_is_applied_exactly_to_random_signs(network, shape, trunk, grey):
    images = grey[:2].reshape(2, -1)[:, : math.prod(shape)].reshape(2, *shape)
    parts, inputs, noise = parts_and_inputs(network, trunk, images)
    jacobians = by_autodiff(applied(parts), inputs)
    state = numpy(noise.state)
    found = numpy(squared_jacobian(parts, inputs, noise))
    noise.state.assign(state)
    signs = np.where(numpy(keras.random.uniform(inputs.shape, seed=noise)) < 0.5, -1.0, 1.0).reshape(2, -1)
    assert found == pytest.approx((np.einsum("byx,bx->by", jacobians, signs) ** 2).sum(axis=1), rel=1e-5)


def test_the_estimate_of_a_convolutional_norm_has_no_bias(grey):
    parts, inputs, noise = parts_and_inputs("conv", "encoder", grey[:2])
    exact = (by_autodiff(applied(parts), inputs) ** 2).sum(axis=(1, 2))
    draws = numpy(squared_jacobian(parts, np.repeat(inputs, 1000, axis=0), noise)).reshape(2, 1000)
    error = draws.std(axis=1, ddof=1) / math.sqrt(1000)
    assert (np.abs(draws.mean(axis=1) - exact) < 4.0 * error).all()
    assert (error < 0.1 * exact).all()


@pytest.mark.parametrize("network", ["mlp-256", "own"])
def test_the_objective_by_hand(network, binary):
    images, model = binary[:5], adapted(ContractiveAE, binary, network, lambda_=0.7)
    terms, codes = model.terms(images, training=True), model.encode(images).mean
    logits = numpy(model.decode(codes)).astype("float64")
    distortion = -(images * logits - np.logaddexp(0.0, logits)).sum(axis=(1, 2, 3))
    norm = (by_autodiff(lambda x: model.encode(x).mean, images) ** 2).sum(axis=(1, 2))
    assert numpy(terms.distortion) == pytest.approx(distortion, rel=1e-5)
    assert numpy(terms.objective) == pytest.approx(distortion + 0.7 * norm, rel=1e-5)


def test_of_a_linear_encoder_it_is_the_decay_of_its_weights(binary):
    """Rifai et al. 2011, section 3."""
    model = adapted(ContractiveAE, binary, "linear", lambda_=2.0)
    terms = model.terms(binary[:5])
    decay = 2.0 * (numpy(model.mean_head.kernel).astype("float64") ** 2).sum()
    assert terms.objective.shape == (5,)
    assert numpy(terms.objective) == pytest.approx(numpy(terms.distortion) + decay, rel=1e-5)


@pytest.mark.parametrize("network", ["mlp-256", "conv"])
def test_at_lambda_0_it_is_the_autoencoder(network, binary):
    objective = numpy(adapted(ContractiveAE, binary, network, lambda_=0.0).terms(binary[:5]).objective)
    assert np.array_equal(objective, numpy(adapted(AE, binary, network).terms(binary[:5]).objective))


def test_the_gradient_of_the_norm_is_that_of_differences(binary):
    """The penalty itself is differentiated in training: along one direction of all weights, in float64 by hand."""
    model = adapted(ContractiveAE, binary, "mlp-200-200", lambda_=1.0)
    kernels = [layer.kernel for layer in (*model.encoder.layers[1:], model.mean_head)]
    values = [numpy(kernel.value).astype("float64") for kernel in kernels]
    biases = [numpy(layer.bias.value).astype("float64") for layer in model.encoder.layers[1:]]
    flat = binary[:5].reshape(5, -1).astype("float64")

    def norm(matrices: list[np.ndarray]) -> float:
        first = np.tanh(flat @ matrices[0] + biases[0])
        second = np.tanh(first @ matrices[1] + biases[1])
        parts = (matrices[0], 1.0 - first**2, matrices[1], 1.0 - second**2, matrices[2])
        return float((np.einsum("ij,bj,jk,bk,kl->bil", *parts, optimize=True) ** 2).sum(axis=(1, 2)).mean())

    ways = [np.random.default_rng(2).normal(size=value.shape) for value in values]
    either = (norm([v + step * way for v, way in zip(values, ways, strict=True)]) for step in (1e-5, -1e-5))
    slope = np.subtract(*either) / 2e-5
    assert slope_of_penalty(model, binary[:5], kernels, ways) == pytest.approx(slope, rel=1e-4)


def slope_of_penalty(model: Any, images: np.ndarray, kernels: list[Any], ways: list[np.ndarray]) -> float:
    """Derivative of the mean squared norm along `ways`, by the backend."""

    def penalty(step: Any) -> Any:
        steps = [step * ops.convert_to_tensor(way.astype("float32")) for way in ways]
        moved = [kernel.value + along for kernel, along in zip(kernels, steps, strict=True)]
        with keras.StatelessScope(state_mapping=zip(kernels, moved, strict=True)):
            terms = model.terms(images)
            return ops.reshape(ops.mean(terms.objective - terms.distortion), (1, 1))

    return float(by_autodiff(lambda step: penalty(step[0, 0]), np.zeros((1, 1), "float32"))[0, 0, 0])


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ([layers.Flatten(), layers.BatchNormalization()], "must be of Flatten, .* Received: BatchNormalization"),
        ([layers.Flatten(), layers.Dense(4, "gelu")], "must be of linear, relu, .* Received: gelu"),
    ],
)
def test_what_has_no_derivative_here_is_refused(encoder, message):
    with pytest.raises(ValueError, match=message):
        ContractiveAE(2, network=(keras.Sequential(encoder), own_pair()[1])).build((None, 8, 8, 1))


def test_an_encoder_that_is_no_chain_is_refused():
    images = keras.Input((8, 8, 1))
    encoder = keras.Model(images, layers.Flatten()(images))
    with pytest.raises(ValueError, match=r"the encoder must be a `Sequential` model. Received: Functional"):
        ContractiveAE(2, network=(encoder, own_pair()[1])).build((None, 8, 8, 1))
