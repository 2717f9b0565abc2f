"""The operations that are timed: they do what they are called, at any batch size, compiled as seldom as can be."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import rounding
from keras import ops

from aebench.backends.weights import get_weights
from aebench.measures.speed.operations import NAMES, Operations
from aebench.models.ae import AE
from aebench.models.vae import VAE

SHAPE = (8, 8, 1)
TENSORFLOW = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow leaves sizes open")


class Trainer(keras.Model):
    """Trains a model by the indices of its images; tells with which it was traced."""

    def __init__(self, model, images) -> None:
        super().__init__()
        self.model, self.traced = model, []
        self.images = keras.Variable(images, trainable=False)
        self.built = True

    def call(self, indices):
        return indices

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        self.traced.append(x.shape[0])
        return self.model.compute_loss(x=ops.take(self.images, x, axis=0))


def make(cls=VAE) -> Operations:
    images = np.random.default_rng(0).integers(0, 2, (20, *SHAPE)).astype("float32")
    model = cls(3, network="mlp-256", seed=0)
    model.adapt(images)
    trainer = Trainer(model, images)
    trainer.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=False)
    trainer.optimizer.build(trainer.trainable_variables)
    return Operations(model, trainer, images)


def results(made: Operations, batch_size: int):
    return {operation.name: operation.call() for operation in made.at(batch_size)}


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_each_handles_as_many_images_as_it_says(batch_size):
    made = make()
    assert [operation.name for operation in made.at(batch_size)] == list(NAMES)
    assert {operation.images for operation in made.at(batch_size)} == {batch_size}
    got = results(made, batch_size)
    assert tuple(got["encode"].shape) == (batch_size, 3)
    assert tuple(got["decode"].shape) == tuple(got["sample"].shape) == (batch_size, *SHAPE)
    assert [tuple(part.shape) for part in got["elbo"]] == [(batch_size,)] * 2


def test_without_a_posterior_the_bound_is_the_distortion():
    assert tuple(results(make(AE), 4)["elbo"].shape) == (4,)


def test_encode_encodes_the_images_repeated_where_the_batch_is_larger():
    made = make()
    expected = ops.convert_to_numpy(made.model.encode(made.images).mean)
    encode = next(operation for operation in made.at(50) if operation.name == "encode")
    codes = ops.convert_to_numpy(encode.call())
    which = np.arange(50) % 20
    same = 2.0 * rounding.codes(get_weights(made.model), made.images)
    assert np.all(np.abs(codes - expected[which]) <= same[which])
    assert np.ptp(expected, axis=0).min() > 100.0 * same.max(), "images are told apart"


def test_training_steps_train():
    made = make()
    step = made.at(20)[0]
    losses = [float(step.call()["loss"]) for _ in range(30)]  # running means
    assert losses[-1] < losses[0] - 0.2


def test_flops_are_of_one_image():
    assert {operation.name: operation.flops_per_image for operation in make().at(5)} == make().flops


@TENSORFLOW
def test_one_trace_serves_all_batch_sizes():
    made = make()
    for batch_size in (1, 7, 50):
        results(made, batch_size)
    assert made.trainer.traced == [None]


class Sized(AE):
    """Needs to know its batch's size while it is traced."""

    def encode(self, images, training=False):
        code = super().encode(images, training)
        np.zeros(images.shape[0])
        return code


def test_a_variant_that_needs_its_batchs_size_is_traced_for_each():
    made = make(Sized)
    for batch_size in (1, 7):
        assert tuple(results(made, batch_size)["encode"].shape) == (batch_size, 3)
