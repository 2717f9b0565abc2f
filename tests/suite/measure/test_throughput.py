"""Timings: compilation apart, every round kept, the device waited for."""

from __future__ import annotations

import time

import pytest

from suite.measure import throughput
from suite.measure.throughput import Operation, time_operation


def test_compilation_is_kept_apart_and_every_round_is_there(monkeypatch):
    calls = []

    def call():
        time.sleep(0.2 if not calls else 0.004)
        calls.append(1)

    timing = time_operation(Operation(name="sleep", images=10, call=call))
    repeats = timing.images // 10
    assert timing.compile_seconds == pytest.approx(0.196, abs=0.05)
    assert len(timing.seconds) == throughput.ROUNDS
    assert len(calls) == 1 + throughput.WARM_UPS + throughput.ROUNDS * repeats
    assert min(timing.seconds) >= 0.004 * repeats
    assert 2 <= repeats <= 3, "a round repeats the call up to about 10 ms"


def test_slow_calls_are_not_repeated():
    timing = time_operation(Operation(name="slow", images=3, call=lambda: time.sleep(0.02)))
    assert timing.images == 3


def test_the_device_is_waited_for_once_a_round(monkeypatch):
    waited = []
    monkeypatch.setattr("suite.backend.wait", waited.append)
    time_operation(Operation(name="quick", images=1, call=lambda: time.sleep(0.03)))
    assert len(waited) == 1 + throughput.WARM_UPS + throughput.ROUNDS
