"""A cohort's program on JAX: `vmap` over members of a scan over an epoch's steps, state donated from call to call.

Members are spread over all devices of the process: several GPUs, or the cores of a CPU, each of which `Jax.start` makes
a device. One core a member is twice as fast as all cores for one small product after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from aebench.backends.members import over_members
from aebench.backends.protocol import Continuation, Members
from aebench.records.spec import RunSpec


class State(NamedTuple):
    """What a step reads and changes; lists hold one stacked array a variable."""

    trainable: list[Any]
    others: list[Any]
    first: list[Any]
    second: list[Any]
    steps: Any
    seeds: Any


class JaxCohort:
    """See `protocol.CohortProgram`. Members are filled up, by repeating the last, to as many on each device."""

    def __init__(self, template: Members, spec: RunSpec, of_seed: np.ndarray, steps: int) -> None:
        self.template, self.spec, self.members = template, spec, len(of_seed)
        devices = jax.local_devices()[: self.members]
        mesh = Mesh(np.array(devices), ("members",))
        self.spread, self.everywhere = (
            NamedSharding(mesh, PartitionSpec("members")),
            NamedSharding(mesh, PartitionSpec()),
        )
        self.filling = -self.members % len(devices)
        of_seed = np.pad(of_seed, (0, self.filling), mode="edge")
        self.losses = template.losses(of_seed)
        self.images = _placed(template.inputs, self.everywhere)
        zeros = [np.zeros((self.members, *variable.shape), variable.dtype) for variable in template.trainable]
        others = [np.stack([np.asarray(variable.value)] * self.members) for variable in template.others]
        self.load(zeros, others, Continuation.at_start(zeros, np.zeros((int(of_seed.max()) + 1, 2), "uint32")))
        self._epoch, self._validate = self._compiled(steps)
        self.validate()

    def _compiled(self, steps: int) -> tuple[Any, Any]:
        order = (len(self._state.seeds), steps, self.spec.batch_size)
        shardings = jax.tree.map(lambda array: array.sharding, self._state)
        train = jax.jit(self._train, donate_argnums=0, out_shardings=(shardings, self.everywhere))
        batches = jax.ShapeDtypeStruct(order, "int32", sharding=self.everywhere)
        rate = jax.ShapeDtypeStruct((), "float32", sharding=self.everywhere)
        epoch = train.lower(self._state, self.images, batches, rate)
        score = over_members(lambda own, chunk: self.template.validation(own[0], own[1], chunk))
        return epoch.compile(), jax.jit(score, out_shardings=self.everywhere)

    def load(self, trainable: Sequence[np.ndarray], others: Sequence[np.ndarray], rest: Continuation) -> None:
        """Puts the members into the state from which they go on."""
        self._state = State(
            trainable=self._spread(trainable, self.template.trainable),
            others=self._spread(others, self.template.others),
            first=self._spread(rest.first, self.template.trainable),
            second=self._spread(rest.second, self.template.trainable),
            steps=jax.device_put(jnp.array(rest.steps, "float32"), self.everywhere),
            seeds=jax.device_put(jnp.array(rest.seeds, "uint32"), self.everywhere),
        )

    def _spread(self, values: Sequence[np.ndarray], variables: Sequence[Any]) -> list[Any]:
        """The members' values of variables, a part of them on each device."""
        return [self._placed(value, variable.dtype) for value, variable in zip(values, variables, strict=True)]

    def _placed(self, values: np.ndarray, dtype: Any) -> Any:
        filled = np.concatenate([values, np.repeat(values[-1:], self.filling, axis=0)]) if self.filling else values
        # Copied: on a CPU a device may take the host's own memory, and the next epoch is given that to write to.
        return jax.device_put(np.array(filled, dtype), self.spread)

    def epoch(self, order: np.ndarray, rate: float) -> dict[str, Any]:
        """Trains all members for an epoch; each one's means over it, before the devices have finished."""
        batches, rates = jax.device_put((order, np.float32(rate)), self.everywhere)
        self._state, means = self._epoch(self._state, self.images, batches, rates)
        return {name: values[: self.members] for name, values in means.items()}

    def validate(self) -> Sequence[Any]:
        """Each member's sums over the validation images."""
        own = (self._state.trainable, self._state.others)
        sums = [self._validate(own, jax.device_put(chunk, self.everywhere)) for chunk in self.template.chunks]
        return [sum(parts)[: self.members] for parts in zip(*sums, strict=True)]

    def state(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The members' variables as they are now."""
        trainable, others = jax.device_get((self._state.trainable, self._state.others))
        # Copied: on a CPU these are views of the very memory that the next epoch is given to write to.
        return [np.array(own[: self.members]) for own in trainable], [np.array(own[: self.members]) for own in others]

    def rest(self) -> Continuation:
        """What else their training goes on with."""
        state = self._state
        first, second, steps, seeds = jax.device_get((state.first, state.second, state.steps, state.seeds))
        return Continuation(
            seeds=seeds,
            first=[own[: self.members] for own in first],
            second=[own[: self.members] for own in second],
            steps=steps,
        )

    def close(self) -> None:
        """Lets go of the members' state."""
        del self._state

    def _train(self, state: State, images: Any, order: Any, rate: Any) -> tuple[State, dict[str, Any]]:
        reset = over_members(lambda own, _: self.template.reset(own))
        state = state._replace(others=reset(state.others, ()))

        def step(state: State, batch: Any) -> tuple[State, Any]:
            return self._step(state, images, batch, rate)

        state, losses = jax.lax.scan(step, state, jnp.swapaxes(order, 0, 1))
        means = over_members(lambda own, _: self.template.results(own))(state.others, ())
        return state, {"objective": jnp.mean(losses, axis=0), **means}

    def _step(self, state: State, images: Any, batch: Any, rate: Any) -> tuple[State, Any]:
        def total(trainable: list[Any]) -> tuple[Any, Any]:
            losses, others, seeds = self.losses(trainable, state.others, images, state.seeds, batch)
            return jnp.sum(losses), (losses, others, seeds)

        gradients, (losses, others, seeds) = jax.grad(total, has_aux=True)(state.trainable)
        with jax.named_scope("adam"):  # what a profile knows it by
            return self._adam(state._replace(others=others, seeds=seeds), gradients, rate), losses

    def _adam(self, state: State, gradients: list[Any], rate: Any) -> State:
        """Kingma & Ba 2015, section 2, in the order of operations that it ends with."""
        adam, steps = self.spec.adam, state.steps + 1.0
        rate = rate * jnp.sqrt(1.0 - adam.beta_2**steps) / (1.0 - adam.beta_1**steps)
        first = [m + (g - m) * (1.0 - adam.beta_1) for m, g in zip(state.first, gradients, strict=True)]
        second = [v + (g * g - v) * (1.0 - adam.beta_2) for v, g in zip(state.second, gradients, strict=True)]
        trainable = [
            weight - rate * m / (jnp.sqrt(v) + adam.epsilon)
            for weight, m, v in zip(state.trainable, first, second, strict=True)
        ]
        return state._replace(trainable=trainable, first=first, second=second, steps=steps)


@lru_cache(maxsize=2)  # one device, and all of them; of another data set, which is done with, it is let go
def _placed(inputs: Any, sharding: NamedSharding) -> Any:
    """Training images on all devices, shared by all programs that train on those inputs.

    Not the variable of `trainer.on_device`: Keras's `fit` donates that one's content, and what shares it would go too.
    """
    return jax.device_put(inputs.train, sharding)
