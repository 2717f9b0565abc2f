"""The vectorised engine: all runs of a cohort as one program.

The members' weights, scalar hyper-parameters and random states are stacked along a first axis, and the unchanged
model computes every member's loss through `keras.StatelessScope` under `members.over_members`. Adam is elementwise,
so that one Adam over the stacked weights is each member's own. Members of one seed share its batches.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from keras import ops

from aebench import backends
from aebench.backends.members import stack
from aebench.backends.weights import Weights
from aebench.data.pixels import Inputs
from aebench.harness.engine.curves import Rows
from aebench.harness.engine.template import Start, Template
from aebench.harness.engine.trained import MakeModel, Progress, Trained, milestones
from aebench.harness.engine.trainer import (
    batches,
    binarisation_state,
    forget_on_device,
    steps_per_epoch,
    validation_row,
)
from aebench.records.spec import RunSpec


def train(specs: Sequence[RunSpec], make_model: MakeModel, inputs: Inputs, progress: Progress) -> Iterator[Trained]:
    """Trains runs side by side; a run whose numbers are no longer finite ends alone, the others go on.

    Args:
        specs: runs that share everything but seed and scalars; at least one.
        make_model: a run's model, with its initial weights.
        inputs: what they train on.
        progress: told of every epoch.
    """
    try:
        yield from _Cohort(specs, make_model, inputs).train(progress)
    except Exception:
        forget_on_device(inputs)
        raise


class _Cohort:
    """The runs of one program, from their initial weights to what they have become."""

    def __init__(self, specs: Sequence[RunSpec], make_model: MakeModel, inputs: Inputs) -> None:
        self.specs, self.spec = specs, specs[0]
        self.images, self.steps = len(inputs.train), steps_per_epoch(specs[0], len(inputs.train))
        self.template = Template(make_model(self.spec), inputs)
        starts = _starts(self.template, specs, make_model)
        self.initial = (stack([start[0] for start in starts]), stack([start[1] for start in starts]))
        self.seeds = sorted({spec.seed for spec in specs})
        begun = time.perf_counter()
        of_seed = np.array([self.seeds.index(spec.seed) for spec in specs], "int32")
        self.program = backends.current().cohort(self.template, self.spec, of_seed, self.steps)
        self.compile_seconds = time.perf_counter() - begun

    def train(self, progress: Progress) -> Iterator[Trained]:
        """Trains all members for all epochs, then hands back each."""
        rows = [Rows() for _ in self.specs]
        ended: dict[int, Weights] = {}
        earlier: dict[int, Start] = {}
        seconds = 0.0
        self.program.load(*self.initial, np.stack([binarisation_state(seed) for seed in self.seeds]))
        orders = self._orders()
        order = next(orders)
        for epoch in range(1, self.spec.epochs + 1):
            begun = time.perf_counter()
            means = self.program.epoch(order, self.spec.learning_rate_at(epoch))
            if epoch < self.spec.epochs:
                order = next(orders)  # made on the host while the device works
            means = {name: ops.convert_to_numpy(values) for name, values in means.items()}
            seconds += time.perf_counter() - begun
            self._add(rows, means, self.program.validate())
            self._end_diverged(rows, ended)
            if epoch in milestones(self.spec.epochs):
                earlier[epoch] = self.program.state()
            progress(self.specs, epoch, means["objective"].tolist())
            if len(ended) == len(self.specs):
                break
        final = self.program.state()
        self.program.close()
        for member, spec in enumerate(self.specs):
            yield Trained(
                spec=spec,
                engine="vectorised",
                outcome="diverged" if rows[member].diverged else "ok",
                initial=self.template.weights(*self.initial, member),
                final=ended.get(member) or self.template.weights(*final, member),
                earlier={epoch: self.template.weights(*state, member) for epoch, state in earlier.items()},
                curve=rows[member].curve(),
                cohort_size=len(self.specs),
                cohort_seconds=seconds,
                compile_seconds=self.compile_seconds,
                images=len(rows[member]) * self.steps * self.spec.batch_size,
            )

    def _orders(self) -> Iterator[np.ndarray]:
        """Each epoch's batches, `(seeds, steps, batch_size)`."""
        streams = [batches(seed, self.images, self.steps, self.spec.batch_size) for seed in self.seeds]
        return (np.stack(epoch) for epoch in zip(*streams, strict=True))

    def _add(self, rows: list[Rows], means: dict[str, np.ndarray], sums: Sequence[Any]) -> None:
        totals = [ops.convert_to_numpy(total) for total in sums]
        for member, own in enumerate(rows):
            trained = {name: float(values[member]) for name, values in means.items()}
            scored = validation_row([total[member] for total in totals], self.template.validation_images)
            own.add({**trained, **scored})

    def _end_diverged(self, rows: list[Rows], ended: dict[int, Weights]) -> None:
        """Keeps the weights with which a member diverged: it goes on with the others, and to no purpose."""
        fresh = [member for member, own in enumerate(rows) if own.diverged and member not in ended]
        if fresh:
            now = self.program.state()
            ended.update({member: self.template.weights(*now, member) for member in fresh})


def _starts(template: Template, specs: Sequence[RunSpec], make_model: MakeModel) -> list[Start]:
    """Each member's variables before training; building a model takes long, so one is built for each seed.

    Where a variant draws its initial weights by the value of a scalar, each member's own model is built.
    """
    first = {spec.seed: spec for spec in reversed(specs)}
    of_seed = {seed: template.start(make_model(spec)) for seed, spec in first.items()}
    shared = [template.with_scalars(of_seed[spec.seed], spec.scalars) for spec in specs]
    last = template.start(make_model(specs[-1]))
    equal = all(map(np.array_equal, [*last[0], *last[1]], [*shared[-1][0], *shared[-1][1]]))
    return shared if equal else [template.start(make_model(spec)) for spec in specs]
