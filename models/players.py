"""The second player of adversarial variants: a network that tells two kinds of points apart, and its losses.

Both players are trained by one objective. The first sees the discriminator with its weights held (`frozen`), and the
discriminator sees points through `stop_gradient`: each weight has the gradient of its own player's loss alone, and
Adam, which is indifferent to the scale of a loss, treats each as an optimiser of its own would.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from keras import layers, ops

from aebench.models.seeding import initializer

SLOPE = 0.2  # of leaky ReLU below 0, as in the papers


class Discriminator(layers.Layer):
    """Dense layers of leaky ReLU and one logit: once trained, the log of the ratio of the two kinds' densities.

    Args:
        units: of each hidden layer, >= 1.
        depth: hidden layers.
        seed: the run's.
        **options: of a Keras layer.
    """

    def __init__(self, units: int, depth: int, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.depth, self.seed = units, depth, seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        sizes = [input_shape[-1], *[self.units] * self.depth, 1]
        self.kernels, self.biases = [], []
        for place, shape in enumerate(pairwise(sizes)):
            start = initializer(self.seed, f"{self.name}/{place}")
            self.kernels.append(self.add_weight(name=f"kernel_{place}", shape=shape, initializer=start))
            self.biases.append(self.add_weight(name=f"bias_{place}", shape=shape[1:], initializer="zeros"))
        self.built = True

    def features(self, points: Any, frozen: bool = False) -> Any:
        """The last hidden layer, `(batch, units)`, at `points` `(batch, numbers)`; weights are held if `frozen`."""
        for place in range(self.depth):
            points = ops.leaky_relu(self._linear(place, points, frozen), SLOPE)
        return points

    def verdict(self, features: Any, frozen: bool = False) -> Any:
        """The logits, `(batch,)`, positive for the first kind, at `features` `(batch, units)`."""
        return self._linear(self.depth, features, frozen)[:, 0]

    def logits(self, points: Any, frozen: bool = False) -> Any:
        """The logits, `(batch,)`, positive for the first kind, at `points` `(batch, numbers)`."""
        return self.verdict(self.features(points, frozen), frozen)

    def _linear(self, place: int, inputs: Any, frozen: bool) -> Any:
        kernel, bias = (ops.convert_to_tensor(weights[place]) for weights in (self.kernels, self.biases))
        if frozen:
            kernel, bias = ops.stop_gradient(kernel), ops.stop_gradient(bias)
        return ops.matmul(inputs, kernel) + bias


def cross_entropy(first: Any, second: Any) -> Any:
    """The discriminator's loss at logits of points of each kind, both `(batch,)`: `(batch,)` nats, log 2 by chance."""
    return 0.5 * (ops.softplus(-first) + ops.softplus(second))


def accuracy(first: Any, second: Any) -> Any:
    """The share of right verdicts at logits of points of each kind, both `(batch,)`: `(batch,)`, of 0, 1/2 and 1."""
    return 0.5 * (ops.cast(first > 0.0, first.dtype) + ops.cast(second < 0.0, second.dtype))
