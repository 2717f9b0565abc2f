"""Comparison: known values by hand, scipy as oracle, runs that diverged or are missing, training verdicts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from aebench.analysis.best_settings import best_settings
from aebench.analysis.configurations import compare, summarise
from aebench.analysis.differences import paired_difference
from aebench.analysis.statistics import difference_of
from aebench.records.record import Curve
from aebench.records.spec import Annealing


@pytest.fixture
def study(make_study):
    return make_study(seeds=3, latent_dim=[2], beta=[1.0, 4.0])


@pytest.fixture
def specs(study, expand):
    return expand(study)


def _records(specs, make_record, **metrics_by_position):
    """One record a spec; each metric takes its values in the order of `specs`."""
    return {
        spec.run_id: make_record(spec, **{name: values[at] for name, values in metrics_by_position.items()})
        for at, spec in enumerate(specs)
    }


def test_summaries_by_hand(study, specs, make_record):
    values = [1.0, 2.0, 6.0, 4.0, 4.0, 4.0, -1.0, 0.0, 1.0]
    comparison = compare(study, specs, _records(specs, make_record, silhouette=values))
    assert [item.label for item in comparison.configurations] == ["AE", "VAE β=1", "VAE β=4"]
    summaries = [item.summaries["silhouette"] for item in comparison.configurations]
    assert [(item.mean, item.n) for item in summaries] == [(3.0, 3), (4.0, 3), (0.0, 3)]
    assert [item.sd for item in summaries] == pytest.approx([7**0.5, 0.0, 1.0])


def test_summaries_of_many_at_once_are_those_of_each(make_study, expand, make_record):
    """To the bit, also where some runs lack the number, diverged or are missing."""
    study = make_study(seeds=40, latent_dim=[2, 4, 8])
    random = np.random.default_rng(0)
    records = {}
    for spec in expand(study):
        if random.random() < 0.9:
            value = None if random.random() < 0.1 else float(random.normal(-100.0, 1.0))
            outcome = "diverged" if random.random() < 0.1 else "ok"
            records[spec.run_id] = make_record(spec, outcome, silhouette=value)
    found = compare(study, expand(study), records).configurations
    assert [item.summaries["silhouette"] for item in found] == [
        summarise([*item.values("silhouette").values()]) for item in found
    ]
    assert len({item.summaries["silhouette"].n for item in found}) > 3


def test_best_settings_are_chosen_on_validation(study, specs, make_record):
    """Not on test: the setting with the lower validation ELBO is passed over, however good it is there."""
    curves = {4.0: Curve(val_distortion=(9.0, 7.0), val_rate=(1.0, 1.0)), 1.0: Curve(val_distortion=(9.0, 6.0),
              val_rate=(1.0, 3.0)), None: Curve(val_distortion=(5.0,))}  # fmt: skip
    records = {
        spec.run_id: make_record(spec, curve=curves[spec.scalars.get("beta")], elbo_nats=-1.0 if spec.scalars else None)
        for spec in specs
    }
    found = best_settings(compare(study, specs, records))
    assert [item.label for item in found.configurations] == ["AE", "VAE β=4"]
    absent = {name: record for name, record in records.items() if record.spec.scalars.get("beta") != 4.0}
    assert [item.label for item in best_settings(compare(study, specs, absent)).configurations] == ["AE", "VAE β=1"]


def test_a_number_that_does_not_apply_is_none(study, specs, make_record):
    ae = compare(study, specs, _records(specs, make_record)).where(variant="ae")[0]
    assert ae.summaries["elbo_nats"] == summarise([])
    assert (ae.summaries["elbo_nats"].mean, ae.summaries["elbo_nats"].n) == (None, 0)


def test_one_run_has_no_spread():
    assert (summarise([2.5]).mean, summarise([2.5]).sd, summarise([2.5]).n) == (2.5, None, 1)


def test_rounding_is_no_spread():
    assert not summarise([0.1, 0.1 + 2e-17, 0.1]).varies
    assert not summarise([5.0]).varies
    assert summarise([0.1, 0.1 + 1e-7]).varies


def test_diverged_runs_are_counted_and_left_out(study, specs, make_record):
    records = _records(specs, make_record, recon_mse=[1.0, 3.0, 100.0, *[1.0] * 6])
    records[specs[2].run_id] = make_record(specs[2], outcome="diverged")
    ae = compare(study, specs, records).configurations[0]
    assert (ae.planned, ae.finished, ae.diverged) == (3, 3, 1)
    assert (ae.summaries["recon_mse"].mean, ae.summaries["recon_mse"].n) == (2.0, 2)


def test_missing_runs_are_counted(study, specs, make_record):
    records = _records(specs[:-2], make_record)
    comparison = compare(study, specs, records)
    assert (comparison.planned, comparison.finished, comparison.missing) == (9, 7, 2)
    assert [item.finished for item in comparison.configurations] == [3, 3, 1]
    empty = compare(study, specs, {})
    assert (empty.finished, empty.environments, empty.configurations[0].convergence) == (0, (), None)


def test_records_of_other_studies_are_ignored(make_study, expand, make_record):
    study = make_study(latent_dim=[2])
    specs = expand(study)
    others = expand(make_study(latent_dim=[2, 4]))
    assert compare(study, specs, _records(others, make_record)).finished == len(specs) < len(others)


def test_paired_difference_has_the_interval_of_a_paired_t_test(study, specs, make_record):
    random = np.random.default_rng(3)
    values = random.normal(size=9)
    comparison = compare(study, specs, _records(specs, make_record, silhouette=values.tolist()))
    difference = paired_difference(*comparison.configurations[:2], "silhouette")
    oracle = stats.ttest_rel(values[:3], values[3:6]).confidence_interval(0.95)
    assert difference.mean == pytest.approx(np.mean(values[:3] - values[3:6]))
    assert (difference.low, difference.high) == pytest.approx((oracle.low, oracle.high))


def test_pairs_are_common_seeds_only(study, specs, make_record):
    records = _records(specs, make_record, silhouette=[1.0, 2.0, 9.0, 0.5, 1.0, 1.5, *[0.0] * 3])
    del records[specs[2].run_id]
    records[specs[4].run_id] = make_record(specs[4], outcome="diverged")
    difference = paired_difference(*compare(study, specs, records).configurations[:2], "silhouette")
    assert (difference.mean, difference.low, difference.high, difference.n) == (0.5, None, None, 1)
    assert not difference.clear


def test_no_pairs_no_difference(study, specs, make_record):
    comparison = compare(study, specs, _records(specs[:3], make_record))
    assert paired_difference(*comparison.configurations[:2], "silhouette") is None


def test_intervals_cover_their_mean():
    random = np.random.default_rng(0)
    hits = [
        difference.low <= 0.3 <= difference.high
        for sample in random.normal(0.3, 1.0, size=(2000, 5))
        if (difference := difference_of(sample.tolist())) is not None
    ]
    assert 0.93 < np.mean(hits) < 0.97


@pytest.mark.parametrize(("values", "clear"), [([1.0, 1.1, 0.9], True), ([-1.0, 1.0, 0.5], False), ([2.0], False)])
def test_clear_means_that_the_interval_leaves_out_zero(values, clear):
    assert difference_of(values).clear is clear


def test_plain_is_what_the_file_of_the_variant_declares(study, specs, make_record):
    found = {item.label: item.plain for item in compare(study, specs, {}).configurations}
    assert found == {"AE": True, "VAE β=1": True, "VAE β=4": False}


def test_where_finds_attributes_and_settings(study, specs, make_record):
    comparison = compare(study, specs, _records(specs, make_record))
    assert [item.label for item in comparison.where(variant="vae", beta=4.0)] == ["VAE β=4"]
    assert comparison.where(latent_dim=3) == ()


def test_a_warm_up_is_a_setting_of_its_variant(study, specs, make_record):
    """Beside the others, and so compared with all and chosen from; of variants without one nothing is told."""
    vae = [spec for spec in specs if spec.scalars.get("beta") == 1.0]
    warmed = [spec.model_copy(update={"annealing": Annealing(warmup=0.5)}) for spec in vae]
    comparison = compare(study, [*specs, *warmed], {})
    (found,) = comparison.where(variant="vae", rate_warmup=0.5)
    (plain,) = comparison.where(variant="vae", beta=1.0, rate_warmup=0.0)
    assert (found.label, found.settings["rate_cycles"], found.plain) == ("VAE β=1 warm-up 0.5", 1, False)
    assert (plain.plain, plain.settings) == (True, {"beta": 1.0})
    assert len({item.peers for item in comparison.configurations}) == 1
    assert comparison.where(variant="ae")[0].settings == {}
    assert {item.variant for item in best_settings(comparison).configurations} == {"ae", "vae"}


def test_boards_never_mix_likelihoods(make_study, expand, make_record):
    study = make_study(likelihood='["bernoulli", "gaussian"]')
    specs = expand(study)
    boards = compare(study, specs, _records(specs, make_record)).boards()
    assert list(boards) == [("digits", "bernoulli"), ("digits", "gaussian")]
    assert all({item.likelihood for item in board} == {kind} for (_, kind), board in boards.items())


def test_convergence_is_on_the_mean_curve_of_runs_that_did_not_diverge(study, specs, make_record):
    """One seed rises and one falls: their mean is flat; the third diverged early."""
    curves = [
        Curve(val_objective=tuple(np.linspace(5, 9, 40))),
        Curve(val_objective=tuple(np.linspace(9, 5, 40))),
        Curve(val_objective=(1.0, 2.0)),
    ]
    outcomes = ["ok", "ok", "diverged"]
    records = {
        spec.run_id: make_record(spec, outcome, curve)
        for spec, outcome, curve in zip(specs, outcomes, curves, strict=False)
    }
    assert compare(study, specs, records).configurations[0].convergence.state == "converged"


def test_imports_nothing_heavy():
    heavy = "{'keras', 'tensorflow', 'jax', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'seaborn'}"
    code = f"import aebench.analysis.configurations, aebench.page, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
