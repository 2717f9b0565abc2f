"""Variance components: textbook values, and known ones of simulated runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from aebench.analysis.variance import resampled, shares


def components(groups) -> tuple[float, float, float]:
    found = shares(groups)
    return found.variant, found.setting, found.seed


def test_a_balanced_design_has_the_mean_squares_of_the_textbook() -> None:
    runs = np.random.default_rng(0).normal(size=(4, 3, 5)) + np.random.default_rng(1).normal(size=(4, 3, 1)) * 2
    runs += np.arange(4)[:, None, None] * 3.0
    seed = runs.var(axis=2, ddof=1).mean()
    setting = 5 * runs.mean(axis=2).var(axis=1, ddof=1).mean()
    variant = 15 * runs.mean(axis=(1, 2)).var(ddof=1)
    expected = np.array([(variant - setting) / 15, (setting - seed) / 5, seed])
    assert components([list(own) for own in runs]) == pytest.approx(expected / expected.sum())


@pytest.mark.parametrize(("design", "tolerance"), [("equal", 1e-5), ("mostly seeds", 1e-5), ("unequal", 0.05)])
def test_a_mixed_effects_model_says_the_same(design: str, tolerance: float) -> None:
    """As statsmodels estimates it: the same for equal numbers of runs, and another good estimate for unequal ones."""
    told = json.loads((Path(__file__).parent / "oracles" / "nested.json").read_text(encoding="utf-8"))[design]
    expected = np.array(told["components"])
    groups = [[np.array(runs) for runs in variant] for variant in told["groups"]]
    assert components(groups) == pytest.approx(expected / expected.sum(), abs=tolerance)


@pytest.mark.parametrize("truth", [(1.0, 0.5, 0.25), (0.0, 1.0, 1.0), (0.2, 0.0, 1.0)])
def test_unequal_numbers_are_unbiased(truth: tuple[float, float, float]) -> None:
    """Means over many boards of the parts, as they are before parts below 0 count as 0: bounded by that alone."""
    rng = np.random.default_rng(0)
    sizes = [[rng.integers(2, 9) for _ in range(rng.integers(2, 7))] for _ in range(300)]
    spreads = np.sqrt(truth)
    groups = []
    for own in sizes:
        variant = rng.normal(0, spreads[0])
        settings = rng.normal(0, spreads[1], len(own))
        groups.append([variant + at + rng.normal(0, spreads[2], count)
                       for at, count in zip(settings, own, strict=True)])  # fmt: skip
    # 300 variants of about four settings: a component's own error is about √(2 / 300) of the whole.
    assert components(groups) == pytest.approx(np.array(truth) / sum(truth), abs=4 * np.sqrt(2 / 300))


def test_what_is_all_of_one_level_is_told_as_that() -> None:
    alike = [[np.full(3, 1.0), np.full(3, 1.0)], [np.full(4, 2.0), np.full(2, 2.0)]]
    assert components(alike) == pytest.approx((1.0, 0.0, 0.0))
    settings = [[np.full(3, 1.0), np.full(3, 2.0)], [np.full(3, 1.0), np.full(3, 2.0)]]
    assert components(settings) == pytest.approx((0.0, 1.0, 0.0))
    seeds = [[np.arange(3.0), np.arange(3.0)], [np.arange(3.0), np.arange(3.0)]]
    assert components(seeds) == pytest.approx((0.0, 0.0, 1.0))


@pytest.mark.parametrize(
    "groups",
    [
        [[np.arange(3.0), np.arange(3.0)]],  # one variant
        [[np.arange(3.0)], [np.arange(3.0)]],  # one setting each
        [[np.ones(1), np.ones(1)], [np.ones(1)]],  # one run each
        [[np.ones(2), np.ones(2)], [np.ones(2)]],  # all alike
    ],
)
def test_a_design_that_cannot_tell_has_no_shares(groups) -> None:
    assert shares(groups) is None
    assert resampled(groups, 3, np.random.default_rng(0)) == []
