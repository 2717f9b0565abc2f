"""A cohort's program on TensorFlow: an epoch in one call of one graph, the members' weights updated in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from aebench.backends.members import over_members
from aebench.backends.protocol import Continuation, Members
from aebench.backends.tensorflow.adam import fused_adam
from aebench.records.spec import RunSpec


class TensorFlowCohort:
    """See `protocol.CohortProgram`. Weights and Adam's moments are stacked variables, for TensorFlow's fused Adam."""

    def __init__(self, template: Members, spec: RunSpec, of_seed: np.ndarray, *, jit: bool) -> None:
        self.template, self.spec = template, spec
        self.members, self.seeds = len(of_seed), int(of_seed.max()) + 1
        self.losses = template.losses(of_seed)
        zeros = [np.zeros((self.members, *variable.shape), variable.dtype) for variable in template.trainable]
        self.trainable, self.first, self.second = ([tf.Variable(value) for value in zeros] for _ in range(3))
        self.steps_done = tf.Variable(0.0)
        self.others = [tf.Variable(tf.stack([variable.value] * self.members)) for variable in template.others]
        self.states = tf.Variable(np.zeros((self.seeds, 2)), dtype=template.binarisation.dtype)
        shape = tf.TensorSpec((self.seeds, None, spec.batch_size), tf.int32)  # steps stay open, to compile by one
        rate = tf.TensorSpec((), tf.float32)
        self._epoch = tf.function(self._train, input_signature=[shape, rate], jit_compile=jit, autograph=False)
        self._validate = tf.function(self._score, jit_compile=jit, autograph=False)
        self._epoch(np.zeros((self.seeds, 1, spec.batch_size), "int32"), np.float32(0.0))
        self.validate()

    def load(self, trainable: Sequence[np.ndarray], others: Sequence[np.ndarray], rest: Continuation) -> None:
        """Puts the members into the state from which they go on."""
        variables = [*self.trainable, *self.others, *self.first, *self.second, self.steps_done, self.states]
        values = [*trainable, *others, *rest.first, *rest.second, rest.steps, rest.seeds]
        for variable, value in zip(variables, values, strict=True):
            variable.assign(tf.cast(value, variable.dtype))

    def epoch(self, order: np.ndarray, rate: float) -> dict[str, Any]:
        """Trains all members for an epoch; each one's means over it."""
        return dict(self._epoch(order, np.float32(rate)))

    def validate(self) -> Sequence[Any]:
        """Each member's sums over the validation images."""
        return [sum(parts) for parts in zip(*map(self._validate, self.template.chunks), strict=True)]

    def state(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The members' variables as they are now."""
        return [variable.numpy() for variable in self.trainable], [variable.numpy() for variable in self.others]

    def rest(self) -> Continuation:
        """What else their training goes on with."""
        return Continuation(
            seeds=self.states.numpy(),
            first=[variable.numpy() for variable in self.first],
            second=[variable.numpy() for variable in self.second],
            steps=self.steps_done.numpy(),
        )

    def close(self) -> None:
        """Frees the variables, which the compiled functions hold for as long as the process lives."""
        for variable in [*self.trainable, *self.first, *self.second]:
            tf.raw_ops.DestroyResourceOp(resource=variable.handle, ignore_lookup_error=True)

    def _train(self, order: Any, rate: Any) -> dict[str, Any]:
        steps = tf.shape(order)[1]
        others = over_members(lambda own, _: self.template.reset(own))([*self.others], ())

        def body(step: Any, others: Any, states: Any, total: Any) -> tuple[Any, ...]:
            losses, others, states = self._step(others, states, order[:, step], rate)
            return step + 1, others, states, total + losses

        start = (0, others, self.states.read_value(), tf.zeros(self.members))
        _, others, states, total = tf.while_loop(lambda step, *_: step < steps, body, start)
        self.states.assign(states)
        for variable, value in zip(self.others, others, strict=True):
            variable.assign(value)
        means = over_members(lambda own, _: self.template.results(own))(others, ())
        return {"objective": total / tf.cast(steps, "float32"), **means}

    def _step(self, others: Any, states: Any, batch: Any, rate: Any) -> tuple[Any, Any, Any]:
        trainable = [variable.read_value() for variable in self.trainable]
        images = self.template.images.value
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trainable)
            losses, others, states = self.losses(trainable, others, images, states, batch)
        self._adam(tape.gradient(losses, trainable, unconnected_gradients="zero"), rate)
        return losses, others, states

    def _adam(self, gradients: Sequence[Any], rate: Any) -> None:
        done = self.steps_done.assign_add(1.0)
        for weight, first, second, gradient in zip(self.trainable, self.first, self.second, gradients, strict=True):
            fused_adam(weight, first, second, gradient, done, rate, self.spec.adam.model_dump())

    def _score(self, chunk: Any) -> tuple[Any, ...]:
        validation = over_members(lambda own, images: self.template.validation(own[0], own[1], images))
        return validation(([*self.trainable], [*self.others]), chunk)  # type: ignore[no-any-return]
