"""The autoencoder regularised by the spectral norms of its decoder's layers."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from aebench.models.base import register
from aebench.models.jacobians import chain
from aebench.models.rae import RAE
from aebench.models.residual import Residual, single
from aebench.models.streams import stream


@register("rae-sn", version=1)
class RAESN(RAE):
    """A regularised autoencoder each layer of whose decoder has spectral norm 1 (Ghosh et al. 2020, there "RAE-SN").

    So its outputs change no more than the code does. Each kernel W is divided by its largest singular value, which
    a step of power iteration follows through the training (Miyato et al. 2018, algorithm 1); that of a convolution
    is its kernel's as a matrix of as many columns as its last axis has, and a residual block adds its input. Larger
    codes make up for the norm: β decides.

    Objective:
        D + β/2 |z|²    (D: distortion under the normalised decoder, in nats; z: the code)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight β of the square of the code, finite and >= 0; in the paper's code for MNIST 9e-3, which is 2 here
            (see `RAE`), where the decoder has norms of its batch normalisation to grow by.
        **options: see `Autoencoder`. The decoder must be a `Sequential` whose matrices are all called `kernel`.

    Reference:
        Ghosh et al. 2020, "From Variational to Deterministic Autoencoders", ICLR, arXiv:1903.12436.
    """

    def __init__(self, latent_dim: int, *, beta: float = 0.01, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build(input_shape)
        self.directions: dict[str, Any] = {}
        for layer in filter(_has_matrix, single(chain(self.decoder))):
            if not hasattr(layer, "kernel"):
                raise ValueError(f"matrices of the decoder must be called `kernel`. Received: {type(layer).__name__}")
            name = f"direction_{layer.name}"
            start = keras.initializers.RandomNormal(stddev=1.0, seed=stream(self.seed, f"weights/{name}"))
            shape = layer.kernel.shape[-1:]
            self.directions[layer.name] = self.add_weight(name=name, shape=shape, trainable=False, initializer=start)

    def decode(self, codes: Any, training: bool = False) -> Any:
        """Parameters of the likelihood: a layer of x/σ is a layer of kernel W/σ."""
        output = codes
        for layer in self.decoder.layers:
            output = self._applied(layer, output, training)
        return ops.cast(output, self.variable_dtype) + self.output_bias

    def _applied(self, layer: Any, value: Any, training: bool) -> Any:
        """What a layer makes of a value with its kernel normalised, a residual block with all of its own."""
        if isinstance(layer, Residual):
            return layer.applied(value, lambda part, inner: self._applied(part, inner, training))
        if layer.name in self.directions:
            value = ops.divide(value, self.spectral_norm(layer, training))
        return layer(value, training=training)

    def spectral_norm(self, layer: Any, training: bool) -> Any:
        """Largest singular value of a layer's kernel, one step nearer to it; kept in training."""
        kernel, direction = ops.convert_to_tensor(layer.kernel), self.directions[layer.name]
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        left, right = power_step(ops.stop_gradient(matrix), ops.convert_to_tensor(direction))
        if training:
            direction.assign(right)
        return ops.sum(left * ops.matmul(matrix, right))


def power_step(matrix: Any, right: Any) -> tuple[Any, Any]:
    """Left and right vectors, of length 1, nearer to the largest singular value's than `right` was."""
    left = ops.normalize(ops.matmul(matrix, right), axis=-1)
    return left, ops.normalize(ops.matmul(left, matrix), axis=-1)


def _has_matrix(layer: Any) -> bool:
    return any(len(weight.shape) > 1 for weight in layer.trainable_weights)
