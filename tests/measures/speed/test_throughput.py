"""Timings: compilation apart, rounds long enough, kept, and ended when they are steady; the device waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from aebench import backends
from aebench.measures.speed import throughput
from aebench.measures.speed.throughput import Operation, time_longer, time_operation
from aebench.records.rates import rate_of


class Clock:
    """A clock that stands still but for the calls that it makes, each as long as `seconds` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: Callable[[int], float]) -> None:
        self.now, self.calls, self.seconds = 0.0, 0, seconds
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def call(self) -> None:
        self.now += self.seconds(self.calls)
        self.calls += 1


def timed(clock: Clock, images: int = 10, **options):
    return time_operation(Operation(name="made up", images=images, call=clock.call), **options)


def test_compilation_is_kept_apart(monkeypatch):
    timing = timed(Clock(monkeypatch, lambda call: 0.004 if call else 0.2))
    assert timing.compile_seconds == pytest.approx(0.196)
    assert timing.seconds == pytest.approx([0.016] * throughput.ROUNDS), "4 calls of 4 ms, to be sure of 10 ms"
    assert timing.images == 40


@pytest.mark.parametrize("call_seconds", [2e-6, 3e-5, 9e-3, 0.02])
def test_rounds_rise_above_the_clocks_noise(monkeypatch, call_seconds):
    timing = timed(Clock(monkeypatch, lambda call: call_seconds), images=3)
    assert min(timing.seconds) >= throughput.ROUND_SECONDS >= 0.01
    assert max(timing.seconds) <= 1.001 * max(2 * throughput.ROUND_SECONDS, call_seconds)
    assert timing.images / 3 * call_seconds == pytest.approx(timing.seconds[0])


def test_rounds_start_anew_where_calls_turn_out_to_be_faster(monkeypatch):
    timing = timed(Clock(monkeypatch, lambda call: 0.001 if call > 5 else 0.012))
    assert timing.images == 10 * 10
    assert timing.seconds[0] == pytest.approx(0.001 * timing.images / 10), "rounds from before are not mixed in"


def test_rounds_that_are_steady_end_early(monkeypatch):
    assert len(timed(Clock(monkeypatch, lambda call: 0.02)).seconds) == throughput.ROUNDS


def test_rounds_of_which_half_is_steady_end_early_and_are_all_kept(monkeypatch):
    timing = timed(Clock(monkeypatch, lambda call: 0.05 if call % 2 else 0.02))
    assert len(timing.seconds) == throughput.ROUNDS
    assert set(np.round(timing.seconds, 3)) == {0.02, 0.05}


def test_rounds_that_are_unsteady_use_up_their_budget_and_are_all_kept(monkeypatch):
    clock = Clock(monkeypatch, lambda call: 0.01 * (2 + call % 4))
    timing = timed(clock)
    assert sum(timing.seconds) == pytest.approx(throughput.BUDGET_SECONDS, abs=0.051)
    assert set(np.round(timing.seconds, 3)) == {0.02, 0.03, 0.04, 0.05}


def test_rounds_that_were_disturbed_are_added_to_until_half_are_steady(monkeypatch):
    clock = Clock(monkeypatch, lambda call: 0.01 * (2 + call % 4) if call < 11 else 0.02)
    operation = Operation(name="made up", images=10, call=clock.call)
    first = time_operation(operation)
    assert rate_of(first).wide
    longer = time_longer(operation, first)
    assert longer.seconds[: len(first.seconds)] == first.seconds
    assert sum(longer.seconds) <= sum(first.seconds) + throughput.BUDGET_SECONDS + 0.021
    assert not rate_of(longer).wide
    assert time_longer(operation, longer) == longer


def test_no_rounds_are_added_to_those_whose_energy_was_counted(monkeypatch):
    clock = Clock(monkeypatch, lambda call: 0.01 * (2 + call % 4))
    operation = Operation(name="made up", images=10, call=clock.call)
    first = time_operation(operation).model_copy(update={"joules": 1.0})
    assert time_longer(operation, first) == first


def test_calls_of_seconds_are_not_made_seven_times(monkeypatch):
    clock = Clock(monkeypatch, lambda call: 1.0 + call % 3)
    timing = timed(clock)
    assert len(timing.seconds) == throughput.FEWEST_ROUNDS
    assert rate_of(timing).wide
    assert time_longer(Operation(name="made up", images=10, call=clock.call), timing) == timing


def test_energy_is_of_all_rounds_together(monkeypatch):
    clock = Clock(monkeypatch, lambda call: 0.02)

    class Meter:
        def joules(self) -> float:
            return 300.0 * clock.now

    timing = timed(clock, meter=Meter())
    assert timing.joules == pytest.approx(300.0 * sum(timing.seconds))
    assert sum(timing.seconds) >= throughput.METERED_SECONDS, "its counter moves only every 20 to 100 ms"
    assert timed(clock).joules is None


def test_the_device_is_waited_for_once_a_round_with_all_that_it_has_to_finish(monkeypatch):
    waited: list[list[object]] = []
    monkeypatch.setattr(backends.current(), "wait", waited.append)
    timing = timed(Clock(monkeypatch, lambda call: 0.004), images=1)
    rounds = waited[-len(timing.seconds) :]
    assert [len(results) for results in rounds] == [timing.images] * len(timing.seconds)
    warm_up = waited[: -len(timing.seconds)]
    assert [len(results) for results in warm_up] == [1, 1, timing.images]
