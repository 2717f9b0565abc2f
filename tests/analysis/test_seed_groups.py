"""Seeds in two groups: what is flagged, how often by luck, and what few seeds cannot see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from simulated import runs

from aebench.analysis.configurations import compare
from aebench.analysis.seed_groups import chance_unseen, highest_unseen_rate, least_gap, splits

METRIC = "recon_mse"


@pytest.fixture
def configurations(make_study, expand, make_record):
    """configurations(table) -> a board whose runs have these numbers, `(configurations, seeds)`."""

    def make(table):
        count, seeds = np.shape(table)
        study = make_study(seeds=seeds, latent_dim=[2], beta=[0.1 * step for step in range(1, count)] or [1.0])
        specs = expand(study)
        groups = {}
        for spec in specs:
            groups.setdefault(spec.configuration, len(groups))
        records = {
            spec.run_id: make_record(spec, **{METRIC: float(table[groups[spec.configuration]][spec.seed])})
            for spec in specs
            if groups[spec.configuration] < count
        }
        return compare(study, specs, records).configurations[:count]

    return make


def test_a_run_that_fell_is_named_with_its_seed(configurations):
    table = np.random.default_rng(0).normal(20.0, 0.05, (6, 5))
    table[2, 3] = 10.0
    (found,) = splits(configurations(table), METRIC)
    assert dict(found.fewer) == {3: 10.0}
    assert set(found.more) == {0, 1, 2, 4}
    assert found.gap > 50


def test_two_groups_of_about_the_same_size_are_told_too(configurations):
    table = np.random.default_rng(1).normal(20.0, 0.05, (6, 5))
    table[4, :3] += 3.0
    (found,) = splits(configurations(table), METRIC)
    assert set(found.upper) == {0, 1, 2}
    assert set(found.fewer) == {3, 4}


def test_numbers_that_no_seed_moves_are_in_one_group(configurations):
    assert splits(configurations(np.full((4, 5), 3.0)), METRIC) == []
    assert splits(configurations(3.0 * (1.0 + 1e-15 * np.arange(20).reshape(4, 5))), METRIC) == []


@pytest.mark.parametrize("seeds", [1, 2])
def test_one_or_two_seeds_make_no_groups(configurations, seeds):
    table = np.random.default_rng(2).normal(20.0, 0.05, (4, seeds))
    table[0, 0] = 0.0
    assert splits(configurations(table), METRIC) == []


@pytest.mark.parametrize("seeds", [3, 4])
def test_three_or_four_seeds_need_others_to_tell_what_is_usual(seeds):
    assert least_gap(seeds, 2) == float("inf")
    assert least_gap(seeds, 3) < float("inf")


@pytest.mark.parametrize("kind", ["normal", "heavy tails", "two spreads"])
@pytest.mark.parametrize(("seeds", "count", "boards"), [(3, 6, 200), (5, 1, 300), (5, 28, 60), (20, 6, 200)])
def test_luck_alone_flags_any_in_five_boards_of_a_hundred_at_most(configurations, kind, seeds, count, boards):
    """As often as 95 % of samples of that many boards would allow."""
    rng = np.random.default_rng(3)
    items = configurations(np.ones((count, seeds)))
    wrong = sum(bool(splits(with_numbers(items, runs(rng, kind, count, seeds)), METRIC)) for _ in range(boards))
    assert wrong <= stats.binom.ppf(0.99, boards, 0.05)


def test_a_fall_of_thirty_standard_deviations_in_five_seeds_is_seen(configurations):
    rng, seen = np.random.default_rng(4), 0
    items = configurations(np.ones((28, 5)))
    for _ in range(40):
        table = rng.normal(0.0, 1.0, (28, 5))
        table[7, 2] -= 30.0
        seen += any(one.item is items[7] or one.item.id == items[7].id
                    for one in splits(with_numbers(items, table), METRIC))  # fmt: skip
    assert seen >= 36


def test_what_few_seeds_cannot_see():
    assert chance_unseen(0.1, 5) == pytest.approx(0.9**5)
    assert chance_unseen(0.0, 5) == 1.0
    assert highest_unseen_rate(5) == pytest.approx(stats.binomtest(0, 5).proportion_ci(0.90, "exact").high)
    assert chance_unseen(highest_unseen_rate(7), 7) == pytest.approx(0.05)


def with_numbers(items, table):
    """The same configurations with other numbers."""
    flat = np.reshape(table, (len(items), -1))

    def changed(item, values):
        records = tuple(record.model_copy(update={"metrics": {**record.metrics, METRIC: float(values[at])}})
                        for at, record in enumerate(item.records))  # fmt: skip
        return replace(item, records=records)

    return [changed(item, values) for item, values in zip(items, flat, strict=True)]
