"""TensorFlow: graphs without XLA on a CPU, with it on a GPU; a cohort is one graph an epoch."""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aebench.backends.protocol import CohortProgram, Function, Members, Peak
from aebench.records.record import Switch
from aebench.records.spec import Precision, RunSpec

_START_UP = re.compile(r"I\d{4} |WARNING: All log messages before absl::InitializeLog")
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
# With any of these TensorFlow turns oneDNN on by itself (its util/util.cc).
_ONEDNN_BY_ITSELF = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}


class TensorFlow:
    """See `aebench.backends.protocol.Backend`."""

    title = "TensorFlow"
    packages = ("tensorflow", "tensorflow-cpu")
    trains_cohorts = True
    spreads_batches = False

    def start(self) -> None:
        """Turns oneDNN on unless the user has said otherwise or imported TensorFlow, and imports that quietly.

        Without oneDNN, TensorFlow's own kernels don't even use FMA: on two cores with AVX2 the cohort of the digits
        study trained at 118,000 images/s without it and 222,000 with it.
        """
        if not _imported():  # it has looked then, and looks once
            os.environ.setdefault(_ONEDNN, "1")
        _import_quietly()

    def switches(self) -> dict[str, Switch]:
        """Whether oneDNN is on."""
        from aebench.backends.environment import processor_features

        by_itself = "1" if _ONEDNN_BY_ITSELF & processor_features() else "0"
        unsaid = by_itself if _imported() else "1"
        return {_ONEDNN: Switch(value=os.environ.get(_ONEDNN, unsaid), default=by_itself)}

    def gpu_name(self) -> str | None:
        """The first GPU's name."""
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        if not devices:
            return None
        return str(tf.config.experimental.get_device_details(devices[0]).get("device_name", "GPU"))

    def set_matrix_products(self, precision: Precision) -> None:
        """TensorFlow has TF32 on from the start."""
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")

    def compiled(self, function: Function) -> Function:
        """A graph; with XLA on a GPU."""
        import tensorflow as tf

        return tf.function(function, jit_compile=self.jit_pays(), autograph=False)  # type: ignore[no-any-return]

    def compiled_loop(self, function: Function) -> Function:
        """Uses XLA on a CPU too: it makes one pass over the matrix of a dozen, three times as fast."""
        import tensorflow as tf

        return tf.function(function, jit_compile=True, autograph=False)  # type: ignore[no-any-return]

    def jit_pays(self) -> bool:
        """Only on a GPU: on 2 cores `fit` of a 64-256-16 VAE ran at 65,000 images/s without XLA, 15,000 with it."""
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))

    def steps_per_call(self, steps: int) -> int:
        """A whole epoch."""
        return steps

    def wait(self, result: Any) -> None:  # noqa: ARG002
        """Waits for everything that the device has been given."""
        import tensorflow as tf

        tf.test.experimental.sync_devices()

    def over_members(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """`vectorized_map`."""
        import tensorflow as tf

        from aebench.backends.tensorflow.conversions import converting, register_conversions

        register_conversions()

        def mapped(own: Any, shared: Any) -> Any:
            with converting(tf.nest.flatten(own)[0].shape[0]):
                return tf.vectorized_map(lambda one: function(one, shared), own)

        return mapped

    def gradient(self, function: Function) -> Function:
        """A tape."""
        import tensorflow as tf

        def slope(array: Any) -> Any:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(array)
                value = function(array)
            return tape.gradient(value, array, unconnected_gradients="zero")

        return slope

    def optimizer(self, spec: RunSpec) -> Any:
        """Keras's Adam with TensorFlow's one kernel for its step."""
        from aebench.backends.tensorflow.adam import FusedAdam

        return FusedAdam(spec.learning_rate, **spec.adam.model_dump())

    def cohort(self, members: Members, spec: RunSpec, of_seed: np.ndarray, steps: int) -> CohortProgram:  # noqa: ARG002
        """The number of steps stays open: the graph is compiled by one."""
        from aebench.backends.tensorflow.cohort import TensorFlowCohort

        return TensorFlowCohort(members, spec, of_seed, jit=self.jit_pays())

    def program(self, function: Function, variables: Sequence[Any]) -> Function:  # noqa: ARG002
        """Reads variables in place, and takes batches of any size."""
        return _OpenBatch(self.compiled(function))

    def training_step(self, trainer: Any) -> Function:
        """Takes batches of any size."""
        return _OpenBatch(self.compiled(lambda indices: trainer.train_step((indices,))))

    def peak_memory(self) -> Peak:
        """The peak of the first GPU."""
        import tensorflow as tf

        tf.config.experimental.reset_memory_stats("GPU:0")
        return lambda: int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def free_memory(self) -> None:
        """TensorFlow takes the whole device at once and doesn't tell how much that was."""
        return


BACKEND = TensorFlow()


class _OpenBatch:
    """A TensorFlow function of one array, traced at its first call for batches of any size.

    A function that needs its batch's size while it is traced is traced for each size instead.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._traced: Function | None = None

    def __call__(self, array: Any) -> Any:
        if self._traced is None:
            self._traced = self._trace(array)
        return self._traced(array)

    def _trace(self, array: Any) -> Function:
        import tensorflow as tf

        try:
            open_batch = tf.TensorSpec((None, *array.shape[1:]), array.dtype)
            return self._compiled.get_concrete_function(open_batch)  # type: ignore[no-any-return]
        except Exception:  # whatever a user's variant makes of an unknown size
            return self._compiled  # type: ignore[no-any-return]


def _imported() -> bool:
    """Whether somebody has imported TensorFlow."""
    return "tensorflow" in sys.modules


def _import_quietly() -> None:
    """Imports TensorFlow without what its C++ side tells of itself at every start, which no setting silences."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as told:
        os.dup2(told.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_logical_devices()
            # It takes several models in a process for a mistake. In a notebook it sets its level when first asked.
            tf.get_logger().setLevel(logging.ERROR)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            told.seek(0)
            lines = told.read().decode(errors="replace").splitlines(keepends=True)
            sys.stderr.writelines(line for line in lines if not _START_UP.match(line))
