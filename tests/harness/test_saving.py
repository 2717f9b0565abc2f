"""When a training is written aside, how a bench stops, and what it does where nothing can be written."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aebench.harness.pace import QUICK, SHARE, Policy
from aebench.harness.saving import SavedPlace, Saver, circumstances
from aebench.harness.stopping import Stopped
from aebench.records.checkpoints import Checkpoints
from aebench.records.headed import Circumstances
from aebench.records.partial_scores import PartialScores
from aebench.records.record import RunRecord
from aebench.records.spec import RunSpec

NOW = Circumstances(code="c", device_kind="CPU", versions={}, switches={})
FROZEN = Path(__file__).parent.parent / "records" / "frozen" / "run_record_v1.json"


class Clock:
    """Stands still but for what work is said to take."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def specs() -> tuple[RunSpec, ...]:
    """Two runs that differ in their seeds."""
    spec = RunRecord.model_validate_json(FROZEN.read_text()).spec
    return tuple(spec.model_copy(update={"seed": seed}) for seed in (1, 2))


@pytest.fixture
def told() -> list[Any]:
    return []


@pytest.fixture
def saver(tmp_path: Path, clock: Clock, told: list[Any]) -> Callable[..., Saver]:
    """saver(interval, now=NOW) -> one on this test's folder."""
    folder = tmp_path / "checkpoints"
    places = Checkpoints(folder, told.append), PartialScores(folder, told.append)
    return lambda interval, now=NOW: Saver(*places, Policy(interval=interval, clock=clock), now, told.append)


def written(saver: Saver, place: SavedPlace, *, finished: bool = False, taking: float = 0.0) -> bool:
    """Whether an offer was written; writing takes some time."""
    done = []

    def state() -> Iterator[tuple[str, np.ndarray]]:
        done.append(True)
        saver.policy.clock.now += taking  # type: ignore[attr-defined]
        yield "epoch", np.array(1)

    place.offer(state, finished=finished)
    return bool(done)


def test_it_is_written_when_the_interval_has_passed(saver, specs, clock) -> None:
    place = (own := saver(60.0)).begin("vectorised", specs)
    with place.training():
        found = []
        for clock.now in range(0, 200, 10):
            found.append(written(own, place))
    assert [10 * at for at, one in enumerate(found) if one] == [60, 120, 180]


def test_writing_takes_no_more_than_its_share(saver, specs, clock) -> None:
    place = (own := saver(0.0)).begin("vectorised", specs)
    with place.training():
        clock.now, costs = 2 * QUICK / SHARE, []
        while clock.now < 1000:
            if written(own, place, taking=0.7):
                costs.append(0.7)
                assert len(costs) == 1 or sum(costs) <= SHARE * clock.now, "the first is not known beforehand"
            clock.now += 0.1
    assert sum(costs) + 0.7 > 0.95 * SHARE * 1000, "and no less often than it may"


