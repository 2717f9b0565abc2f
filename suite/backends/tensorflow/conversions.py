"""What TensorFlow's `vectorized_map` cannot turn into one program for all members by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor  # no public way to register a conversion

_MEMBERS: ContextVar[int | None] = ContextVar("members", default=None)


@contextmanager
def converting(members: int) -> Iterator[None]:
    """Says how many members the `vectorized_map` inside is over: in a loop of theirs TensorFlow has forgotten it."""
    token = _MEMBERS.set(members)
    try:
        yield
    finally:
        _MEMBERS.reset(token)


def _of_each(stacked: Any) -> list[Any]:
    return list(tf.unstack(stacked, num=stacked.shape[0] or _MEMBERS.get()))


@cache
def register_conversions() -> None:
    """Teaches `vectorized_map` stateless random numbers and bit casts, which it would else run in a serial loop.

    A kernel of random numbers takes one key, so there is one call a member, which the executor runs side by side. The
    numbers are those that each member would draw alone. Bit casts are a part of Keras's `argmax`.
    """

    def keys(conversion: Any) -> Any:
        seeds = _of_each(conversion.stacked_input(0))
        pairs = [tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed) for seed in seeds]
        return tuple(pfor.wrap(tf.stack(parts), True) for parts in zip(*pairs, strict=True))

    def draws(kernel: Callable[..., Any]) -> Callable[[Any], Any]:
        def convert(conversion: Any) -> Any:
            shape, algorithm = conversion.unstacked_input(0), conversion.unstacked_input(3)
            streams = zip(*(_of_each(conversion.stacked_input(i)) for i in (1, 2)), strict=True)
            dtype = conversion.op.outputs[0].dtype
            parts = [kernel(shape=shape, key=key, counter=at, alg=algorithm, dtype=dtype) for key, at in streams]
            return pfor.wrap(tf.stack(parts), True)

        return convert

    pfor.RegisterPFor("StatelessRandomGetKeyCounter")(keys)
    pfor.RegisterPFor("StatelessRandomNormalV2")(draws(tf.raw_ops.StatelessRandomNormalV2))
    pfor.RegisterPFor("StatelessRandomUniformV2")(draws(tf.raw_ops.StatelessRandomUniformV2))
    pfor.RegisterPFor("StatelessTruncatedNormalV2")(draws(tf.raw_ops.StatelessTruncatedNormalV2))
    pfor.RegisterPFor("Bitcast")(
        lambda conversion: pfor.wrap(tf.bitcast(conversion.stacked_input(0), conversion.get_attr("type")), True)
    )
