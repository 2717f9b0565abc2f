"""FLOPs from a model's layers against closed forms and against what the frameworks count in their own graphs."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from aebench.measures.speed import flops
from aebench.models.ae import AE
from aebench.models.vae import VAE

SHAPE = (8, 8, 1)


def model(cls=VAE, network="mlp-256", shape=SHAPE, latent_dim=16):
    made = cls(latent_dim, network=network, seed=0)
    made.build((None, *shape))
    return made


def test_dense_layers_in_closed_form():
    counted = flops.flops_per_image(model())
    encode, decode = 2 * (64 * 256 + 2 * 256 * 16), 2 * (16 * 256 + 256 * 64)
    assert counted == {
        "train_step": 3 * (encode + decode) - 2 * 64 * 256,
        "encode": encode,
        "decode": decode,
        "sample": decode,
        "elbo": encode + decode,
    }


def test_an_autoencoder_has_one_head():
    difference = flops.flops_per_image(model(VAE))["encode"] - flops.flops_per_image(model(AE))["encode"]
    assert difference == 2 * 256 * 16


def test_where_the_encoder_is_only_its_heads_they_see_the_images():
    counted = flops.flops_per_image(model(network="linear"))
    heads, output = 2 * 2 * 64 * 16, 2 * 16 * 64
    assert counted["train_step"] == 3 * (heads + output) - heads


class Recurrent(AE):
    """Reads the features of its encoder as a sequence."""

    def build_heads(self, feature_shape):
        super().build_heads(feature_shape)
        self.cell = keras.layers.SimpleRNNCell(4)
        self.cell.build((None, 4))


def test_a_layer_of_unknown_kind_leaves_them_unknown():
    assert set(flops.flops_per_image(model(Recurrent)).values()) == {None}


@pytest.mark.parametrize("shape", [SHAPE, (28, 28, 1), (10, 7, 3)])
@pytest.mark.parametrize("network", ["mlp", "mlp-200-200", "conv"])
def test_the_forward_pass_is_what_the_framework_counts(network, shape):
    made = model(network=network, shape=shape)
    counted = flops.flops_per_image(made)
    batch = np.zeros((4, *shape), "float32")
    codes = np.zeros((4, made.latent_dim), "float32")
    forward = lambda images: _numbers(made.encode(images))  # noqa: E731
    # JAX leaves out products with a convolution's padding, which small images have most of.
    tolerance = 0.2 if network == "conv" and keras.backend.backend() == "jax" else 0.03
    assert framework_flops(forward, batch) / 4 == pytest.approx(counted["encode"], rel=tolerance)
    assert framework_flops(made.decode, codes) / 4 == pytest.approx(counted["decode"], rel=tolerance)


@pytest.mark.parametrize("network", ["linear", "mlp", "mlp-200-200"])
def test_a_training_step_is_what_tensorflow_counts(network):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("counts the gradients in a TensorFlow graph")
    import tensorflow as tf

    made = model(network=network, shape=(28, 28, 1))

    def gradients(images):
        with tf.GradientTape() as tape:
            loss = made.compute_loss(x=images)
        return tape.gradient(loss, [variable.value for variable in made.trainable_weights])

    expected = flops.flops_per_image(made)["train_step"]
    assert framework_flops(gradients, np.zeros((4, 28, 28, 1), "float32")) / 4 == pytest.approx(expected, rel=0.03)


def test_the_peak_is_what_matrix_products_reach(monkeypatch):
    monkeypatch.setitem(flops.EDGES, "CPU", (256, 512))
    reached = flops.matmul_flops_per_s.__wrapped__("float32")
    assert 1e8 < reached < 1e15
    single = flops._product_flops_per_s(8, "float32")
    assert single < reached, "tiny products are far below what the device can do"


def _numbers(posterior):
    return [posterior.mean, posterior.log_var]


def framework_flops(function, array) -> float:
    """FLOPs of the matrix products and convolutions of `function(array)` by TensorFlow's profiler, JAX or PyTorch."""
    match keras.backend.backend():
        case "tensorflow":
            return _tensorflow_flops(function, array)
        case "jax":
            import jax

            return jax.jit(function).lower(array).compile().cost_analysis()["flops"]
        case _:
            from torch.utils.flop_counter import FlopCounterMode

            with FlopCounterMode(display=False) as counter:
                function(ops.convert_to_tensor(array))
            return counter.get_total_flops()


def _tensorflow_flops(function, array) -> float:
    import tensorflow as tf

    profiler = tf.compat.v1.profiler
    graph = tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec(array.shape, array.dtype)).graph
    builder = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
    options = builder.with_empty_output().build()
    kinds = ("MatMul", "Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
    options["account_type_regexes"] = [f"^{kind}$" for kind in kinds]
    return profiler.profile(graph, cmd="op", options=options).total_float_ops
