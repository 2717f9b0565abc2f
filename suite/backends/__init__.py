"""Keras's backends: choosing one, and what the suite does through it.

Nothing here imports Keras before `choose` has had a chance to name the backend.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aebench.errors import UserError
from aebench.records.spec import Precision

if TYPE_CHECKING:
    from aebench.backends.protocol import Backend

NAMES = ("tensorflow", "jax", "torch")  # each a module beside this file


def get(name: str) -> Backend:
    """The backend called `name`, one of `NAMES`; imports no framework."""
    backend: Backend = importlib.import_module(f"{__name__}.{name}").BACKEND
    return backend


def current() -> Backend:
    """The backend that Keras uses in this process."""
    import keras

    return get(keras.backend.backend())


def loaded() -> str | None:
    """The backend that Keras was imported with in this process; `None` while nothing has imported it."""
    keras = sys.modules.get("keras")
    return None if keras is None else str(keras.backend.backend())


def choose(name: str) -> None:
    """Makes Keras use the backend called `name`; to be called before anything imports Keras.

    Raises:
        UserError: it isn't installed, or Keras was imported with another one, which it cannot leave.
    """
    if importlib.util.find_spec(name) is None:
        extra = "cpu" if name == "tensorflow" else name
        raise UserError(f"backend {name!r} is not installed; run: pip install 'aebench[{extra}]'")
    if (before := loaded()) not in (None, name):
        raise UserError(
            f"backend {name!r} was asked for, and Keras was imported with {before!r} in this process; start Python "
            f"anew, with KERAS_BACKEND={name} or without importing Keras before, or ask for {before!r}"
        )
    os.environ["KERAS_BACKEND"] = name
    # What fails is raised; what TensorFlow prints besides, as errors too, tells of libraries that it does without.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    get(name).start()
    get(name).set_matrix_products("float32")


@contextmanager
def precision(name: Precision) -> Iterator[None]:
    """Models that are made, and programs that are compiled and run, inside it compute in this precision.

    Raises:
        UserError: the device doesn't have it.
    """
    import keras

    refuse_missing(name)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if name == "bfloat16" else "float32")
    current().set_matrix_products(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        current().set_matrix_products("float32")


@contextmanager
def spread_batches() -> Iterator[None]:
    """Models that are made inside it are copied to all devices of the process, each of which takes a part of a batch.

    For backends with `spreads_batches` alone.
    """
    import keras

    devices = keras.distribution.list_devices()
    with keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False).scope():
        yield


def refuse_missing(name: Precision) -> None:
    """Raises UserError where the device doesn't have this precision."""
    import keras

    from aebench.backends import environment

    if name == "tf32" and environment.current(keras.backend.backend()).device_kind != "GPU":
        raise UserError("precision 'tf32' needs a GPU and there is none here; use float32 or bfloat16")


def stateless(function: Callable[..., Any], variables: Sequence[Any]) -> Callable[..., Any]:
    """Compiles `function(*arrays)`, which reads Keras `variables`, into a pure `(values, *arrays) -> result`.

    The variables are left as they are, so one compiled program serves every run of a cohort.

    Args:
        function: takes and returns backend arrays (or tuples of them).
        variables: every Keras variable that `function` reads and that differs between calls, or that it changes.
    """
    import keras

    def pure(values: Sequence[Any], *arrays: Any) -> Any:
        with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)):
            return function(*arrays)

    return current().compiled(pure)
