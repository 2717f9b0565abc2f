"""The vectorised engine: all runs of a cohort as one program.

The members' weights, scalar hyper-parameters and random states are stacked along a first axis, and the unchanged
model computes every member's loss through `keras.StatelessScope` under `members.over_members`. Adam is elementwise,
so that one Adam over the stacked weights is each member's own. Members of one seed share its batches.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from keras import ops

from aebench import backends
from aebench.backends.members import stack
from aebench.backends.protocol import CohortProgram, Continuation
from aebench.backends.weights import Weights
from aebench.data.pixels import Inputs
from aebench.harness.engine.curves import Rows
from aebench.harness.engine.template import Start, Template
from aebench.harness.engine.trained import (
    UNSAVED,
    MakeModel,
    Place,
    Progress,
    Saving,
    State,
    Trained,
    gathered,
    milestones,
    numbered,
)
from aebench.harness.engine.trainer import (
    batches,
    binarisation_state,
    forget_on_device,
    steps_per_epoch,
    validation_row,
)
from aebench.records.spec import RunSpec


def train(
    specs: Sequence[RunSpec], make_model: MakeModel, inputs: Inputs, progress: Progress, saving: Saving = UNSAVED
) -> Iterator[Trained]:
    """Trains runs side by side; a run whose numbers are no longer finite ends alone, the others go on.

    Args:
        specs: runs that share everything but seed and scalars; at least one.
        make_model: a run's model, with its initial weights.
        inputs: what they train on.
        progress: told of every epoch.
        saving: where they are kept on their way, together.
    """
    try:
        yield from _Cohort(specs, make_model, inputs).train(progress, saving.begin("vectorised", specs))
    except BaseException:  # an interrupt too: whoever takes it may go on
        forget_on_device(inputs)
        raise


class _SoFar:
    """What a cohort's training has come to, beside what its program holds.

    Attributes:
        epoch: finished epochs.
        rows: each member's.
        ended: the weights with which members diverged.
        earlier: all members' variables at milestones, by epoch.
        seconds: spent in training.
        compile_seconds: spent in compiling the program.
    """

    def __init__(self, members: int) -> None:
        self.epoch, self.seconds, self.compile_seconds = 0, 0.0, 0.0
        self.rows = [Rows() for _ in range(members)]
        self.ended: dict[int, Weights] = {}
        self.earlier: dict[int, Start] = {}

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """It as a part of the training's state."""
        yield "clock", np.array([self.epoch, self.seconds, self.compile_seconds])
        yield "columns", np.array(self.rows[0].table()[0], "U")
        yield from numbered("rows", [own.table()[1] for own in self.rows])
        for member, weights in self.ended.items():
            yield from numbered(f"ended/{member}", [*weights.values()])
        for epoch, (trainable, others) in self.earlier.items():
            yield from numbered(f"earlier/{epoch}/trainable", trainable)
            yield from numbered(f"earlier/{epoch}/others", others)

    @classmethod
    def of(cls, state: State, members: int, names: Sequence[str], epochs: int) -> _SoFar:
        """What `arrays` was taken of; `names` are those of a member's weights, `epochs` of the whole training."""
        so_far = cls(members)
        epoch, so_far.seconds, so_far.compile_seconds = state["clock"].tolist()
        so_far.epoch = int(epoch)
        so_far.rows = [Rows.of(state["columns"].tolist(), numbers) for numbers in gathered(state, "rows")]
        for member in range(members):
            if weights := gathered(state, f"ended/{member}"):
                so_far.ended[member] = dict(zip(names, weights, strict=True))
        for at in milestones(epochs):
            if trainable := gathered(state, f"earlier/{at}/trainable"):
                so_far.earlier[at] = (trainable, gathered(state, f"earlier/{at}/others"))
        return so_far


