"""Programs: functions of a cohort's model and of the weights of several runs at once, each traced once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from aebench import backends
from aebench.backends import environment
from aebench.backends.layers import convolutions, leaves
from aebench.backends.members import over_members, stack
from aebench.backends.weights import Weights, names
from aebench.models.streams import stream

CHUNK = 2000  # images scored at once: bounds memory whatever the size of the split
FIXED_SEED = 0  # the harness's own noise, the same for every run, so that runs are compared on the same draws
# Of the widest layer, for all runs that are scored at once. On a CPU, more than its caches hold gains nothing.
MOST_ELEMENTS = {"CPU": 2**21, "GPU": 2**28, "TPU": 2**27}


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Weights of `count` runs on the device, stacked along a first axis in groups of one size.

    The last group is filled up by repeating its last run, so that one trace serves all groups.
    """

    groups: tuple[list[Any], ...]
    count: int

    @property
    def at_once(self) -> int:
        """How many are in a group."""
        return int(self.groups[0][0].shape[0])


class Programs:
    """What compiles functions of a model, and calls them for groups of runs and chunks of images.

    Args:
        model: see `aebench.measures.evaluator.Evaluator`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._names = names(model)
        self._noise = keras.random.SeedGenerator(0)

    def load(self, runs: Sequence[Weights], images: int = CHUNK) -> Runs:
        """Puts the weights of runs on the device, in groups that leave room for their activations.

        Args:
            runs: at least one.
            images: how many will be scored.
        """
        groups = math.ceil(len(runs) / self._most_at_once(min(images, CHUNK)))
        size = math.ceil(len(runs) / groups)
        ordered = [[run[name] for name in self._names] for run in runs]
        ordered += ordered[-1:] * (groups * size - len(runs))
        parts = (stack(ordered[start : start + size]) for start in range(0, len(ordered), size))
        return Runs(groups=tuple([*map(ops.convert_to_tensor, part)] for part in parts), count=len(runs))

    def _most_at_once(self, images: int) -> int:
        """How many runs may be scored at once."""
        device = environment.current(keras.backend.backend()).device_kind
        if device == "CPU" and convolutions(self.model):
            return 1
        shapes = [tuple(weight.shape) for layer in leaves(self.model) for weight in layer.trainable_weights]
        pixels = math.prod(self.model.image_shape)
        filters = [max(layer.kernel.shape[-2:]) for layer in convolutions(self.model)]
        widest: int = max([pixels * max(filters, default=1), *(shape[-1] for shape in shapes if shape)])
        return max(1, MOST_ELEMENTS[device] // (images * widest))

    def of_codes(self, function: Callable[..., Any], runs: Runs, codes: np.ndarray) -> Any:
        """Results of `function` for the codes `(runs, n, code_dim)` of each run: `(runs, n, ...)`."""
        size = runs.at_once
        padded = np.concatenate([codes, np.repeat(codes[-1:], size * len(runs.groups) - runs.count, axis=0)])
        parts = [
            function((own, [ops.convert_to_tensor(padded[index * size : (index + 1) * size])]), [])
            for index, own in enumerate(runs.groups)
        ]
        return joined(parts, axis=0)[: runs.count]

    def noise_at(self, state: Any) -> keras.random.SeedGenerator:
        """The generator of the harness's noise, set to a state inside a compiled function."""
        self._noise.state.assign(state)
        return self._noise

    def over_runs(self, function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
        """Compiles `function(*own, *shared)` of one run into the same of a group of runs.

        Returns:
            A function of `((weights, own), shared)`, whose weights, own arrays and results have a first axis of runs.
        """

        def of_one(own: Any, shared: Any) -> Any:
            weights, arrays = own
            with keras.StatelessScope(state_mapping=zip(self.model.weights, weights, strict=True)):
                return function(*arrays, *shared)

        of_several = over_members(of_one)

        def of_group(own: Any, shared: Any) -> Any:
            if own[0][0].shape[0] > 1:
                return of_several(own, shared)
            results = of_one(keras.tree.map_structure(lambda array: array[0], own), shared)
            return keras.tree.map_structure(lambda array: array[None], results)

        return backends.current().compiled(of_group)

    def by_chunk(self, function: Callable[..., Any], runs: Runs, chunks: Sequence[tuple[np.ndarray, ...]]) -> Any:
        """Results of `function` for all runs and chunks of images, `(runs, n, ...)`."""
        shared = ([*map(ops.convert_to_tensor, chunk)] for chunk in chunks)
        parts = [[function((own, []), arrays) for own in runs.groups] for arrays in shared]
        whole = [joined(groups, axis=0) for groups in parts]
        return keras.tree.map_structure(lambda array: array[: runs.count], joined(whole, axis=1))


def noise(name: str, draw: int = 0) -> np.ndarray:
    """State of the stream `name` of the harness's noise before draw number `draw`."""
    return np.array([stream(FIXED_SEED, f"measure/{name}"), draw], "uint32")


def chunks(images: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The images in parts of `CHUNK`, each behind the place of its first."""
    for start in range(0, len(images), CHUNK):
        yield start, images[start : start + CHUNK]


def joined(parts: Sequence[Any], axis: int) -> Any:
    """Nests of arrays, each array joined to its fellows."""
    join = lambda *arrays: np.concatenate([*map(ops.convert_to_numpy, arrays)], axis=axis)  # noqa: E731
    return keras.tree.map_structure(join, *parts)
