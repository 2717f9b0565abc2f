"""Interquartile means, profiles and probabilities of improvement: what rliable computes, and how sure they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from simulated import blocks

from aebench.analysis.robust import (
    improvement,
    improvement_estimate,
    interquartile_mean,
    interval,
    mean_estimate,
    profile_estimate,
    resampled,
    shares_above,
)

TOLD = json.loads((Path(__file__).parent / "oracles" / "others.json").read_text(encoding="utf-8"))
SCORES, DRAWN = np.array(TOLD["scores"]), np.array(TOLD["drawn"])  # (2, runs, tasks), (2, resamples, runs, tasks)


def tasks(runs: np.ndarray) -> list[np.ndarray]:
    """`(..., runs, tasks)` as blocks."""
    return [*np.moveaxis(runs, -1, 0)]


@pytest.mark.parametrize("variant", [0, 1])
def test_the_interquartile_mean_is_rliables(variant):
    assert interquartile_mean(tasks(SCORES[variant])) == pytest.approx(TOLD["iqm"][variant], rel=1e-12)
    assert interquartile_mean(tasks(DRAWN[variant])) == pytest.approx(np.array(TOLD["iqm_drawn"][variant]), rel=1e-9)


def test_the_probability_of_improvement_is_rliables_ties_and_all():
    first, second = map(tasks, SCORES)
    assert improvement(first, second) == pytest.approx(TOLD["improvement"], rel=1e-12)
    assert improvement(*map(tasks, DRAWN)) == pytest.approx(np.array(TOLD["improvement_drawn"]), rel=1e-9)


@pytest.mark.parametrize("variant", [0, 1])
def test_performance_profiles_are_rliables(variant):
    found = shares_above(tasks(SCORES[variant]), np.array(TOLD["thresholds"]))
    assert found == pytest.approx(np.array(TOLD["profile"][variant]), rel=1e-12)


def test_intervals_are_rliables_where_runs_are_many_and_wider_where_they_are_few():
    drawn = interquartile_mean(tasks(DRAWN[0]))
    assert interval(drawn, 10**9) == pytest.approx(np.array(TOLD["iqm_interval"]), rel=1e-6)
    few = interval(drawn, 4)
    assert few[0] < TOLD["iqm_interval"][0]
    assert few[1] > TOLD["iqm_interval"][1]


def test_the_probability_of_improvement_is_mann_whitneys():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 9, 7).astype(float), rng.integers(0, 9, 5).astype(float)
    expected = stats.mannwhitneyu(first, second).statistic / 35
    assert improvement([first], [second]) == pytest.approx(expected)
    assert improvement([second], [first]) == pytest.approx(1.0 - expected)


def test_a_collapsed_run_in_five_moves_the_mean_but_not_the_interquartile_mean():
    runs = np.array([1.0, 1.1, 0.9, 1.05, 0.95])
    fallen = np.array([1.0, 1.1, -50.0, 1.05, 0.95])
    assert abs(fallen.mean() - runs.mean()) > 10
    assert interquartile_mean([fallen]) == pytest.approx(interquartile_mean([runs]), abs=0.05)


def test_resamples_keep_their_blocks_and_have_the_variance_of_a_sample_mean():
    """Plain resampling would have (n - 1) / n of it."""
    runs = [np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.array([100.0, 101.0, 104.0])]
    drawn = resampled(runs, np.random.default_rng(0), 200_000)
    for own, found in zip(runs, drawn, strict=True):
        assert found.shape == (200_000, len(own))
        assert {*found.ravel().tolist()} == {*own.tolist()}
        assert found.mean(axis=1).var() == pytest.approx(own.var(ddof=1) / len(own), rel=0.02)


def test_the_same_runs_have_the_same_interval():
    runs = blocks(np.random.default_rng(1), "normal", 2, 5)
    assert mean_estimate(runs) == mean_estimate(runs)


@pytest.mark.parametrize(("count", "seeds"), [(1, 3), (1, 4), (2, 3), (3, 3), (8, 2)])
def test_of_too_few_runs_there_is_no_interval(count, seeds):
    rng = np.random.default_rng(2)
    first, second = (blocks(rng, "normal", count, seeds) for _ in range(2))
    for one in (mean_estimate(first), improvement_estimate(first, second), profile_estimate(first, np.zeros(1))):
        assert one.low is None
        assert one.high is None


def test_where_each_run_beats_each_the_interval_says_what_so_few_cannot_exclude():
    """Of 20 independent pairs all go one way in 2.5 % of cases where the probability is 0.83."""
    rng = np.random.default_rng(3)
    worse = blocks(rng, "normal", 4, 5)
    better = [own + 100.0 for own in worse]
    found = improvement_estimate(better, worse)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low**20 == pytest.approx(0.025)
    turned = improvement_estimate(worse, better)
    assert (turned.value, turned.low) == (0.0, 0.0)
    assert turned.high == pytest.approx(1.0 - found.low)


TRUTHS = {kind: float(interquartile_mean(blocks(np.random.default_rng(4), kind, 1, 400_000)))
          for kind in ("normal", "heavy tails", "collapse")}  # fmt: skip


@pytest.mark.parametrize("kind", TRUTHS)
@pytest.mark.parametrize(("count", "seeds"), [(1, 5), (4, 3), (4, 5)])
def test_intervals_of_the_interquartile_mean_hold_the_truth_in_93_of_100_cases(kind, count, seeds):
    rng, cases = np.random.default_rng(5), 300
    held = 0
    for _ in range(cases):
        found = mean_estimate(blocks(rng, kind, count, seeds))
        held += found.low <= TRUTHS[kind] <= found.high
    assert stats.binom.ppf(0.002, cases, 0.93) <= held


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_intervals_of_the_probability_of_improvement_hold_the_truth_in_93_of_100_cases(shift):
    rng, cases = np.random.default_rng(6), 300
    truth, held = stats.norm.cdf(shift / 2.0), 0  # of a difference of two runs, whose standard deviation is 2
    for _ in range(cases):
        first, second = blocks(rng, "normal", 4, 5), blocks(rng, "normal", 4, 5)
        found = improvement_estimate([own + shift for own in first], second)
        held += found.low <= truth <= found.high
    assert stats.binom.ppf(0.002, cases, 0.93) <= held


@pytest.mark.parametrize("height", [0.9, 0.5, 0.1])
def test_bands_of_profiles_hold_the_truth_in_93_of_100_cases(height):
    rng, cases, held = np.random.default_rng(9), 200, 0
    threshold = np.sqrt(2.0) * stats.norm.isf(height)
    for _ in range(cases):
        found = profile_estimate(blocks(rng, "normal", 4, 5), np.array([threshold]))
        held += bool(found.low[0] <= height <= found.high[0])
    assert stats.binom.ppf(0.002, cases, 0.93) <= held


def test_plain_percentiles_of_plain_resamples_would_hold_it_in_fewer():
    """What this is for: five runs, resampled as rliable does."""
    rng, cases, held = np.random.default_rng(7), 300, 0
    for _ in range(cases):
        (runs,) = blocks(rng, "normal", 1, 5)
        drawn = interquartile_mean([runs[rng.integers(5, size=(1000, 5))]])
        low, high = np.quantile(drawn, [0.025, 0.975])
        held += low <= 0.0 <= high
    assert held < 0.93 * cases


def test_profiles_fall_from_all_runs_to_none_and_lie_within_their_bands():
    runs = blocks(np.random.default_rng(8), "collapse", 4, 5)
    every = np.concatenate(runs)
    grid = np.linspace(every.min() - 1.0, every.max() + 1.0, 50)
    found = profile_estimate(runs, grid)
    assert (found.share[0], found.share[-1]) == (1.0, 0.0)
    assert (np.diff(found.share) <= 0).all()
    assert (found.low <= found.share).all()
    assert (found.share <= found.high).all()
