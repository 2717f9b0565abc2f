"""PyTorch: eager, one run after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aebench.backends.protocol import CohortProgram, Function, Members, Peak
from aebench.records.record import Switch
from aebench.records.spec import Precision, RunSpec


class Torch:
    """See `aebench.backends.protocol.Backend`."""

    title = "PyTorch"
    packages = ("torch",)
    trains_cohorts = False
    spreads_batches = False

    def start(self) -> None:
        """Nothing to be set."""

    def switches(self) -> dict[str, Switch]:
        """None."""
        return {}

    def gpu_name(self) -> str | None:
        """The first GPU's name."""
        import torch

        return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None

    def set_matrix_products(self, precision: Precision) -> None:
        """PyTorch has TF32 off for products unless it is asked for."""
        import torch

        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")

    def compiled(self, function: Function) -> Function:
        """Eager, and without gradients."""
        import torch

        return torch.no_grad()(function)  # type: ignore[no-any-return]

    def compiled_loop(self, function: Function) -> Function:
        """Eager too."""
        return self.compiled(function)

    def jit_pays(self) -> bool:
        """Never."""
        return False

    def steps_per_call(self, steps: int) -> int:  # noqa: ARG002
        """One."""
        return 1

    def wait(self, result: Any) -> None:  # noqa: ARG002
        """A CPU has nothing to wait for."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()

    def over_members(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """A loop."""
        import keras

        def mapped(own: Any, shared: Any) -> Any:
            members = len(keras.tree.flatten(own)[0])
            results = [
                function(keras.tree.map_structure(lambda array: array[member], own), shared)  # noqa: B023 (called now)
                for member in range(members)
            ]
            return keras.tree.map_structure(lambda *parts: keras.ops.stack(parts), *results)

        return mapped

    def gradient(self, function: Function) -> Function:
        """Works inside of what `compiled` runs without gradients too."""
        import torch

        def slope(array: Any) -> Any:
            with torch.enable_grad():
                watched = array.detach().requires_grad_()
                (found,) = torch.autograd.grad(function(watched).sum(), watched)
            return found

        return slope

    def optimizer(self, spec: RunSpec) -> Any:
        """Keras's own Adam."""
        import keras

        return keras.optimizers.Adam(spec.learning_rate, **spec.adam.model_dump())

    def cohort(self, members: Members, spec: RunSpec, of_seed: np.ndarray, steps: int) -> CohortProgram:
        """Raises NotImplementedError: eager calls gain nothing from company."""
        raise NotImplementedError("PyTorch has no cohorts here")

    def program(self, function: Function, variables: Sequence[Any]) -> Function:  # noqa: ARG002
        """Eager."""
        return self.compiled(function)

    def training_step(self, trainer: Any) -> Function:
        """Keras's own."""
        return lambda indices: trainer.train_step((indices,))

    def peak_memory(self) -> Peak:
        """The peak of the first GPU."""
        import torch

        torch.cuda.reset_peak_memory_stats()
        return lambda: int(torch.cuda.max_memory_allocated())

    def free_memory(self) -> int | None:
        """What the first GPU has left."""
        import torch

        return int(torch.cuda.mem_get_info()[0])


BACKEND = Torch()
