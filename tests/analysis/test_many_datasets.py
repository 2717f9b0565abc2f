"""Ranks and the signed-rank test over data sets: what autorank, scikit-posthocs, baycomp and SciPy compute."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from aebench.analysis.across import across
from aebench.analysis.many_datasets import (
    LEAST_SIGNED,
    critical_difference,
    least_datasets,
    ranks,
    signed_rank,
)

TOLD = json.loads((Path(__file__).parent / "oracles" / "others.json").read_text(encoding="utf-8"))
TABLE = np.array(TOLD["table"])


def test_mean_ranks_and_critical_difference_are_autoranks():
    found = ranks(TABLE)
    assert found.mean == pytest.approx(np.array(TOLD["mean_ranks"]))
    assert found.critical_difference == pytest.approx(TOLD["critical_difference"], rel=1e-3)


def test_pairs_that_are_told_apart_are_those_of_scikit_posthocs():
    found, expected = ranks(TABLE), np.array(TOLD["nemenyi_p"]) < 0.05
    apart = np.abs(found.mean[:, None] - found.mean[None, :]) > found.critical_difference
    assert (apart == expected).all()
    assert expected.any()
    together = {pair for clique in found.cliques() for pair in np.ndindex(5, 5) if {*pair} <= {*clique}}
    assert together == {pair for pair in np.ndindex(5, 5) if not expected[pair] and pair[0] != pair[1]} | {
        (at, at) for clique in found.cliques() for at in clique
    }


def test_critical_differences_are_demsars():
    """His table 5: q of 2, 3 and 10 classifiers is 1.960, 2.343 and 3.164."""
    for count, q in ((2, 1.960), (3, 2.343), (10, 3.164)):
        assert critical_difference(count, 14) == pytest.approx(q * np.sqrt(count * (count + 1) / 84.0), rel=5e-4)


def test_p_is_friedmans_where_data_sets_are_many():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(40, 4)) + 0.25 * np.arange(4)
    assert ranks(table).p == pytest.approx(stats.friedmanchisquare(*table.T).pvalue, abs=0.01)


def test_p_is_exact_where_data_sets_are_few():
    """Two data sets that rank four variants alike: one of 4! orders of the second does."""
    alike = ranks([[4.0, 3.0, 2.0, 1.0], [9.0, 7.0, 5.0, 0.0]])
    assert alike.least_p == pytest.approx(1.0 / 24.0)
    assert alike.p == pytest.approx(1.0 / 24.0, abs=0.005)
    assert ranks([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]).p == 1.0


def test_equal_variants_are_told_apart_in_five_tables_of_a_hundred_at_most():
    rng, tables = np.random.default_rng(1), 400
    wrong = 0
    for _ in range(tables):
        found = ranks(rng.normal(size=(8, 6)))
        wrong += np.ptp(found.mean) > found.critical_difference
    assert wrong <= stats.binom.ppf(0.99, tables, 0.05)


@pytest.mark.parametrize("variants", [3, 5, 20])
def test_with_two_data_sets_nothing_can_be_told(variants):
    found = ranks(np.tile(np.arange(variants, 0.0, -1.0), (2, 1)))
    assert not found.can_tell
    assert found.cliques() == [[*range(variants)]]
    enough = least_datasets(variants)
    assert enough > 2
    assert ranks(np.tile(np.arange(variants, 0.0, -1.0), (enough, 1))).can_tell
    assert not ranks(np.tile(np.arange(variants, 0.0, -1.0), (enough - 1, 1))).can_tell


@pytest.mark.parametrize("case", TOLD["signed_ranks"], ids=lambda case: f"{len(case['differences'])}")
def test_the_signed_rank_test_is_baycomps(case):
    """Both draw from the posterior: 20,000 and 100,000 draws."""
    found = signed_rank(case["differences"], case["margin"])
    theirs = case["probabilities"]
    ours = [found.worse, found.equal, found.better] if len(theirs) == 3 else [found.worse, found.better]
    assert ours == pytest.approx(theirs, abs=4 * np.sqrt(0.25 / 20_000 + 0.25 / 100_000))
    assert found.worse + found.equal + found.better == pytest.approx(1.0)


def test_turned_around_better_is_worse():
    differences = np.random.default_rng(2).normal(0.3, 1.0, 9)
    one, other = signed_rank(differences, 0.2), signed_rank(-differences, 0.2)
    assert (one.worse, one.equal, one.better) == pytest.approx((other.better, other.equal, other.worse), abs=0.01)


def test_differences_within_the_margin_are_equal():
    assert signed_rank(0.1 * np.ones(10), 0.5).told == "equal"
    assert signed_rank(np.ones(10), 0.5).told == "better"
    assert signed_rank(-np.ones(10), 0.5).told == "worse"


def test_with_few_data_sets_nothing_is_said():
    assert signed_rank(np.ones(LEAST_SIGNED - 1)).told == ""
    assert signed_rank(np.ones(LEAST_SIGNED)).told == "better"


@pytest.mark.parametrize("datasets", [LEAST_SIGNED, 12])
def test_equal_variants_are_called_different_in_five_cases_of_a_hundred_at_most(datasets):
    rng, cases = np.random.default_rng(3), 250
    wrong = sum(signed_rank(rng.normal(size=datasets)).told in ("better", "worse") for _ in range(cases))
    assert wrong <= stats.binom.ppf(0.99, cases, 0.05)


@pytest.fixture
def evidence(make_study, expand, make_record):
    """evidence(change) -> a board's evidence; `change` adds to its reconstruction error by variant."""
    from aebench.analysis.configurations import compare
    from aebench.analysis.evidence import Evidence

    def make(change):
        study = make_study()
        specs = expand(study)
        records = {}
        for spec in specs:
            record = make_record(spec)
            error = record.metrics["recon_mse"] + change.get(spec.variant, 0.0)
            records[spec.run_id] = make_record(spec, recon_mse=error)
        return Evidence(board=compare(study, specs, records).configurations, contrasts=study.contrasts)

    return make


def test_boards_side_by_side_hold_contrasts_and_rank_what_they_share(evidence):
    found = across({"one": evidence({}), "other": evidence({"vae": -1.0})})
    (one,) = [part for part in found if part.purpose.name == "Reconstruction"]
    assert one.datasets == ("one", "other")
    assert one.ranks is None, "two variants are too few"
    (held,) = one.held
    assert (held.variant, held.against) == ("vae", "ae")
    assert held.differences["other"] == pytest.approx(held.differences["one"] + 1.0)
    assert held.signed.told == ""


def test_three_variants_are_ranked(evidence):
    known = evidence({})
    third = [replace(item, variant="third") for item in known.board if item.variant == "vae"]
    wider = replace(known, board=[*known.board, *third], _rankings={})
    (one,) = [part for part in across(dict.fromkeys("ab", wider)) if part.purpose.name == "Reconstruction"]
    assert set(one.variants) == {"ae", "vae", "third"}
    assert one.ranks.mean.sum() == pytest.approx(6.0)
