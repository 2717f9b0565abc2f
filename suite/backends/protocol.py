"""What the suite needs of a Keras backend: a backend is one module beside this file with a `BACKEND` that has it.

Nothing here imports a framework, and a backend's module imports its own only inside its methods: what a study asks of
a backend before anything is trained, such as its title and its packages, must cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from aebench.records.record import Switch
from aebench.records.spec import Precision, RunSpec

Function = Callable[..., Any]
Peak = Callable[[], int | None]


class Members(Protocol):
    """The model of a cohort as pure functions of its members' variables (`aebench.harness.engine.template.Template`).

    Attributes:
        inputs: the pixels that all members train on.
        trainable: the model's trainable variables.
        others: all else that a step reads and changes: scalars, random states, metrics.
        images: the training images as a variable on the device.
        binarisation: the random state that resamples pixels, a variable.
        chunks: the validation images on the device, in parts.
    """

    inputs: Any
    trainable: list[Any]
    others: list[Any]
    chunks: list[Any]

    @property
    def images(self) -> Any: ...  # noqa: D102

    @property
    def binarisation(self) -> Any: ...  # noqa: D102

    def losses(self, of_seed: np.ndarray) -> Function:
        """All members' losses in one step; `of_seed` has for each member the position of its seed."""

    def reset(self, others: Sequence[Any]) -> list[Any]:
        """A member's other variables with its metrics at their start."""

    def results(self, others: Sequence[Any]) -> dict[str, Any]:
        """What a member's metrics have come to."""

    def validation(self, trainable: Sequence[Any], others: Sequence[Any], chunk: Any) -> tuple[Any, ...]:
        """A member's sums over a chunk of validation images."""


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """What a cohort's training goes on with beside its members' variables, on the host.

    Attributes:
        seeds: the binarisation's random states, one a seed.
        first, second: Adam's moments of each trainable variable, with a first axis of members.
        steps: how many Adam has taken.
    """

    seeds: np.ndarray
    first: Sequence[np.ndarray]
    second: Sequence[np.ndarray]
    steps: np.ndarray

    @classmethod
    def at_start(cls, trainable: Sequence[np.ndarray], seeds: np.ndarray) -> Continuation:
        """Before the first step."""
        zeros = [np.zeros(value.shape, value.dtype) for value in trainable]
        return cls(seeds=seeds, first=zeros, second=zeros, steps=np.zeros((), "float32"))


class CohortProgram(Protocol):
    """A backend's compiled program for all members of a cohort, and their state on its device.

    `trainable` and `others` hold one array a variable of the model, with a first axis of members.
    """

    def load(self, trainable: Sequence[np.ndarray], others: Sequence[np.ndarray], rest: Continuation) -> None:
        """Puts the members into the state from which they go on."""

    def epoch(self, order: np.ndarray, rate: float) -> dict[str, Any]:
        """Trains all members for an epoch of batches `(seeds, steps, batch_size)` at a learning rate; their means.

        May return before the device has finished.
        """

    def validate(self) -> Sequence[Any]:
        """Each member's sums over the validation images."""

    def state(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The members' trainable and other variables as they are now."""

    def rest(self) -> Continuation:
        """What else their training goes on with; valid until the next epoch."""

    def close(self) -> None:
        """Frees the device's memory."""


class Backend(Protocol):
    """A framework that Keras can compute with.

    Attributes:
        title: as people write it.
        packages: those whose versions a record tells, the first that are installed.
        trains_cohorts: whether `cohort` works.
        spreads_batches: whether `aebench.backends.spread_batches` works.
    """

    title: str
    packages: tuple[str, ...]
    trains_cohorts: bool
    spreads_batches: bool

    def start(self) -> None:
        """Called once, before anything imports Keras: switches that must be set before the framework starts."""

    def switches(self) -> dict[str, Switch]:
        """The switches, by name, that `start` sets or finds and that decide speed; the same before it and after."""

    def gpu_name(self) -> str | None:
        """The first GPU's (or TPU's) own name; `None` where the framework sees none."""

    def set_matrix_products(self, precision: Precision) -> None:
        """Lets float32 products round their factors under `tf32`, and not otherwise; all would, or could, on a GPU."""

    def compiled(self, function: Function) -> Function:
        """`function` of backend arrays, compiled the way that pays here."""

    def compiled_loop(self, function: Function) -> Function:
        """The same for a long loop of elementwise passes over one large matrix."""

    def jit_pays(self) -> bool:
        """Whether XLA is worth its compile time in training."""

    def steps_per_call(self, steps: int) -> int:
        """How many of an epoch's `steps` one call of Keras's training function takes."""

    def wait(self, result: Any) -> None:
        """Returns when the device has computed `result`, an array or a nest of arrays."""

    def over_members(self, function: Function) -> Function:
        """See `aebench.backends.members.over_members`."""

    def gradient(self, function: Function) -> Function:
        """The derivative, by its one array, of the sum of what `function` of backend operations returns."""

    def optimizer(self, spec: RunSpec) -> Any:
        """The run's Adam, its constants as published, for Keras `fit`; rounds as the cohort's."""

    def cohort(self, members: Members, spec: RunSpec, of_seed: np.ndarray, steps: int) -> CohortProgram:
        """The program that trains all members at once, compiled.

        Args:
            members: the cohort's model.
            spec: of any member.
            of_seed: for each member the position of its seed.
            steps: batches in an epoch.
        """

    def program(self, function: Function, variables: Sequence[Any]) -> Function:
        """`function(array)` compiled to be timed; it reads, and may change, Keras `variables`."""

    def training_step(self, trainer: Any) -> Function:
        """One step of a compiled Keras model as a function of what it takes, to be timed."""

    def peak_memory(self) -> Peak:
        """A function that, on a GPU, tells the most bytes that were held since this call."""

    def free_memory(self) -> int | None:
        """How many bytes more a GPU can hold; `None` where nothing tells it."""