def test_a_finished_training_is_written_whatever_the_interval_unless_it_was_short(saver, specs, clock) -> None:
    place = (own := saver(1e6)).begin("vectorised", specs)
    with place.training():
        clock.now = 0.9 * QUICK / SHARE
        assert not written(own, place, finished=True)
        clock.now = 1.1 * QUICK / SHARE
        assert not written(own, place)
        assert written(own, place, finished=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_asked_to_stop_writes_first(saver, specs, number, told) -> None:
    place = (own := saver(1e6)).begin("vectorised", specs)
    with place.training():
        own.policy.stopping.ask(number)
        with pytest.raises(Stopped):
            written(own, place)
    again = saver(1e6).begin("vectorised", specs)
    assert again.state == {"epoch": np.array(1)}
    assert told == [specs], "it is told that they go on"


def test_who_never_writes_stops_at_once(saver, specs) -> None:
    place = (own := saver(None)).begin("vectorised", specs)
    with place.training():
        assert not written(own, place, finished=True)
        with pytest.raises(Stopped):
            own.policy.stopping.ask(signal.SIGINT)


def test_what_cannot_be_written_is_told_once_and_stops_nothing(saver, specs, clock, told, tmp_path) -> None:
    (tmp_path / "checkpoints").touch()  # a file where the folder should be: nobody can write there, not even root
    place = (own := saver(60.0)).begin("vectorised", specs)
    with place.training():
        for clock.now in (100, 200, 300):
            assert not written(own, place)
    (line,) = told
    assert line.startswith(f"cannot write {tmp_path / 'checkpoints'}")
    assert "work goes on" in line
    assert "\n" not in line


def test_runs_go_on_in_the_company_in_which_they_were(saver, specs, clock, told) -> None:
    place = (own := saver(60.0)).begin("vectorised", specs)
    with place.training():
        clock.now = 100
        written(own, place)
    again = saver(60.0)
    assert again.company("vectorised", specs[1:], specs) == specs
    assert again.begin("vectorised", specs).state is not None
    assert saver(60.0).company("vectorised", specs[1:], specs[1:]) == specs[1:], "the others are of no study"
    assert "other runs of the cohort were trained together then" in told[-1]


def test_what_does_not_fit_is_told_once(saver, specs, clock, told) -> None:
    place = (own := saver(60.0)).begin("vectorised", specs)
    with place.training():
        clock.now = 100
        written(own, place)
    other = saver(60.0, NOW.model_copy(update={"code": "d"}))
    assert other.company("vectorised", specs, specs) == specs
    for spec in specs:  # one by one, as when the engine fails
        assert other.begin("sequential", (spec,)).state is None
    (line,) = told
    assert line.endswith("is not used, its runs are trained from the start: the code that trains has changed")


def piece(number: int) -> dict[str, np.ndarray]:
    return {"number": np.array(number), "more": np.arange(number, dtype="float32")}


def measured(saver: Saver, specs: tuple[RunSpec, ...], pieces: int, clock: Clock, of: str = "all") -> list[int]:
    """Takes pieces of 40 seconds each, and is then interrupted; returns those that were not kept."""
    anew: list[int] = []

    def compute(number: int) -> dict[str, np.ndarray]:
        clock.now += 40.0
        anew.append(number)
        return piece(number)

    def interrupted() -> None:
        with saver.measuring("vectorised", specs, of) as kept:
            for number in range(pieces):
                found = kept(f"{number}/name", partial(compute, number))
                for name, array in piece(number).items():
                    np.testing.assert_array_equal(found[name], array)
            raise Stopped

    with pytest.raises(Stopped):
        interrupted()
    return anew


def test_what_is_measured_before_an_interrupt_is_not_measured_again(saver, specs, clock, told) -> None:
    assert measured(saver(60.0), specs, 3, clock) == [0, 1, 2]
    assert measured(saver(60.0), specs, 5, clock) == [3, 4]
    assert measured(saver(60.0), specs, 5, clock) == []
    assert told == []


def test_scores_are_written_when_the_interval_has_passed(saver, specs, clock, tmp_path) -> None:
    with saver(60.0).measuring("vectorised", specs, "all") as kept:
        found = []
        for number in range(5):
            clock.now += 40.0
            kept(str(number), partial(piece, number))
            found.append(len([*(tmp_path / "checkpoints").glob("*.scores")]))
    assert found == [0, 1, 1, 2, 2]


@pytest.mark.parametrize("changed", ["weights", "circumstances", "runs"])
def test_scores_of_something_else_are_not_taken(saver, specs, clock, changed) -> None:
    assert measured(saver(60.0), specs, 2, clock) == [0, 1]
    other = saver(60.0, NOW.model_copy(update={"code": "d"})) if changed == "circumstances" else saver(60.0)
    runs, of = specs[:1] if changed == "runs" else specs, "others" if changed == "weights" else "all"
    assert measured(other, runs, 2, clock, of) == [0, 1]


def test_who_never_writes_keeps_no_scores(saver, specs, clock, tmp_path) -> None:
    assert measured(saver(None), specs, 3, clock) == [0, 1, 2]
    assert not (tmp_path / "checkpoints").exists()


def test_scores_that_cannot_be_written_stop_nothing(saver, specs, clock, told, tmp_path) -> None:
    (tmp_path / "checkpoints").touch()
    assert measured(saver(60.0), specs, 4, clock) == [0, 1, 2, 3]
    (line,) = told
    assert line.startswith("cannot write")


def test_own_code_is_a_part_of_the_circumstances(tmp_path: Path) -> None:
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text("a = 1")
    second.write_text("a = 2")
    found = [circumstances("tensorflow", own) for own in ((), (first,), (second,))]
    assert len({one.code for one in found}) == 3
    assert found[0].differing(found[1]) == "the code that trains has changed"
    assert found[0].differing(circumstances("tensorflow", ())) == ""
