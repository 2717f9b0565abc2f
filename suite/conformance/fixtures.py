"""Small images, and what tests of models do alike on every backend: fixtures."""

from __future__ import annotations

import math
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from aebench.conformance import differentiation


@pytest.fixture(scope="session")
def grey() -> np.ndarray:
    """All 1,797 digits, `(1797, 8, 8, 1)` in [0, 1]."""
    from sklearn.datasets import load_digits

    found: np.ndarray = (load_digits().images / 16.0).astype("float32")[..., None]
    return found


@pytest.fixture(scope="session")
def binary(grey: np.ndarray) -> np.ndarray:
    """The same digits, each pixel drawn once with its grey value as the probability."""
    draws = np.random.default_rng(0).random(grey.shape)
    return (draws < grey).astype("float32")


@pytest.fixture(scope="session")
def compile_model() -> Callable[..., Any]:
    """Compiles a model with Adam as published; with XLA on JAX alone, elsewhere it costs more than it saves.

    It also fixes the order in which `fit` shuffles, which would else be another one in every process, and makes the
    optimizer's variables where the model has its own: `fit` would trace its step again when they appear in it.
    """
    import keras

    def compile_(model: Any, learning_rate: Any = 1e-3, **options: Any) -> Any:
        keras.utils.set_random_seed(0)
        jit = keras.backend.backend() == "jax"
        model.compile(optimizer=keras.optimizers.Adam(learning_rate, epsilon=1e-8), jit_compile=jit, **options)
        if model.built:
            model.optimizer.build(model.trainable_variables)
        return model

    return compile_


@pytest.fixture(scope="session")
def stateless_loss() -> Callable[..., Any]:
    """See `differentiation.stateless_loss`."""
    return differentiation.stateless_loss


@pytest.fixture(scope="session")
def gradients() -> Callable[..., differentiation.Gradients]:
    """See `differentiation.gradients`."""
    return differentiation.gradients


def drawn_terms(model: Any, images: np.ndarray, parts: Sequence[str], draws: int = 4) -> dict[str, np.ndarray]:
    """Parts of `Terms` at each of some draws of noise, the same at every call: `(draws * n,)` each."""
    import keras

    state, found = keras.ops.convert_to_numpy(model.noise.state.value), []
    for draw in range(draws):
        model.noise.state.assign(np.array([7, draw], state.dtype))
        terms = model.terms(images)
        found.append([keras.ops.convert_to_numpy(getattr(terms, part)) for part in parts])
    model.noise.state.assign(state)
    return dict(zip(parts, map(np.concatenate, zip(*found, strict=True)), strict=True))


def fallen(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """How far a mean has fallen, and the standard error of that."""
    falls = before - after
    return float(falls.mean()), float(falls.std(ddof=1)) / math.sqrt(len(falls))


@pytest.fixture(scope="session")
def fall() -> Callable[..., tuple[float, float]]:
    """fall(model, images, train, part) -> by how much `train()` lowers that part of `Terms`, and its standard error.

    The mean of all images, before and after with the same noise; the error is that of a few draws of it.
    """

    def fall_(model: Any, images: np.ndarray, train: Callable[[], Any], part: str) -> tuple[float, float]:
        before = drawn_terms(model, images, [part])
        train()
        return fallen(before[part], drawn_terms(model, images, [part])[part])

    return fall_
