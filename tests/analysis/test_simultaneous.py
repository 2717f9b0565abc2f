"""The set of the best and the gaps between many: level and power by simulation, and what others compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from simulated import KINDS, board, pairs, values

from aebench.analysis.statistics import crossed_difference, difference_of

SEEDS = 5


def leaves(table: np.ndarray) -> int:
    """How many are told from the best."""
    return len(table) - len(pairs(values(table)).set_of_best(1.0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("count", "images", "boards"), [(6, 1, 400), (28, 1, 300), (28, 100, 100)])
def test_equal_configurations_are_told_apart_in_five_boards_of_a_hundred_at_most(kind, count, images, boards):
    """As often as 95 % of samples of that size would allow."""
    rng = np.random.default_rng(1)
    wrong = sum(leaves(board(rng, kind, count, SEEDS, images)) > 0 for _ in range(boards))
    assert wrong <= stats.binom.ppf(0.99, boards, 0.05)


def test_each_best_against_the_best_of_all_would_be_wrong_in_most_boards():
    """What this is for: the interval of a single pair, taken for each rival of the best of 28."""
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(100):
        means = board(rng, "normal", 28, SEEDS, 1)[:, :, 0]
        best = means[means.mean(axis=1).argmax()]
        wrong += any(difference_of((best - own).tolist()).clear for own in means if own is not best)
    assert wrong > 80


@pytest.mark.parametrize(("kind", "least"), [("normal", 0.95), ("heavy tails", 0.95), ("unequal spreads", 0.85)])
def test_what_is_six_standard_deviations_of_a_seed_worse_leaves(kind, least):
    rng, told = np.random.default_rng(3), []
    for _ in range(60):
        table = board(rng, kind, 28, SEEDS, 1)
        table[14:] -= 0.3
        told.append(leaves(table) / 14)
    assert np.mean(told) > least


def test_the_best_is_the_lowest_where_lower_is_better():
    table = np.array([[[0.0], [0.1], [0.05]], [[5.0], [5.1], [5.06]], [[0.02], [0.08], [0.1]]])
    found = pairs(values(table))
    assert found.set_of_best(1.0).tolist() == [1]
    assert found.set_of_best(-1.0).tolist() == [0, 2]


@pytest.mark.parametrize("images", [1, 40])
def test_a_single_pair_has_the_interval_that_it_has_alone(images):
    table = board(np.random.default_rng(4), "normal", 2, SEEDS, images)
    (gap,) = pairs(values(table)).gaps(1, [0])
    apart = table[0] - table[1]
    alone = crossed_difference(apart) if images > 1 else difference_of(apart[:, 0].tolist())
    assert gap.mean == pytest.approx(alone.mean)
    assert (gap.low, gap.high) == pytest.approx((alone.low, alone.high))


def test_gaps_cover_together():
    """In 95 of 100 boards all intervals hold the truth, here 0."""
    rng, boards = np.random.default_rng(5), 200
    missed = 0
    for _ in range(boards):
        found = pairs(values(board(rng, "normal", 8, SEEDS, 60)))
        missed += any(gap.clear for first in range(8) for gap in found.gaps(first, range(first)))
    assert missed <= stats.binom.ppf(0.99, boards, 0.05)


def test_agrees_with_tukeys_test_of_runs_that_are_not_paired():
    """Where spreads are equal and seeds do nothing to all, SciPy's is the sharpest test: ours is nearly as sharp."""
    rng, ours, theirs = np.random.default_rng(6), 0, 0
    least = stats.studentized_range.ppf(0.95, 12, 12 * (SEEDS - 1))
    for _ in range(60):
        table = rng.normal(0.0, 1.0, (12, SEEDS)) + 2.5 * np.arange(12)[:, None] / 11
        spread = np.sqrt(table.var(axis=1, ddof=1).mean() / SEEDS)
        sharp = table.mean(axis=1) < table.mean(axis=1).max() - least * spread
        own = np.ones(12, bool)
        own[pairs(values(table[:, :, None])).set_of_best(1.0)] = False
        ours, theirs = ours + own.sum(), theirs + sharp.sum()
    assert 0.85 < ours / theirs < 1.15


