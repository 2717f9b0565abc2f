"""JAX: everything under XLA; a cohort is a `vmap` of a scan over the epoch, spread over all devices."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from aebench.backends.protocol import CohortProgram, Function, Members, Peak
from aebench.records.record import Switch
from aebench.records.spec import Precision, RunSpec

_PRODUCTS = {"float32": "highest", "tf32": "tensorfloat32"}


class Jax:
    """See `aebench.backends.protocol.Backend`."""

    title = "JAX"
    packages = ("jax",)
    trains_cohorts = True
    spreads_batches = True

    def start(self) -> None:
        """Makes each core of a CPU a device, for cohorts to be spread over, and halves the time to compile.

        At that level of optimisation they run as fast: products, which take most of the time, come from a library.
        """
        from aebench.backends import environment

        if environment.may_have_gpu():
            return
        wanted = {
            "--xla_force_host_platform_device_count": environment.cores(),
            "--xla_backend_optimization_level": 1,
        }
        given = os.environ.get("XLA_FLAGS", "")
        flags = [f"{name}={value}" for name, value in wanted.items() if name not in given]
        os.environ["XLA_FLAGS"] = " ".join([*flags, given]).strip()

    def switches(self) -> dict[str, Switch]:
        """None that a user can choose between."""
        return {}

    def gpu_name(self) -> str | None:
        """The first GPU's or TPU's name."""
        import jax

        device: Any = jax.devices()[0]
        return None if device.platform == "cpu" else str(device.device_kind)

    def set_matrix_products(self, precision: Precision) -> None:
        """JAX lets XLA choose unless it is told."""
        import jax

        jax.config.update("jax_default_matmul_precision", _PRODUCTS.get(precision))

    def compiled(self, function: Function) -> Function:
        """Uses XLA."""
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]

    def compiled_loop(self, function: Function) -> Function:
        """Uses XLA."""
        return self.compiled(function)

    def jit_pays(self) -> bool:
        """Always."""
        return True

    def steps_per_call(self, steps: int) -> int:
        """A whole epoch."""
        return steps

    def wait(self, result: Any) -> None:
        """Waits for this result: JAX on a CPU does not work in the order of calls."""
        import jax

        jax.block_until_ready(result)

    def over_members(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """`vmap`."""
        import jax

        return jax.vmap(function, in_axes=(0, None))  # type: ignore[no-any-return]

    def gradient(self, function: Function) -> Function:
        """`grad`."""
        import jax

        return jax.grad(lambda array: function(array).sum())  # type: ignore[no-any-return]

    def optimizer(self, spec: RunSpec) -> Any:
        """Keras's own Adam."""
        import keras

        return keras.optimizers.Adam(spec.learning_rate, **spec.adam.model_dump())

    def cohort(self, members: Members, spec: RunSpec, of_seed: np.ndarray, steps: int) -> CohortProgram:
        """A scan over `steps` steps."""
        from aebench.backends.jax.cohort import JaxCohort

        return JaxCohort(members, spec, of_seed, steps)

    def program(self, function: Function, variables: Sequence[Any]) -> Function:
        """Is given its variables: JAX would take what a program reads without being given it for constants."""
        import keras

        from aebench.backends import stateless

        return partial(
            stateless(function, variables), [keras.ops.convert_to_tensor(variable.value) for variable in variables]
        )

    def training_step(self, trainer: Any) -> Function:
        """Its state goes from call to call, and is gone from where it was."""
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
            return logs

        return call

    def peak_memory(self) -> Peak:
        """JAX's peak is since the process began and cannot be reset: it tells of this work only if it rises."""
        before = _memory().get("peak_bytes_in_use", 0)

        def peak() -> int | None:
            now = _memory().get("peak_bytes_in_use", 0)
            return now if now > before else None

        return peak

    def free_memory(self) -> int | None:
        """What the first device has left."""
        stats = _memory()
        return stats["bytes_limit"] - stats["bytes_in_use"] if "bytes_limit" in stats else None


BACKEND = Jax()


def _memory() -> dict[str, Any]:
    import jax

    return jax.local_devices()[0].memory_stats() or {}
