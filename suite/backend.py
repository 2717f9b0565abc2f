"""What differs between Keras's backends: choosing one, compiling a function, waiting for the device.

Nothing here imports Keras before `choose` has had a chance to name the backend.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from suite import environment
from suite.errors import UserError
from suite.spec import Backend, Precision

_START_UP = re.compile(r"I\d{4} |WARNING: All log messages before absl::InitializeLog")


def choose(backend: Backend) -> None:
    """Makes Keras use `backend`; to be called before anything imports Keras.

    Raises:
        UserError: the backend isn't installed.
    """
    if importlib.util.find_spec(backend) is None:
        extra = "cpu" if backend == "tensorflow" else backend
        raise UserError(f"backend {backend!r} is not installed; run: pip install 'aebench[{extra}]'")
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it takes several models in a process for a mistake
    if backend == "tensorflow":
        _start_tensorflow()
    if backend == "jax" and not environment.may_have_gpu():
        _set_up_jax_on_cpu()
    _set_matrix_products("float32")


def _set_up_jax_on_cpu() -> None:
    """Makes each core a device, for cohorts to be spread over, and has programs compiled in half the time.

    At that level of optimisation they run as fast: products, which take most of the time, come from a library.
    """
    wanted = {
        "--xla_force_host_platform_device_count": environment.cores(),
        "--xla_backend_optimization_level": 1,
    }
    given = os.environ.get("XLA_FLAGS", "")
    flags = [f"{name}={value}" for name, value in wanted.items() if name not in given]
    os.environ["XLA_FLAGS"] = " ".join([*flags, given]).strip()


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
    _set_matrix_products(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        _set_matrix_products("float32")


def refuse_missing(name: Precision) -> None:
    """Raises UserError where the device doesn't have this precision."""
    import keras

    if name == "tf32" and environment.current(keras.backend.backend()).device_kind != "GPU":
        raise UserError("precision 'tf32' needs a GPU and there is none here; use float32 or bfloat16")


def _set_matrix_products(name: Precision) -> None:
    """All three frameworks would otherwise, or could, round the factors of float32 products on a GPU."""
    import keras

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            tf.config.experimental.enable_tensor_float_32_execution(name == "tf32")
        case "jax":
            import jax

            jax.config.update("jax_default_matmul_precision", {"float32": "highest", "tf32": "tensorfloat32"}.get(name))
        case _:
            import torch

            torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")


def _start_tensorflow() -> None:
    """Imports TensorFlow without what its C++ side tells of itself at every start, which no setting silences."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as told:
        os.dup2(told.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_logical_devices()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            told.seek(0)
            lines = told.read().decode(errors="replace").splitlines(keepends=True)
            sys.stderr.writelines(line for line in lines if not _START_UP.match(line))


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

    return compiled(pure)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled the way that pays on this backend: a graph on TensorFlow, XLA on JAX, eager on PyTorch."""
    import keras

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return tf.function(function, jit_compile=jit_pays(), autograph=False)  # type: ignore[no-any-return]
        case "jax":
            import jax

            return jax.jit(function)  # type: ignore[no-any-return]
        case _:
            import torch

            return torch.no_grad()(function)  # type: ignore[no-any-return]


def jit_pays() -> bool:
    """Whether XLA is worth its compile time: always on JAX; on TensorFlow on a GPU only; not on PyTorch.

    On 2 CPU cores Keras `fit` of a 64-256-16 VAE ran at 65,000 images/s without and 15,000 with XLA.
    """
    import keras

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return bool(tf.config.list_physical_devices("GPU"))
        case "jax":
            return True
        case _:
            return False


def steps_per_call(steps: int) -> int:
    """How many of an epoch's `steps` one call of Keras's training function takes; PyTorch takes one."""
    import keras

    return 1 if keras.backend.backend() == "torch" else steps


def wait(result: Any) -> None:
    """Returns when the device has computed `result`, an array or a nest of arrays."""
    import keras

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            tf.test.experimental.sync_devices()
        case "jax":
            import jax

            jax.block_until_ready(result)
        case _:
            import torch

            if torch.cuda.is_available():
                torch.cuda.synchronize()
