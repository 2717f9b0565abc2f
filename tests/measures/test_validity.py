"""Sanity checks of measures: the kept results are those of a run now, and name known failures."""

from __future__ import annotations

import pytest

from aebench.measures import METRICS, validity

# Beyond rounding: two of the points may fall on the other side of a radius or of a boundary between classes.
FEW_POINTS = 2.0 / validity.COUNT
# Clusterings of points without clusters are about equally good: rounding may choose, and only the level holds.
ANY_CLUSTERING = 0.1


@pytest.mark.parametrize("part", [validity.of_samples, validity.of_classes])
def test_kept_results_are_those_of_a_run_now(part):
    now = list(part())
    kept = {(one.measure, one.case): one for one in validity.kept()}
    for one in now:
        old = kept[one.measure, one.case]
        assert (one.low, one.high) == (old.low, old.high)
        aimless = one.measure.startswith("kmeans") and "no class" in one.case
        assert one.value == pytest.approx(old.value, rel=FEW_POINTS, abs=ANY_CLUSTERING if aimless else FEW_POINTS), (
            f"{one.measure}, {one.case}"
        )


def test_nothing_is_kept_that_is_no_longer_checked():
    every = {one.measure for part in (validity.of_samples, validity.of_classes) for one in part()}
    assert {one.measure for one in validity.kept()} == every


def test_known_flaws_are_told_and_what_mends_them_passes():
    """Räisä et al. 2025, table 1; Salvy et al. 2025 on outliers."""
    passed = {(one.measure, one.case): one.passed for one in validity.kept()}
    case = "one real outlier, samples half way to it"
    assert not passed["precision", case]
    assert passed["clipped_density", case]
    assert not passed["recall", "samples in one spot but for one outlier"]
    assert not passed["frechet_distance", "features of ±1, with the same mean and variance, over the floor"]
    assert passed["local_copying_z", "copies in one class, the others unlike real images"]
    assert passed["silhouette", "codes turned, change"]


def test_a_metric_has_the_checks_of_its_measure_whosever_images_it_is_of():
    assert {one.measure for one in validity.of_metric("prior_precision")} == {"precision"}
    assert {one.measure for one in validity.of_metric("mixture_clipped_density")} == {"clipped_density"}
    assert {one.measure for one in validity.of_metric("prior_local_copying_z")} == {"local_copying_z"}
    assert validity.of_metric("elbo_nats") == ()
    assert {one.measure for one in validity.kept()} <= {
        own[0].measure for own in map(validity.of_metric, METRICS) if own
    }


@pytest.mark.parametrize(("value", "passed"), [(0.4, True), (0.6, True), (0.39, False), (0.61, False)])
def test_a_check_passes_inside_its_bounds(value, passed):
    one = validity.Check(measure="precision", case="made up", low=0.4, high=0.6, value=value)
    assert one.passed is passed
    assert one.ought == "0.4 to 0.6"
