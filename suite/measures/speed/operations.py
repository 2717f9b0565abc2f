"""What the suite times of a model: a training step, and encode, decode, sample and elbo, at any batch size.

Each is compiled once for all batch sizes where the backend can do that (TensorFlow), else once for each.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from keras import ops

from aebench import backends
from aebench.measures.speed.flops import flops_per_image
from aebench.measures.speed.throughput import Operation

NAMES = ("train_step", "encode", "decode", "sample", "elbo")


class Operations:
    """The operations of one model.

    Args:
        model: a built `Autoencoder`.
        trainer: the model that Keras trains by the indices of training images; compiled.
        images: `(n, *image_shape)`, repeated where a batch is larger.
    """

    def __init__(self, model: Any, trainer: Any, images: np.ndarray) -> None:
        self.model, self.trainer, self.images = model, trainer, images
        self.flops, backend = flops_per_image(model), backends.current()
        self._step = backend.training_step(trainer)
        state = [*model.weights, model.noise.state]
        self._programs = {
            "encode": backend.program(lambda images: model.encode(images).mean, state),
            "decode": backend.program(model.decode_mean, state),
            "sample": backend.program(partial(_sample, model), state),
            "elbo": backend.program(partial(_bound, model), state),
        }

    def at(self, batch_size: int) -> list[Operation]:
        """The operations, in the order of `NAMES`, on batches of `batch_size` that are on the device already."""
        places = np.arange(batch_size, dtype="int32")
        codes = np.random.default_rng(0).normal(size=(batch_size, self.model.code_dim)).astype("float32")
        images = ops.convert_to_tensor(np.resize(self.images, (batch_size, *self.images.shape[1:])))
        indices = ops.convert_to_tensor(places % self.trainer.images.shape[0])
        arguments = {
            "encode": images,
            "decode": ops.convert_to_tensor(codes),
            "sample": ops.convert_to_tensor(places),
            "elbo": images,
        }
        calls = {"train_step": partial(self._step, indices)}
        calls |= {name: partial(program, arguments[name]) for name, program in self._programs.items()}
        return [
            Operation(name=name, images=batch_size, call=calls[name], flops_per_image=self.flops[name])
            for name in NAMES
        ]


def _bound(model: Any, images: Any) -> Any:
    """Distortion and, with a posterior, rate of each image at one draw of its code."""
    posterior = model.encode(images)
    codes = posterior.sample(model.noise)
    distortion = model.distortion(images, codes)
    return (distortion, model.rate(posterior, codes)) if model.has_posterior else distortion


def _sample(model: Any, places: Any) -> Any:
    """Draws as many images from the prior as there are places `(batch,)`, a number that stays open on TensorFlow."""
    return model.decode_mean(model.prior.sample(ops.shape(places)[0], model.noise))
