"""Quartiles of speeds, the flag of those that are unsteady, and the share of the device's peak."""

from __future__ import annotations

import pytest

from aebench.records.rates import WIDE, rate, rate_of, share_of_peak, study_images_per_s
from aebench.records.record import OperationTiming


def test_quartiles_are_of_images_per_second():
    found = rate([10.0, 20.0, 25.0, 50.0, 100.0])
    assert (found.low, found.median, found.high, found.count) == (20.0, 25.0, 50.0, 5)
    assert found.spread == pytest.approx(30 / 25)


@pytest.mark.parametrize("disturbed", [10.0, 1e6])
@pytest.mark.parametrize("rounds", [5, 6])
def test_a_speed_is_that_of_the_faster_half_of_rounds(disturbed, rounds):
    seconds = (4.0, disturbed, 1.0, disturbed, 2.0) + (8.0,) * (rounds - 5)
    found = rate_of(OperationTiming(images=100, seconds=seconds, compile_seconds=0.0))
    assert (found.low, found.median, found.high, found.count) == (37.5, 50.0, 75.0, rounds)


@pytest.mark.parametrize(("high", "wide"), [(10.9, False), (11.1, True)])
def test_an_interquartile_range_above_a_tenth_of_the_median_is_wide(high, wide):
    assert WIDE == 0.10
    assert rate([9.9, 9.9, 10.0, high, high]).wide is wide


def test_share_of_peak(make_study, expand, make_timing):
    record = make_timing(expand(make_study())[0])
    assert share_of_peak(record, "encode") is None, "old records tell no FLOPs"
    timed = OperationTiming(images=50, seconds=(0.1, 0.1, 0.1), compile_seconds=0.0, flops_per_image=2e6)
    record = record.model_copy(update={"operations": {"encode": timed}, "matmul_flops_per_s": 4e9})
    assert share_of_peak(record, "encode") == pytest.approx(500 * 2e6 / 4e9)


def test_a_study_s_speed_is_all_images_over_all_time(make_study, expand, make_record):
    specs = expand(make_study())[:3]
    times = ((100.0, 2.0), (300.0, 1.0), (None, None))
    records = [
        make_record(spec, train_images_per_s=speed, train_seconds=share)
        for spec, (speed, share) in zip(specs, times, strict=True)
    ]
    assert study_images_per_s(records) == pytest.approx(500 / 3)
    assert study_images_per_s([]) is None
