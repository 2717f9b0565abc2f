"""The expected best of n tried settings: brute force, and no advantage by many settings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from aebench.analysis.budget import budgets, expected_best
from aebench.analysis.evidence import Evidence
from aebench.analysis.purposes import LIKELIHOOD, RECONSTRUCTION


@pytest.mark.parametrize("values", [[1.5], [2.0, -1.0], [0.3, 0.3, 1.0], [5.0, 1.0, 4.0, 2.0, 8.0, 2.0]])
def test_is_the_mean_over_all_ways_to_draw(values):
    found = expected_best(values)
    assert len(found) == len(values)
    for count, best in enumerate(found, 1):
        assert best == pytest.approx(np.mean([max(drawn) for drawn in itertools.combinations(values, count)]))


def test_one_is_the_mean_and_all_is_the_best():
    values = np.random.default_rng(0).normal(size=12).tolist()
    found = expected_best(values)
    assert found[0] == pytest.approx(np.mean(values))
    assert found[-1] == max(values)
    assert found == sorted(found)


def test_at_the_same_budget_many_settings_are_no_advantage():
    """Drawn with replacement, as Dodge et al. do, three of four would look worse than three of thirty."""
    rng = np.random.default_rng(1)
    few, many = (np.mean([expected_best(rng.normal(size=count).tolist())[2] for _ in range(4000)]) for count in (4, 30))
    assert few == pytest.approx(many, abs=0.04)
    assert few == pytest.approx(0.8463, abs=0.04)  # the mean of the largest of three normal numbers


def test_is_of_validation_and_of_each_variants_configurations(make_study, expand, make_record):
    from aebench.analysis.configurations import compare

    study = make_study()
    specs = expand(study)
    board = compare(study, specs, {spec.run_id: make_record(spec) for spec in specs}).configurations
    found = budgets(Evidence(board=board), RECONSTRUCTION)
    assert {name: len(values) for name, values in found.items()} == {"ae": 2, "vae": 4}
    best = {
        name: max(np.mean([-record.curve.val_distortion[-1] for record in item.records])
                  for item in board if item.variant == name)
        for name in found
    }  # fmt: skip
    assert {name: values[-1] for name, values in found.items()} == pytest.approx(best)
    assert "ae" not in budgets(Evidence(board=board), LIKELIHOOD), "it has no rate, hence no ELBO"
