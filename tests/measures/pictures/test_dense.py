"""Dense decoders as arrays: NumPy runs them as Keras does."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from aebench.backends.weights import get_weights
from aebench.measures.pictures.dense import dense_decoder
from aebench.models import AE, VAE

APPLY = {"linear": lambda x: x, "relu": lambda x: np.maximum(x, 0.0), "tanh": np.tanh}


def made(cls=VAE, **settings):
    model = cls(5, seed=3, **settings)
    model.adapt(np.random.default_rng(0).random((20, 6, 5, 1)))
    return model


def by_numpy(arrays, codes):
    for at, name in enumerate(arrays["decoder_activations"].tolist()):
        kernel = arrays[f"decoder_kernel_{at}"].astype("float32")
        codes = APPLY[name](codes @ kernel + arrays[f"decoder_bias_{at}"])
    return codes


@pytest.mark.parametrize("network", ["linear", "mlp-256", "mlp-200-200"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "continuous_bernoulli"])
def test_the_arrays_decode_as_the_model_does(network, likelihood):
    model = made(network=network, likelihood=likelihood)
    codes = np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    expected = keras.ops.convert_to_numpy(model.decode(codes)).reshape(7, -1)
    np.testing.assert_allclose(by_numpy(dense_decoder(model, get_weights(model)), codes), expected, atol=5e-3)


def test_the_weights_given_count_and_not_the_models_own():
    model = made(AE, network="mlp-256")
    doubled = {name: 2 * array for name, array in get_weights(model).items()}
    arrays = dense_decoder(model, doubled)
    np.testing.assert_allclose(arrays["decoder_kernel_0"], doubled["decoder/hidden_0/kernel"], rtol=1e-3)


def test_other_decoders_have_no_such_arrays(monkeypatch):
    conv = made(network="conv")
    assert dense_decoder(conv, get_weights(conv)) == {}
    dense = made(network="mlp-256")
    weights = get_weights(dense)
    assert dense_decoder(dense, {**weights, "output_bias": weights["output_bias"] * np.nan}) == {}
    monkeypatch.setattr(type(dense), "decode_mean", lambda self, codes: self.decode(codes) ** 2, raising=False)
    assert dense_decoder(dense, weights) == {}
