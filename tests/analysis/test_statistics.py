"""Level, coverage and power of the intervals and tests, by simulation with a fixed generator, and known values."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from aebench.analysis.statistics import conclusions, crossed_difference, difference_of, holm, sign_flip_test

SEEDS, IMAGES, STUDIES = 5, 200, 1500


def crossed(rng: np.random.Generator, seed_sd: float, image_sd: float, rest_sd: float, mean: float = 0.3) -> np.ndarray:
    """Differences of `SEEDS` pairs of runs on `IMAGES` test images, of a true mean."""
    seeds, images = rng.normal(0, seed_sd, (SEEDS, 1)), rng.normal(0, image_sd, (1, IMAGES))
    return mean + seeds + images + rng.normal(0, rest_sd, (SEEDS, IMAGES))


def coverage(seed_sd: float, image_sd: float, rest_sd: float) -> float:
    rng = np.random.default_rng(0)
    found = [crossed_difference(crossed(rng, seed_sd, image_sd, rest_sd)) for _ in range(STUDIES)]
    return float(np.mean([one.low <= 0.3 <= one.high for one in found]))


def test_the_interval_over_seeds_is_scipys():
    values = np.random.default_rng(1).normal(0.5, 1.0, 7)
    found = difference_of(values.tolist())
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_interval_over_five_seeds_covers_as_often_as_it_says():
    rng = np.random.default_rng(2)
    found = [difference_of(rng.normal(0.3, 1.0, SEEDS).tolist()) for _ in range(4000)]
    assert np.mean([one.low <= 0.3 <= one.high for one in found]) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("seed_sd", "image_sd", "rest_sd"),
    [(0.1, 0.0, 0.3), (0.1, 1.5, 0.3), (0.05, 1.5, 1.5), (0.02, 1.0, 0.2), (0.3, 0.5, 0.5)],
)
def test_the_joint_interval_covers_whichever_source_dominates(seed_sd, image_sd, rest_sd):
    assert 0.93 <= coverage(seed_sd, image_sd, rest_sd) <= 0.985


def test_seeds_alone_would_not_cover_where_images_matter():
    """What the joint interval is for: every seed is scored on the same images."""
    rng = np.random.default_rng(3)
    tables = [crossed(rng, 0.02, 1.5, 0.3) for _ in range(400)]
    alone = [difference_of(table.mean(axis=1).tolist()) for table in tables]
    assert np.mean([one.low <= 0.3 <= one.high for one in alone]) < 0.6


def test_both_sources_are_told_apart():
    found = crossed_difference(crossed(np.random.default_rng(4), 0.5, 2.0, 0.1))
    assert found.image_se == pytest.approx(2.0 / np.sqrt(IMAGES), rel=0.15)
    assert 0.1 < found.seed_se < 0.5
    assert found.se**2 == pytest.approx(found.seed_se**2 + found.image_se**2, rel=0.01)
    assert found.n == SEEDS


def test_one_seed_tells_nothing_of_others():
    table = np.random.default_rng(5).normal(0.2, 1.0, (1, 50))
    found = crossed_difference(table)
    assert (found.mean, found.image_se) == pytest.approx((table.mean(), table.std(ddof=1) / np.sqrt(50)))
    assert (found.low, found.high, found.p, conclusions([found])) == (None, None, None, ["unclear"])


def test_what_is_not_a_number_is_not_clear():
    assert not difference_of([np.nan, 1.0, 2.0]).clear


@pytest.mark.parametrize("mean", [0.0, 0.5, 50.0])
@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 7, 10, 30, 100])
def test_p_is_scipys(seeds, mean):
    values = np.random.default_rng(seeds).normal(mean, 1.0, seeds)
    expected = stats.ttest_1samp(values, 0.0).pvalue
    assert difference_of(values.tolist()).p == pytest.approx(expected, rel=1e-6, abs=1e-40)


@pytest.mark.parametrize("seeds", range(2, 12))
def test_p_is_below_the_level_where_the_interval_of_both_sources_leaves_out_zero(seeds):
    rng = np.random.default_rng(8)
    for _ in range(20):
        images, rest = rng.normal(0, 1.0, (1, IMAGES)), rng.normal(0, 0.3, (seeds, IMAGES))
        found = crossed_difference(0.15 + images + rest + rng.normal(0, 0.1, (seeds, 1)))
        assert (found.p < 0.05) == found.clear


def test_p_of_what_no_seed_enters():
    assert (difference_of([1.0, 1.0]).p, difference_of([0.0, 0.0]).p) == (0.0, 1.0)


def test_of_several_that_are_zero_none_is_called_clear():
    """Four latent sizes, no difference at any: in 5 of 100 studies one is called so; one by one it would be 18."""
    rng, studies = np.random.default_rng(7), 600
    drawn = [[difference_of(row.tolist()) for row in rng.normal(0, 1, (4, SEEDS))] for _ in range(studies)]
    together = np.mean([{"higher", "lower"} & {*conclusions(four)} != set() for four in drawn])
    alone = np.mean([any(one.clear for one in four) for four in drawn])
    assert together <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / studies)
    assert alone > 0.15


def test_without_differences_between_runs_there_is_nothing_to_be_unsure_of():
    found = crossed_difference(np.full((3, 10), 0.25), margin=0.3)
    assert (found.mean, found.low, found.high) == (0.25, 0.25, 0.25)
    assert conclusions([found]) == ["equivalent"]
    assert difference_of([]) is None
    assert conclusions([difference_of([0.1])]) == ["unclear"]


def test_equivalence_is_two_one_sided_t_tests():
    values = np.random.default_rng(6).normal(0.02, 0.05, 8)
    p = max(
        stats.ttest_1samp(values, -0.08, alternative="greater").pvalue,
        stats.ttest_1samp(values, 0.08, alternative="less").pvalue,
    )
    for margin in np.linspace(0.01, 0.2, 60):
        low = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
        high = stats.ttest_1samp(values, margin, alternative="less").pvalue
        assert difference_of(values.tolist(), margin).equivalent == (max(low, high) < 0.05)
    assert difference_of(values.tolist(), 0.08).equivalent == (p < 0.05)


def test_equivalence_is_claimed_falsely_at_most_as_often_as_it_says():
    """The difference sits on the margin's edge, where a false claim is likeliest."""
    rng = np.random.default_rng(7)
    found = [difference_of(rng.normal(0.1, 0.03, SEEDS).tolist(), 0.1) for _ in range(4000)]
    assert 0.03 < np.mean([one.equivalent for one in found]) <= 0.06


