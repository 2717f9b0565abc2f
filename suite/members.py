"""One function over all members of a cohort at once: `vmap` on JAX, `vectorized_map` on TensorFlow, a loop on PyTorch.

Members are runs of one shape; what differs between them is stacked along a first axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import keras
import numpy as np


def over_members(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Turns `function(own, shared) -> results` of one member into the same of all members.

    Args:
        function: takes and returns nests of backend arrays.

    Returns:
        A function that takes `own` with a first axis of members on every array, and `shared` as it is; its results
        have that axis too.
    """
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            _vectorise_random_numbers()
            return lambda own, shared: tf.vectorized_map(lambda one: function(one, shared), own)
        case "jax":
            import jax

            return jax.vmap(function, in_axes=(0, None))  # type: ignore[no-any-return]
        case _:
            return _looped(function)


def stack(values: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Arrays of each member, stacked: from `[member][array]` to `[array]` with a first axis of members."""
    return [np.stack(arrays) for arrays in zip(*values, strict=True)]


def _looped(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def mapped(own: Any, shared: Any) -> Any:
        members = len(keras.tree.flatten(own)[0])
        results = [
            function(keras.tree.map_structure(lambda array: array[member], own), shared)  # noqa: B023 (called at once)
            for member in range(members)
        ]
        return keras.tree.map_structure(lambda *parts: keras.ops.stack(parts), *results)

    return mapped


@cache
def _vectorise_random_numbers() -> None:
    """Teaches `vectorized_map` TensorFlow's stateless random numbers, which it would else run in a serial loop.

    A kernel takes one key, so there is one call a member, which the executor runs side by side. The numbers are those
    that each member would draw alone.
    """
    import tensorflow as tf
    from tensorflow.python.ops.parallel_for import pfor  # no public way to register a conversion

    def keys(conversion: Any) -> Any:
        seeds = tf.unstack(conversion.stacked_input(0))
        pairs = [tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed) for seed in seeds]
        return tuple(pfor.wrap(tf.stack(parts), True) for parts in zip(*pairs, strict=True))

    def draws(kernel: Callable[..., Any]) -> Callable[[Any], Any]:
        def convert(conversion: Any) -> Any:
            shape, algorithm = conversion.unstacked_input(0), conversion.unstacked_input(3)
            streams = zip(*(tf.unstack(conversion.stacked_input(i)) for i in (1, 2)), strict=True)
            dtype = conversion.op.outputs[0].dtype
            parts = [kernel(shape=shape, key=key, counter=at, alg=algorithm, dtype=dtype) for key, at in streams]
            return pfor.wrap(tf.stack(parts), True)

        return convert

    pfor.RegisterPFor("StatelessRandomGetKeyCounter")(keys)
    pfor.RegisterPFor("StatelessRandomNormalV2")(draws(tf.raw_ops.StatelessRandomNormalV2))
    pfor.RegisterPFor("StatelessRandomUniformV2")(draws(tf.raw_ops.StatelessRandomUniformV2))
    pfor.RegisterPFor("StatelessTruncatedNormalV2")(draws(tf.raw_ops.StatelessTruncatedNormalV2))
