"""Networks that users bring: registered functions, and pairs of Keras models."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from aebench.models import VAE
from aebench.models.networks import NETWORKS, Network, of_models, register_network

SHAPE = (4, 4, 1)


def plain_pair(shape: Any = SHAPE, latent_dim: int = 3, seed: int = 0) -> tuple[Any, Any]:
    """As somebody writes one who knows nothing of the suite's seeds and names."""
    encoder = keras.Sequential([layers.Flatten(), layers.Dense(16, "relu"), layers.Dropout(0.2)])
    decoder = keras.Sequential([layers.Dense(16, "relu"), layers.Dense(math.prod(shape)), layers.Reshape(shape)])
    return encoder, decoder


def functional_pair() -> tuple[Any, Any]:
    """With a skip in the encoder; both with weights already."""
    images, codes = keras.Input(SHAPE), keras.Input((3,))
    flat = layers.Flatten()(images)
    features = layers.Concatenate()([layers.Dense(8, "tanh")(flat), layers.Dense(8, "relu")(flat)])
    decoded = layers.Reshape(SHAPE)(layers.Dense(16)(layers.Dense(8, "relu")(codes)))
    return keras.Model(images, features), keras.Model(codes, decoded)


def weights(model: Any) -> dict[str, np.ndarray]:
    return {weight.path.split("/", 1)[-1]: ops.convert_to_numpy(weight.value) for weight in model.weights}


def built(network: Any, seed: int = 1) -> Any:
    model = VAE(3, network=network, seed=seed)
    model.adapt(np.random.default_rng(0).random((20, *SHAPE)).astype("float32"))
    return model


@pytest.mark.parametrize("pair", [plain_pair, functional_pair])
def test_a_run_of_two_keras_models_has_weights_of_its_own_from_its_seed(pair):
    given = pair()
    one, again, other = built(given), built(pair()), built(given, seed=2)
    first, second, third = weights(one), weights(again), weights(other)
    assert first.keys() == second.keys() == third.keys(), "whatever Keras called the layers of each"
    kernels = [name for name in first if name.endswith("kernel")]
    assert len(kernels) >= 5
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert all((first[name] != third[name]).any() for name in kernels)
    drawn = [first[name].ravel()[:12] / np.abs(first[name]).max() for name in kernels]
    assert len({tuple(values.round(4)) for values in drawn}) == len(kernels), "no two layers start alike"


def test_the_models_that_were_given_stay_as_they_are():
    encoder, decoder = functional_pair()
    before = [ops.convert_to_numpy(weight.value).copy() for weight in (*encoder.weights, *decoder.weights)]
    model = built((encoder, decoder))
    model.compile(optimizer="adam")
    images = (np.random.default_rng(1).random((32, *SHAPE)) > 0.5).astype("float32")
    losses = model.fit(images, epochs=20, batch_size=32, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    after = [ops.convert_to_numpy(weight.value) for weight in (*encoder.weights, *decoder.weights)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_model_with_a_network_of_two_keras_models_is_saved_and_loaded(tmp_path):
    model = built(functional_pair())
    images = np.random.default_rng(1).random((5, *SHAPE)).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(images)), ops.convert_to_numpy(model(images)))


def test_a_registered_network_is_known_by_its_name(monkeypatch):
    monkeypatch.setattr("aebench.models.networks.NETWORKS", known := dict(NETWORKS))
    assert register_network("plain", version=2)(plain_pair) is plain_pair
    assert known["plain"].version == 2
    model = built("plain")
    assert model.get_config()["network"] == "plain"
    for name, array in weights(built(plain_pair())).items():
        np.testing.assert_array_equal(weights(model)[name], array, err_msg=name)


def test_initializers_with_a_seed_of_their_own_keep_it():
    def pair(shape: Any, latent_dim: int, seed: int) -> tuple[Any, Any]:
        fixed = keras.initializers.GlorotUniform(seed=7)
        encoder = keras.Sequential([layers.Flatten(), layers.Dense(8, kernel_initializer=fixed)])
        return encoder, plain_pair(shape)[1]

    network = Network(name="fixed", version=1, make=pair)
    one, other = (weights(built(network, seed)) for seed in (1, 2))
    np.testing.assert_array_equal(one["encoder/1_dense/kernel"], other["encoder/1_dense/kernel"])
    assert (one["decoder/0_dense/kernel"] != other["decoder/0_dense/kernel"]).any()


@pytest.mark.parametrize(
    ("encoder", "decoder", "message"),
    [
        ([layers.Conv2D(2, 3)], None, r"must end in \(batch, features\), as by `Flatten`"),
        (None, [layers.Dense(16)], r"must end in images \(batch, 4, 4, 1\), as by `Reshape`"),
        (None, [layers.Dense(9), layers.Reshape((3, 3, 1))], r"must end in images \(batch, 4, 4, 1\)"),
    ],
)
def test_a_network_of_the_wrong_shape_is_refused_with_what_to_do(encoder, decoder, message):
    pair = [
        keras.Sequential(own) if own else whole for own, whole in zip((encoder, decoder), plain_pair(), strict=True)
    ]
    with pytest.raises(ValueError, match=message):
        built(pair)


def test_a_decoder_of_another_latent_size_is_refused():
    network = of_models(*functional_pair())
    with pytest.raises(ValueError, match=r"decoder .* takes \(3,\) and is given \(5,\)"):
        VAE(5, network=network).build((None, *SHAPE))


def test_a_subclassed_model_is_refused():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(4)

        def call(self, images):
            return self.dense(ops.reshape(images, (-1, 16)))

    with pytest.raises(ValueError, match="must be a `Sequential` or functional model"):
        built((Own(), plain_pair()[1]))
