"""What a cohort's timing leaves: a record of every operation for which there is memory."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from aebench import data
from aebench import study as studies
from aebench.harness import plan
from aebench.harness.cohort import Cohort
from aebench.harness.timing import Timer
from aebench.measures.speed import memory, throughput
from aebench.records.rates import share_of_peak
from aebench.records.store import Store


@pytest.fixture(scope="module")
def timed(tmp_path_factory) -> tuple[Timer, list[str]]:
    """The timer of a cohort of the smallest study, and what it warns of."""
    told: list[str] = []
    study = studies.read("smoke")
    store = Store(tmp_path_factory.mktemp("timings"), warn=told.append)
    spec = study.expand({"digits": data.digest("digits")}, keras.backend.backend())[0]
    cohort = Cohort(
        specs=(spec,),
        planned=(spec,),
        variant=study.declaration(spec.variant),
        dataset=data.load("digits"),
        store=store,
        pictured=frozenset(),
    )
    return Timer(cohort), told


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch, timed):
    monkeypatch.setattr(throughput, "BUDGET_SECONDS", 0.0)
    timed[1].clear()


def timing(cohort: Cohort, batch_size: int):
    return next(item for item in plan.timing_specs(cohort.specs[0]) if item.batch_size == batch_size)


def test_all_operations_are_timed_with_their_share_of_the_peak(timed):
    timer, told = timed
    record = timer.time(timing(timer.cohort, 128))
    assert timer.cohort.store.read_timings() == [record]
    assert list(record.operations) == ["train_step", "encode", "decode", "sample", "elbo"]
    for name, operation in record.operations.items():
        assert operation.images % 128 == 0
        assert len(operation.seconds) >= throughput.ROUNDS
        assert 0 < share_of_peak(record, name) < 2, "the machine may have been busier while the peak was measured"
        assert operation.joules is None, "a CPU tells none"
        assert operation.peak_memory_bytes > 50 * 2**20 or not Path("/proc/self/clear_refs").exists()
    assert told == []


def test_a_batch_that_is_not_expected_to_fit_is_left_out_and_told_of(timed, monkeypatch):
    timer, told = timed
    monkeypatch.setattr(memory, "free_bytes", lambda: 2**20)
    record = timer.time(timing(timer.cohort, 8192))
    assert record.operations == {}
    (line,) = told
    assert line.startswith("AE z2, batch size 8192: all operations not timed, about 0.")
    assert line.endswith("GiB needed, 0.0 GiB free")


def test_an_operation_that_runs_out_of_memory_is_left_out_and_told_of(timed, monkeypatch):
    timer, told = timed
    real = throughput.time_operation

    def limited(operation, meter):
        if operation.name == "train_step":
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        return real(operation, meter)

    monkeypatch.setattr(throughput, "time_operation", limited)
    record = timer.time(timing(timer.cohort, 1))
    assert list(record.operations) == ["encode", "decode", "sample", "elbo"]
    assert told == ["AE z2, batch size 1: train_step not timed, memory ran out"]


def test_other_errors_are_raised(timed, monkeypatch):
    timer, _ = timed

    def broken(operation, meter):
        raise ValueError("no")

    monkeypatch.setattr(throughput, "time_operation", broken)
    with pytest.raises(ValueError, match="no"):
        timer.time(timing(timer.cohort, 1))
