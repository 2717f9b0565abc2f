"""A training that goes on from its checkpoint ends as one that was never interrupted, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from aebench.harness.engine.trained import State, Trained
from aebench.records.spec import RunSpec

EPOCHS = 12  # with milestones after 3 and 6


class Place:
    """Keeps every state in memory, and ends the training after one of its epochs."""

    def __init__(self, state: State | None = None, ends_after: int = 0) -> None:
        self.state, self.ends_after = state, ends_after
        self.kept: list[State] = []
        self.finished = 0

    def forget(self) -> None:
        self.state = None

    def training(self) -> Any:
        return nullcontext()

    def offer(self, state: Callable[[], Iterator[tuple[str, np.ndarray]]], *, finished: bool) -> None:
        self.kept.append({name: np.array(array) for name, array in state()})
        self.finished += finished
        if len(self.kept) == self.ends_after:
            raise KeyboardInterrupt


class Places:
    """A place for each training, one of which is there from the start."""

    def __init__(self, first: Place) -> None:
        self.places = [first]
        self._used = 0

    def begin(self, engine: str, specs: Any) -> Place:
        if self._used:
            self.places.append(Place())
        self._used += 1
        return self.places[-1]


def assert_same(one: Trained, other: Trained) -> None:
    assert one.curve == other.curve
    assert (one.outcome, one.images, one.spec) == (other.outcome, other.images, other.spec)
    assert one.earlier.keys() == other.earlier.keys()
    pairs = [(one.initial, other.initial), (one.final, other.final)]
    for left, right in [*pairs, *((one.earlier[epoch], other.earlier[epoch]) for epoch in one.earlier)]:
        assert left.keys() == right.keys()
        for name in left:
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)


@pytest.fixture
def going(engine: Any, make_model: Any, inputs: Any) -> Callable[..., list[Trained]]:
    """going(runs, place) -> what this engine makes of runs from where the first training was."""
    return lambda runs, place: list(engine.train(runs, make_model, inputs, lambda *told: None, Places(place)))


@pytest.fixture
def runs(spec: Callable[..., RunSpec]) -> list[RunSpec]:
    """A run that diverges in its first epoch and two that do not, of two seeds."""
    changes = [{"scalars": {"beta": 3e38}}, {"seed": 1}, {}]
    return [spec(epochs=EPOCHS, schedule="cosine", **change) for change in changes]


@pytest.mark.parametrize("after", [1, 4, EPOCHS - 1])
def test_an_interrupted_training_ends_as_if_it_had_not_been(going, runs, spec, engine, after):
    together = "vectorised" in engine.__name__
    runs = runs if together else runs[1:2]
    whole = going(runs, place := Place())
    assert len(place.kept) == EPOCHS
    assert place.finished == 1
    with pytest.raises(KeyboardInterrupt):
        going(runs, broken := Place(ends_after=after))
    again = going(runs, rest := Place(state=broken.kept[-1]))
    assert len(rest.kept) == EPOCHS - after
    for one, other in zip(whole, again, strict=True):
        assert_same(one, other)
    for name, array in place.kept[-1].items():
        if name != "clock":
            np.testing.assert_array_equal(rest.kept[-1][name], array, err_msg=name)


def test_a_finished_training_is_not_done_again(going, runs):
    whole = going(runs[1:2], place := Place())
    again = going(runs[1:2], rest := Place(state=place.kept[-1]))
    assert rest.kept == []
    assert_same(whole[0], again[0])
    assert again[0].cohort_seconds == whole[0].cohort_seconds


def test_a_diverged_training_is_not_done_again(going, runs):
    whole = going(runs[:1], place := Place())
    assert place.finished == 1
    again = going(runs[:1], rest := Place(state=place.kept[-1]))
    assert (whole[0].outcome, rest.kept) == ("diverged", [])
    assert_same(whole[0], again[0])


def test_its_seconds_go_on(going, runs):
    with pytest.raises(KeyboardInterrupt):
        going(runs[1:2], broken := Place(ends_after=4))
    state = {**broken.kept[-1]}
    state["clock"] = state["clock"] + np.eye(len(state["clock"]))[1] * 1000
    (trained,) = going(runs[1:2], Place(state=state))
    assert trained.cohort_seconds > 1000
