from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from aebench.backends.layers import convolutions
from aebench.measures.speed.flops import flops_per_image
from aebench.models import AE, VAE
from aebench.models.networks import NETWORKS
from aebench.models.residual import Residual
from aebench.models.streams import stream

OF_SERIES = [(12, 1), (31, 3), (1, 2)]
SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (9, 7, 2)]


def weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Weights by their path inside the model."""
    return {weight.path.split("/", 1)[1]: ops.convert_to_numpy(weight.value) for weight in model.weights}


def built(cls: type[keras.Model], seed: int, network: str) -> dict[str, np.ndarray]:
    model = cls(3, network=network, seed=seed)
    model.build((None, 64, 1) if network == "conv1d" else (None, 8, 8, 1))
    return weights(model)


def test_names():
    assert {"linear", "mlp", "mlp-400", "mlp-200-200", "conv", "resnet"} <= set(NETWORKS)


@pytest.mark.parametrize("shape", [*SHAPES, *OF_SERIES], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_shapes(name, shape):
    if (name, len(shape)) in {("conv", 2), ("resnet", 2), ("conv1d", 3)}:
        with pytest.raises(ValueError, match=f"'{name}' needs (images|series) .*choose 'conv"):
            NETWORKS[name].trunks(shape, 3, 0)
        return
    encoder, decoder = NETWORKS[name].trunks(shape, 3, 0)
    assert len(encoder.output_shape) == 2
    assert decoder.output_shape == (None, *shape)
    assert decoder(np.zeros((2, 3), "float32")).shape == (2, *shape)


@pytest.mark.parametrize(
    ("name", "widths", "activation"),
    [
        ("mlp", [512], "relu"),
        ("mlp-400", [400], "relu"),
        ("mlp-200-200", [200, 200], "tanh"),
        ("mlp-300-300", [300, 300], "relu"),
        ("mlp-256-128", [256, 128], "relu"),
        ("linear", [], ""),
    ],
)
def test_dense_layers(name, widths, activation):
    encoder, decoder = NETWORKS[name].trunks((8, 8, 1), 3, 0)
    for trunk, sizes in ((encoder, widths), (decoder, [*widths[::-1], 64])):
        dense = [layer for layer in trunk.layers if isinstance(layer, keras.layers.Dense)]
        assert [layer.units for layer in dense] == sizes
        assert all(layer.activation.__name__ == activation for layer in dense[: len(widths)])
    assert decoder.layers[-2].activation is keras.activations.linear


@pytest.mark.parametrize("network", ["linear", "mlp", "mlp-200-200", "conv", "resnet", "conv1d"])
def test_runs_of_one_seed_share_their_initial_weights(network):
    ae, vae = built(AE, 5, network), built(VAE, 5, network)
    assert set(vae) - set(ae) == {"beta", "log_var/kernel", "log_var/bias"}
    assert all(np.array_equal(ae[path], vae[path]) for path in ae)


@pytest.mark.parametrize("network", ["linear", "mlp", "conv"])
def test_other_seeds_have_other_weights(network):
    one, other = built(VAE, 5, network), built(VAE, 6, network)
    kernels = [path for path in one if path.endswith("kernel")]
    assert not any(np.allclose(one[path], other[path]) for path in kernels)


@pytest.mark.parametrize("network", ["mlp-200-200", "conv", "resnet", "conv1d"])
def test_no_two_layers_share_a_stream(network):
    """Layers of one stream would start with the same uniform draws, up to Glorot's scale."""
    kernels = [value.ravel()[:20] for path, value in built(VAE, 5, network).items() if path.endswith("kernel")]
    directions = np.stack([kernel / np.linalg.norm(kernel) for kernel in kernels])
    similarity = directions @ directions.T - np.eye(len(kernels))
    assert np.abs(similarity).max() < 0.99


def test_convolutions_over_time_see_steps_in_their_order():
    """Two strides of 2: a series that is moved by 4 steps moves what the last of them tells by one place."""
    encoder, _ = NETWORKS["conv1d"].trunks((64, 2), 3, 0)
    before = keras.Sequential(encoder.layers[:2])
    pulse = np.zeros((1, 64, 2), "float32")
    pulse[:, 24:28] = np.random.default_rng(0).normal(size=(4, 2))
    one, moved = (ops.convert_to_numpy(before(np.roll(pulse, by, axis=1))) for by in (0, 4))
    assert one.shape == (1, 16, 64)
    np.testing.assert_allclose(moved[:, 1:], one[:, :-1], atol=1e-5 * np.abs(one).max())
    assert np.abs(one[:, 6] - one[:, 5]).max() > 0.01


def test_initial_weights_do_not_depend_on_what_was_built_before():
    first = built(AE, 5, "mlp")
    keras.random.normal((3,))
    keras.utils.set_random_seed(99)
    assert all(np.array_equal(value, first[path]) for path, value in built(AE, 5, "mlp").items())


def test_streams():
    seeds = {stream(seed, name) for seed in range(20) for name in ("noise", "shuffle", "weights/mean")}
    assert len(seeds) == 60
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_streams_stay_what_they_were():
    """Another value would change the numbers of every run that was ever recorded."""
    assert stream(0, "noise") == 1229674181


def test_residual_blocks_are_seen_by_what_counts_convolutions():
    """The engine's choice and FLOPs: each block adds two convolutions at its size, of as many filters."""
    plain, residual = (AE(3, network=name) for name in ("conv", "resnet"))
    for model in (plain, residual):
        model.build((None, 8, 8, 1))
    assert len(convolutions(residual)) - len(convolutions(plain)) == 8
    added = {name: flops_per_image(residual)[name] - flops_per_image(plain)[name] for name in ("encode", "decode")}
    blocks = {"encode": [(4, 32), (2, 64)], "decode": [(2, 64), (4, 64)]}
    for name, sizes in blocks.items():
        assert added[name] == sum(2 * 2 * side**2 * 9 * filters**2 for side, filters in sizes)


def test_a_block_adds_what_its_parts_make_of_its_input():
    parts = [keras.layers.Dense(4, name="one"), keras.layers.Dense(5, name="two")]
    block, x = Residual(parts), np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    assert np.asarray(block(x)) == pytest.approx(x + np.asarray(parts[1](parts[0](x))), rel=1e-5)
    again = Residual.from_config(block.get_config())
    assert [part.name for part in again.layers] == ["one", "two"]
    with pytest.raises(ValueError, match=r"must keep the shape. Received: \(3, 5\) to \(3, 4\)"):
        Residual(parts[:1]).build((3, 5))