class _Cohort:
    """The runs of one program, from their initial weights to what they have become."""

    def __init__(self, specs: Sequence[RunSpec], make_model: MakeModel, inputs: Inputs) -> None:
        self.specs, self.spec = specs, specs[0]
        self.images, self.steps = len(inputs.train), steps_per_epoch(specs[0], len(inputs.train))
        self.template = Template(make_model(self.spec), inputs)
        starts = _starts(self.template, specs, make_model)
        self.initial = (stack([start[0] for start in starts]), stack([start[1] for start in starts]))
        self.seeds = sorted({spec.seed for spec in specs})

    def compiled(self) -> CohortProgram:
        """The program of all members, in the state in which they start."""
        of_seed = np.array([self.seeds.index(spec.seed) for spec in self.specs], "int32")
        program = backends.current().cohort(self.template, self.spec, of_seed, self.steps)
        seeds = np.stack([binarisation_state(seed) for seed in self.seeds])
        program.load(*self.initial, Continuation.at_start(self.initial[0], seeds))
        return program

    def train(self, progress: Progress, place: Place) -> Iterator[Trained]:
        """Trains all members for all epochs, or for those that are left, then hands back each."""
        so_far = self._so_far(place.state)
        if place.state is not None and self._over(so_far):
            final: Start = (gathered(place.state, "trainable"), gathered(place.state, "others"))
        else:
            final = self._go_on(so_far, progress, place)
        place.forget()
        for member, spec in enumerate(self.specs):
            yield Trained(
                spec=spec,
                engine="vectorised",
                outcome="diverged" if so_far.rows[member].diverged else "ok",
                initial=self.template.weights(*self.initial, member),
                final=so_far.ended.get(member) or self.template.weights(*final, member),
                earlier={epoch: self.template.weights(*then, member) for epoch, then in so_far.earlier.items()},
                curve=so_far.rows[member].curve(),
                cohort_size=len(self.specs),
                cohort_seconds=so_far.seconds,
                compile_seconds=so_far.compile_seconds,
                images=len(so_far.rows[member]) * self.steps * self.spec.batch_size,
            )

    def _so_far(self, state: State | None) -> _SoFar:
        if state is None:
            return _SoFar(len(self.specs))
        names = [*self.template.weights(*self.initial, 0)]
        return _SoFar.of(state, len(self.specs), names, self.spec.epochs)

    def _over(self, so_far: _SoFar) -> bool:
        return so_far.epoch == self.spec.epochs or len(so_far.ended) == len(self.specs)

    def _go_on(self, so_far: _SoFar, progress: Progress, place: Place) -> Start:
        """Trains for the epochs that are left; the members' variables after that."""
        begun = time.perf_counter()
        program = self.compiled()
        so_far.compile_seconds = time.perf_counter() - begun
        if place.state is not None:
            program.load(*_continued(place.state))
            place.forget()  # nothing of that size is held twice
        orders = self._orders()
        order = next(islice(orders, so_far.epoch, None))
        with place.training():
            while not self._over(so_far):
                so_far.epoch += 1
                begun = time.perf_counter()
                means = program.epoch(order, self.spec.learning_rate_at(so_far.epoch))
                if so_far.epoch < self.spec.epochs:
                    order = next(orders)  # made on the host while the device works
                means = {name: ops.convert_to_numpy(values) for name, values in means.items()}
                so_far.seconds += time.perf_counter() - begun
                self._add(so_far.rows, means, program.validate())
                self._end_diverged(so_far, program)
                if so_far.epoch in milestones(self.spec.epochs):
                    so_far.earlier[so_far.epoch] = program.state()
                progress(self.specs, so_far.epoch, means["objective"].tolist())
                place.offer(lambda: _state(so_far, program), finished=self._over(so_far))
        final = program.state()
        program.close()
        return final

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

    def _end_diverged(self, so_far: _SoFar, program: CohortProgram) -> None:
        """Keeps the weights with which a member diverged: it goes on with the others, and to no purpose."""
        fresh = [member for member, own in enumerate(so_far.rows) if own.diverged and member not in so_far.ended]
        if fresh:
            now = program.state()
            so_far.ended.update({member: self.template.weights(*now, member) for member in fresh})


def _state(so_far: _SoFar, program: CohortProgram) -> Iterator[tuple[str, np.ndarray]]:
    """All that the training goes on from, by name."""
    yield from so_far.arrays()
    trainable, others = program.state()
    yield from numbered("trainable", trainable)
    yield from numbered("others", others)
    del trainable, others  # before the moments are fetched, which are twice as large
    rest = program.rest()
    yield "seeds", rest.seeds
    yield "steps", rest.steps
    yield from numbered("first", rest.first)
    yield from numbered("second", rest.second)


def _continued(state: State) -> tuple[list[np.ndarray], list[np.ndarray], Continuation]:
    """What a program is loaded with, from the state that it gave."""
    rest = Continuation(
        seeds=state["seeds"], steps=state["steps"], first=gathered(state, "first"), second=gathered(state, "second")
    )
    return gathered(state, "trainable"), gathered(state, "others"), rest


def _starts(template: Template, specs: Sequence[RunSpec], make_model: MakeModel) -> list[Start]:
    """Each member's variables before training; building a model takes long, so one is built for each seed.

    Where a variant draws its initial weights by the value of a scalar, each member's own model is built.
    """
    first = {spec.seed: spec for spec in reversed(specs)}
    of_seed = {seed: template.start(make_model(spec)) for seed, spec in first.items()}
    shared = [template.with_scalars(of_seed[spec.seed], spec.scalars) for spec in specs]
    for member in _tried(specs, first):
        own = template.start(make_model(specs[member]))
        if not all(map(np.array_equal, [*own[0], *own[1]], [*shared[member][0], *shared[member][1]])):
            return [template.start(make_model(spec)) for spec in specs]
    return shared


def _tried(specs: Sequence[RunSpec], first: Mapping[int, RunSpec]) -> list[int]:
    """For each scalar the members with its least and greatest value that differ in it from the first of their seed."""
    found: dict[str, list[tuple[float, int]]] = {}
    for member, spec in enumerate(specs):
        for name, value in spec.scalars.items():
            if value != first[spec.seed].scalars[name]:
                found.setdefault(name, []).append((value, member))
    return [*dict.fromkeys(end[1] for values in found.values() for end in (min(values), max(values)))]
