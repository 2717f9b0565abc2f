"""Variants against each other, each by the configuration that validation chooses for a purpose."""

from __future__ import annotations

import pytest

from aebench.analysis.configurations import compare
from aebench.analysis.evidence import Evidence
from aebench.analysis.league import league
from aebench.records.record import Curve

LENGTH = 40


@pytest.fixture
def standings(make_study, expand, make_record):
    """standings(values) -> the league; `values[label, size]` is the ELBO on validation, and on test by seed."""

    def make(values, **study):
        chosen = make_study(latent_dim="[2, 4]", beta="[1.0, 4.0]", **study)
        specs = expand(chosen)

        def record(spec):
            validation, test = values.get((spec.label(), spec.latent_dim), (None, None))
            if validation is None:
                return make_record(spec, elbo_nats=None)
            flat = (-validation - 5.0,) * LENGTH
            curve = Curve(objective=flat, val_objective=flat, val_distortion=flat, val_rate=(5.0,) * LENGTH)
            return make_record(spec, curve=curve, elbo_nats=test[spec.seed])

        comparison = compare(chosen, specs, {spec.run_id: record(spec) for spec in specs})
        return league(Evidence(board=comparison.configurations))

    return make


VALUES = {
    ("VAE β=1", 2): (-30.0, [-30.0, -30.1, -30.2]),
    ("VAE β=1", 4): (-25.0, [-28.0, -28.1, -28.2]),
    ("VAE β=4", 2): (-26.0, [-20.0, -20.1, -20.2]),
    ("VAE β=4", 4): (-40.0, [-40.0, -40.1, -40.2]),
}


def entry(found, variant, purpose):
    at = [one.name for one in found.purposes].index(purpose)
    return next(row for row in found.standings if row.variant == variant).entries[at]


def test_a_variant_stands_by_what_validation_chooses_though_another_is_better_on_test(standings):
    found = entry(standings(VALUES), "vae", "Likelihood")
    assert (found.item.label, found.item.latent_dim, found.tried, found.rank) == ("VAE β=1", 4, 4, 1)


def test_a_variant_without_the_number_has_no_entry(standings):
    assert entry(standings(VALUES), "ae", "Likelihood") is None
    assert entry(standings(VALUES), "ae", "Reconstruction") is not None


def test_those_that_are_among_the_best_come_first(standings):
    found = standings(VALUES)
    assert [row.uses for row in found.standings] == sorted((row.uses for row in found.standings), reverse=True)
    reconstruction = {row.variant: entry(found, row.variant, "Reconstruction") for row in found.standings}
    best = min(reconstruction.values(), key=lambda one: one.item.summaries["recon_mse"].mean)
    assert best.rank == 1
    assert best.among_best


def test_a_single_seed_puts_nobody_among_the_best(standings):
    found = standings(VALUES, seeds=1)
    assert not any(one and one.among_best for row in found.standings for one in row.entries)
