"""A cohort's one model as pure functions of its members' variables, which engines stack and differentiate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from aebench.backends.members import over_members
from aebench.backends.weights import Weights, names
from aebench.data.pixels import Inputs
from aebench.harness.engine.trainer import Trainer, validation_chunks, validation_noise, validation_sums

Start = tuple[list[np.ndarray], list[np.ndarray]]  # a member's trainable and other variables


class Template:
    """The one model through which all members are computed, as pure functions of their variables.

    Attributes:
        inputs: the pixels that all members train on, on the host.
        trainable: the model's trainable variables.
        others: all else that a step reads and changes: scalars, random states, metrics.
        chunks: the validation images on the device, in parts.
    """

    def __init__(self, model: Any, inputs: Inputs) -> None:
        self.model, self.inputs = model, inputs
        self.trainer = Trainer(model, inputs)
        self.trainable = list(model.trainable_variables)
        self.others = _others(model)
        self.chunks = validation_chunks(inputs.validation)
        self.validation_images = len(inputs.validation)

    @property
    def images(self) -> Any:
        """The training images as a variable on the device."""
        return self.trainer.images

    @property
    def binarisation(self) -> Any:
        """The random state that resamples pixels, a variable."""
        return self.trainer.binarisation.state

    def losses(self, of_seed: np.ndarray) -> Any:
        """All members' losses in one step, as a pure function.

        Args:
            of_seed: for each member the position of its seed.

        Returns:
            A function of stacked `trainable` and `others`, the training `images` and the `batch` indices and random
            `states` of each seed: each member's loss, their other variables and the seeds' random states after the
            step.
        """
        draw = over_members(lambda own, images: self.draw(own[0], own[1], images))
        loss = over_members(lambda own, shared: self.loss(own[0], own[1], own[2]))  # noqa: ARG005
        own_seed = np.array_equal(of_seed, np.arange(of_seed.max() + 1))

        def losses(trainable: Any, others: Any, images: Any, states: Any, batch: Any) -> tuple[Any, Any, Any]:
            drawn, states = draw((states, batch), images)
            if not own_seed:
                drawn = {name: ops.take(part, of_seed, axis=0) for name, part in drawn.items()}
            values, others = loss((trainable, others, drawn), ())
            return values, others, states

        return losses

    def draw(self, state: Any, indices: Any, images: Any) -> tuple[dict[str, Any], Any]:
        """What the loss takes of a batch of the training `images`, for one seed, and its random state after that."""
        random = self.binarisation
        mapping = [(random, state), (self.images, images)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            batch = self.trainer.draw(indices)
        return batch, scope.get_current_value(random)

    def loss(self, trainable: Sequence[Any], others: Sequence[Any], batch: dict[str, Any]) -> tuple[Any, list[Any]]:
        """A member's loss on its batch, and its other variables after that."""
        with keras.StatelessScope(state_mapping=self._mapping(trainable, others)) as scope:
            loss = self.model.compute_loss(**batch, training=True)
        return loss, self._after(scope)

    def results(self, others: Sequence[Any]) -> dict[str, Any]:
        """What a member's metrics have come to."""
        with keras.StatelessScope(state_mapping=zip(self.others, others, strict=True)):
            return {metric.name: metric.result() for metric in self.model.metrics}

    def reset(self, others: Sequence[Any]) -> list[Any]:
        """A member's other variables with its metrics at their start."""
        with keras.StatelessScope(state_mapping=zip(self.others, others, strict=True)) as scope:
            for metric in self.model.metrics:
                metric.reset_state()
        return self._after(scope)

    def validation(self, trainable: Sequence[Any], others: Sequence[Any], chunk: Any) -> tuple[Any, ...]:
        """A member's sums over a `chunk` of validation images."""
        noise = ops.cast(ops.convert_to_tensor(validation_noise()), self.model.noise.state.dtype)
        mapping = [*self._mapping(trainable, others), (self.model.noise.state, noise)]
        with keras.StatelessScope(state_mapping=mapping):
            return validation_sums(self.model, chunk)

    def start(self, model: Any) -> Start:
        """The variables of a member's own `model`, in this template's order."""
        return _arrays(model.trainable_variables), _arrays(_others(model))

    def with_scalars(self, start: Start, scalars: Mapping[str, float]) -> Start:
        """The start of a member that differs from that of `start` in scalar hyper-parameters alone."""
        trainable, others = start
        weights = zip(names(self.model), self.model.weights, strict=True)
        values = {id(weight): scalars[name] for name, weight in weights if name in scalars}
        replaced = [
            np.asarray(values.get(id(variable), array), array.dtype)
            for variable, array in zip(self.others, others, strict=True)
        ]
        return trainable, replaced

    def weights(self, trainable: Sequence[np.ndarray], others: Sequence[np.ndarray], member: int) -> Weights:
        """A member's weights by name, from the stacked variables."""
        values = {
            id(variable): array[member]
            for variable, array in zip([*self.trainable, *self.others], [*trainable, *others], strict=True)
        }
        weights = self.model.weights
        return {name: values[id(weight)] for name, weight in zip(names(self.model), weights, strict=True)}

    def _mapping(self, trainable: Sequence[Any], others: Sequence[Any]) -> list[tuple[Any, Any]]:
        return [*zip(self.trainable, trainable, strict=True), *zip(self.others, others, strict=True)]

    def _after(self, scope: Any) -> list[Any]:
        return [ops.cast(scope.get_current_value(variable), variable.dtype) for variable in self.others]


def _others(model: Any) -> list[Any]:
    """Each variable that a step reads and changes beside the weights that it trains, once."""
    variables = [*model.non_trainable_variables, model.noise.state, *model.metrics_variables]
    return list({id(variable): variable for variable in variables}.values())


def _arrays(variables: Sequence[Any]) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(variable.value)) for variable in variables]