@pytest.mark.parametrize(
    ("values", "margin", "conclusion"),
    [
        ([0.30, 0.31, 0.29, 0.30], 0.1, "higher"),
        ([-0.30, -0.31, -0.29, -0.30], 0.1, "lower"),
        ([0.02, 0.03, 0.01, 0.02], 0.1, "equivalent"),
        ([0.30, -0.31, 0.29, -0.30], 0.1, "unclear"),
        ([0.02, 0.03, 0.01, 0.02], None, "higher"),
    ],
)
def test_no_difference_is_a_finding_and_not_a_failure_to_find(values, margin, conclusion):
    assert conclusions([difference_of(values, margin)]) == [conclusion]


def test_sign_flips_look_at_every_pattern():
    pairs = np.random.default_rng(8).normal(0.4, 1.0, 9)
    sums = [abs(np.dot(signs, pairs)) for signs in itertools.product((-1, 1), repeat=9)]
    expected = np.mean(np.array(sums) >= abs(pairs.sum()) - 1e-12)
    assert sign_flip_test(pairs.tolist()).p == pytest.approx(expected)
    assert sign_flip_test(pairs.tolist()).p == pytest.approx(
        stats.permutation_test((pairs,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    )


@pytest.mark.parametrize(("pairs", "smallest", "tested"), [(4, 0.125, False), (5, 0.0625, False), (6, 0.03125, True)])
def test_no_test_where_no_data_could_reject(pairs, smallest, tested):
    found = sign_flip_test([1.0] * pairs)
    assert found.smallest == smallest
    assert (found.p is not None) == tested
    if tested:
        assert found.p == smallest


def test_level_over_blocks_of_unlike_spread():
    """P(p <= α) <= α at every attainable α, with latent sizes that differ in spread."""
    rng = np.random.default_rng(9)
    spread = np.repeat([0.1, 1.0, 5.0], 3)
    p = np.array([sign_flip_test((rng.standard_t(3, 9) * spread).tolist()).p for _ in range(2000)])
    for attainable in np.arange(1, 52) / 256.0:
        assert np.mean(p <= attainable + 1e-12) <= attainable + 3.0 * np.sqrt(attainable / 2000)
    assert np.mean(p <= 0.05) > 0.03, "and it is not idle"


def test_many_pairs_are_drawn_from():
    rng = np.random.default_rng(10)
    pairs = rng.normal(0.35, 1.0, 40)
    found = sign_flip_test(pairs.tolist())
    assert found.p == pytest.approx(stats.ttest_1samp(pairs, 0.0).pvalue, abs=0.01)
    unanimous = sign_flip_test([1.0] * 40)
    assert unanimous.p == pytest.approx(1 / 200_001)
    assert unanimous.p == unanimous.smallest


def test_the_level_needs_pairs_that_are_independent():
    """What the null says beside symmetry: a correlation of .3 across three sizes makes 5 % into 12."""
    rng = np.random.default_rng(12)
    shared, own = rng.normal(size=(1000, 1, 4)), rng.normal(size=(1000, 3, 4))
    level = {
        correlation: np.mean(
            [
                sign_flip_test(study.ravel().tolist()).p <= 0.05
                for study in np.sqrt(correlation) * shared + np.sqrt(1.0 - correlation) * own
            ]
        )
        for correlation in (0.0, 0.3)
    }
    assert level[0.0] <= 0.065
    assert 0.08 < level[0.3] < 0.16


def test_holm():
    """The example of Holm 1979's procedure, by hand."""
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == {"a": 0.06, "b": 0.03, "c": 0.06}
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


@pytest.mark.parametrize("value", [-2.0, -0.3, 0.0, 0.2, 1.5])
def test_slack_widens_every_interval_and_no_test_sees_through_it(value):
    """Where numbers are bounds, a difference is clear only if it is so at every value that the slack allows."""
    runs = value + np.array([-0.1, 0.05, 0.0, 0.04, 0.01])
    plain, slack = difference_of(runs, margin=1.0), (0.5, 0.25)
    wide = replace(plain, slack=slack)
    possible = [difference_of(runs + shift, margin=1.0) for shift in np.linspace(-slack[0], slack[1], 76)]
    assert wide.low == pytest.approx(min(each.low for each in possible))
    assert wide.high == pytest.approx(max(each.high for each in possible))
    assert wide.equivalent == all(each.equivalent for each in possible)
    assert wide.clear == (all(each.clear for each in possible) and len({each.mean > 0 for each in possible}) == 1)
    assert wide.p == pytest.approx(max(each.p for each in possible), rel=0.05)
