"""Small dense networks inside a variant, beside its encoder and decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from aebench.models.seeding import initializer
from aebench.models.streams import stream


def dense_network(
    name: str, sizes: Sequence[int], activation: str, *, seed: int, dtype: Any, last: float | None = None
) -> keras.Sequential:
    """Dense layers from `sizes[0]` numbers to `sizes[-1]`, the last one linear; its weights are made at once.

    Args:
        name: of the network; each layer's weights come from the stream `weights/<name>/<place>`.
        sizes: numbers that go in, hidden units of each layer, numbers that come out.
        activation: of the hidden layers.
        seed: of the run.
        dtype: of weights and results.
        last: standard deviation of the last kernel, for a network that is to start near 0; Glorot's if `None`.
    """
    kernels = [initializer(seed, f"{name}/{place}") for place in range(len(sizes) - 1)]
    if last is not None:
        kernels[-1] = keras.initializers.RandomNormal(stddev=last, seed=stream(seed, f"weights/{name}/last"))
    activations = [activation] * (len(kernels) - 1) + [None]
    parts = [
        layers.Dense(size, form, kernel_initializer=kernel, dtype=dtype, name=f"{name}_{place}")
        for place, (size, form, kernel) in enumerate(zip(sizes[1:], activations, kernels, strict=True))
    ]
    network = keras.Sequential(parts, name=name)
    network.build((None, sizes[0]))
    return network
