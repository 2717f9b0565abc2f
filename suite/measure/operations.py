"""What the suite times of a model: a training step, and encode, decode, sample and elbo, at any batch size.

Each is compiled once for all batch sizes where the backend can do that (TensorFlow), else once for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from suite import backend
from suite.measure.flops import flops_per_image
from suite.measure.throughput import Operation

NAMES = ("train_step", "encode", "decode", "sample", "elbo")
Program = Callable[..., Any]


class Operations:
    """The operations of one model.

    Args:
        model: a built `Autoencoder`.
        trainer: the model that Keras trains by the indices of training images; compiled.
        images: `(n, *image_shape)`, repeated where a batch is larger.
    """

    def __init__(self, model: Any, trainer: Any, images: np.ndarray) -> None:
        self.model, self.trainer, self.images = model, trainer, images
        self.flops = flops_per_image(model)
        self._step = _training_step(trainer)
        state = [*model.weights, model.noise.state]
        self._programs = {
            "encode": _program(lambda images: model.encode(images).mean, state),
            "decode": _program(model.decode_mean, state),
            "sample": _program(partial(_sample, model), state),
            "elbo": _program(partial(_bound, model), state),
        }

    def at(self, batch_size: int) -> list[Operation]:
        """The operations, in the order of `NAMES`, on batches of `batch_size` that are on the device already."""
        places = np.arange(batch_size, dtype="int32")
        codes = np.random.default_rng(0).normal(size=(batch_size, self.model.latent_dim)).astype("float32")
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
    """As many images from the prior as there are places `(batch,)`, a number that stays open on TensorFlow."""
    return model.decode_mean(model.prior.sample(ops.shape(places)[0], model.noise))


def _program(function: Program, variables: Sequence[Any]) -> Program:
    """Compiles `function(array)`, which reads and may change Keras `variables`.

    TensorFlow's programs read them in place; JAX would take what a program reads without being given it for constants.
    """
    match keras.backend.backend():
        case "tensorflow":
            return _OpenBatch(function)
        case "jax":
            program = backend.stateless(function, variables)
            return partial(program, [ops.convert_to_tensor(variable.value) for variable in variables])
        case _:
            return backend.compiled(function)


class _OpenBatch:
    """A TensorFlow function of one array, traced at its first call for batches of any size.

    A function that needs its batch's size while it is traced is traced for each size instead.
    """

    def __init__(self, function: Program) -> None:
        self._compiled = backend.compiled(function)
        self._traced: Program | None = None

    def __call__(self, array: Any) -> Any:
        if self._traced is None:
            self._traced = self._trace(array)
        return self._traced(array)

    def _trace(self, array: Any) -> Program:
        import tensorflow as tf

        try:
            open_batch = tf.TensorSpec((None, *array.shape[1:]), array.dtype)
            return self._compiled.get_concrete_function(open_batch)  # type: ignore[attr-defined, no-any-return]
        except Exception:  # whatever a user's variant makes of an unknown size
            return self._compiled


def _training_step(trainer: Any) -> Program:
    """One step of the compiled `trainer` as a function of the indices of its images, `(batch,)`."""
    match keras.backend.backend():
        case "tensorflow":
            return _OpenBatch(lambda indices: trainer.train_step((indices,)))
        case "jax":
            return _jax_step(trainer)
        case _:
            return lambda indices: trainer.train_step((indices,))


def _jax_step(trainer: Any) -> Program:
    import jax

    step = jax.jit(trainer.train_step, donate_argnums=0)
    groups = (
        trainer.trainable_variables,
        trainer.non_trainable_variables,
        trainer.optimizer.variables,
        trainer.metrics_variables,
    )
    state = tuple([jax.numpy.copy(variable.value) for variable in group] for group in groups)

    def call(indices: Any) -> Any:
        nonlocal state
        logs, state = step(state, (indices,))
        return logs  # the state goes into the next call, and is gone then

    return call