def test_what_no_seed_enters_is_told_apart_by_any_difference():
    counts = [{seed: np.array([number]) for seed in range(3)} for number in (10.0, 10.0, 12.0)]
    assert pairs(counts).set_of_best(1.0).tolist() == [2]
    assert pairs(counts).set_of_best(-1.0).tolist() == [0, 1]


def test_runs_that_are_missing_leave_the_seeds_that_both_have():
    table = board(np.random.default_rng(9), "normal", 5, SEEDS, 1)
    whole, some = values(table), values(table)
    del some[1][0], some[3][0], some[3][4]
    every = np.arange(5)
    mean = pairs(some).apart(every, every).mean
    assert mean[0, 2] == pytest.approx(pairs(whole).apart(every, every).mean[0, 2])
    assert mean[1, 3] == pytest.approx((table[1] - table[3])[[1, 2, 3]].mean())
    assert mean[0, 1] == pytest.approx((table[0] - table[1])[1:].mean())
    assert np.allclose(mean, -mean.T)
    some[4] = {7: np.array([0.0])}
    assert pairs(some).gaps(4, [0]) == [None]
    assert 4 in pairs(some).set_of_best(1.0)


@pytest.mark.parametrize("images", [1, 20])
@pytest.mark.parametrize("kind", KINDS)
def test_the_set_is_that_of_a_loop_over_all_pairs(kind, images):
    """However few pairs it has looked at; some runs are missing, and levels differ more than there are rivals."""
    rng = np.random.default_rng(10)
    for spread in (0.0, 0.05, 0.5):
        own = values(board(rng, kind, 24, SEEDS, images) + spread * rng.normal(size=(24, 1, 1)))
        for at in rng.integers(0, 24, 6):
            own[at].pop(int(rng.integers(0, SEEDS)), None)
        found = pairs(own)
        there = set(range(24))
        while len(there) > 1:
            alpha = 0.05 / (len(there) * (len(there) - 1) / 2)
            worse = {one for one in there for other in there if one != other and is_worse(found, alpha, one, other)}
            if not worse:
                break
            there -= worse
        assert set(found.set_of_best(1.0).tolist()) == there


def is_worse(found, alpha, one, other):
    rows, columns = np.array([one]), np.array([other])
    return found.apart(rows, columns).mean[0, 0] < -found.half_widths(alpha, rows, columns)[0, 0]


def test_images_are_read_of_those_alone_whose_answer_hangs_on_them():
    """A hundred that seeds cannot tell from the best need hardly any; those far behind are held against a few.

    Those that would be behind however their images were alike or not are not read if it is known how their images
    differ: of levels 2 apart the best and its neighbours are, of levels 1,000 apart none.
    """
    rng, asked = np.random.default_rng(11), []
    alike = rng.normal(0.0, 1.0, (1, SEEDS, 50)) + rng.normal(0.0, 1.0, (100, SEEDS, 50))
    for far, known, left, reads in (
        (0.0, True, 100, 20),
        (1e3, False, 1, 110),
        (1e3, True, 1, 1),
        (2.0, False, 1, 110),
        (2.0, True, 1, 20),
    ):
        own = values(alike + far * np.arange(100)[:, None, None])
        held = pairs(own)
        spreads = held.image_sd if known else [np.inf] * 100
        alone = replace(held, of_images=lambda at, own=own: asked.append(at) or own[at], image_sd=spreads)
        asked.clear()
        assert len(alone.set_of_best(1.0)) == left
        assert len(asked) < reads


@pytest.mark.parametrize("step", [0.05, 0.3, 1.0])
def test_what_is_known_of_images_spreads_changes_no_set_of_the_best(step):
    """It tells those that no covariance of images could bring back; whoever it leaves open is read."""
    rng = np.random.default_rng(13)
    shared = rng.normal(0.0, 1.0, (1, 1, 50))
    for _ in range(20):
        levels = step * rng.permutation(30)[:, None, None]
        own = values(shared + levels + rng.normal(0.0, 0.5, (30, SEEDS, 1)) + rng.normal(0.0, 1.0, (30, SEEDS, 50)))
        found = pairs(own)
        unknown = replace(found, image_sd=[np.inf] * 30)
        for sign in (1.0, -1.0):
            np.testing.assert_array_equal(found.set_of_best(sign), unknown.set_of_best(sign))
