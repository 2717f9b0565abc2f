"""Small images, and gradients that are taken alike on every backend."""

from __future__ import annotations

import math
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Gradients = tuple[float, dict[str, np.ndarray | None]]


@pytest.fixture(scope="session")
def grey() -> np.ndarray:
    """All 1,797 digits, `(1797, 8, 8, 1)` in [0, 1]."""
    from sklearn.datasets import load_digits

    return (load_digits().images / 16.0).astype("float32")[..., None]


@pytest.fixture(scope="session")
def binary(grey: np.ndarray) -> np.ndarray:
    """The same digits, each pixel drawn once with its grey value as the probability."""
    draws = np.random.default_rng(0).random(grey.shape)
    return (draws < grey).astype("float32")


@pytest.fixture(scope="session")
def compile_model() -> Callable[..., Any]:
    """Compiles a model with Adam as published; with XLA on JAX alone, elsewhere it costs more than it saves.

    It also fixes the order in which `fit` shuffles, which would else be another one in every process.
    """
    import keras

    def compile_(model: Any, learning_rate: Any = 1e-3, **options: Any) -> Any:
        keras.utils.set_random_seed(0)
        jit = keras.backend.backend() == "jax"
        model.compile(optimizer=keras.optimizers.Adam(learning_rate, epsilon=1e-8), jit_compile=jit, **options)
        return model

    return compile_


@pytest.fixture(scope="session")
def stateless_loss() -> Callable[..., Any]:
    """`compute_loss` as an engine calls it: at given values of the variables, changing none of them."""
    import keras

    def loss(model: Any, images: np.ndarray, variables: list[Any], values: list[Any]) -> Any:
        with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)):
            return model.compute_loss(x=images)

    return loss


@pytest.fixture(scope="session")
def gradients(stateless_loss: Callable[..., Any]) -> Callable[[Any, np.ndarray], Gradients]:
    """The loss and its gradient for every trainable weight, by path; `None` where a weight isn't used at all."""
    import keras

    def gradients_(model: Any, images: np.ndarray) -> Gradients:
        weights = model.trainable_weights
        values = [keras.ops.copy(weight.value) for weight in weights]
        differentiate = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()]
        loss, found = differentiate(lambda at: stateless_loss(model, images, weights, at), values)
        arrays = [None if one is None else keras.ops.convert_to_numpy(one) for one in found]
        return float(loss), dict(zip([weight.path for weight in weights], arrays, strict=True))

    return gradients_


@pytest.fixture(scope="session")
def fall() -> Callable[..., tuple[float, float]]:
    """fall(model, images, train, part) -> by how much `train()` lowers that part of `Terms`, and its standard error.

    The mean of all images, before and after with the same noise; the error is that of a few draws of it.
    """
    import keras

    def values(model: Any, images: np.ndarray, part: str) -> np.ndarray:
        state, found = keras.ops.convert_to_numpy(model.noise.state.value), []
        for draw in range(4):
            model.noise.state.assign(np.array([7, draw], state.dtype))
            found.append(keras.ops.convert_to_numpy(getattr(model.terms(images), part)))
        model.noise.state.assign(state)
        return np.concatenate(found)

    def fall_(model: Any, images: np.ndarray, train: Callable[[], Any], part: str) -> tuple[float, float]:
        before = values(model, images, part)
        train()
        falls = before - values(model, images, part)
        return float(falls.mean()), float(falls.std(ddof=1)) / math.sqrt(len(falls))

    return fall_


def _tensorflow(function: Callable[..., Any], values: list[Any]) -> tuple[Any, Any]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = function(values)
    return loss, tape.gradient(loss, values)


def _jax(function: Callable[..., Any], values: list[Any]) -> tuple[Any, Any]:
    import jax

    return jax.value_and_grad(function)(values)


def _torch(function: Callable[..., Any], values: list[Any]) -> tuple[Any, Any]:
    import torch

    leaves = [value.detach().requires_grad_() for value in values]
    loss = function(leaves)
    return loss.detach(), torch.autograd.grad(loss, leaves, allow_unused=True)
