"""What the page warns of before its numbers are believed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from aebench.analysis.configurations import compare
from aebench.analysis.timings import timed_operations
from aebench.page.cautions import cautions
from aebench.page.look import looks
from aebench.records.record import Curve

LENGTH = 40


@pytest.fixture
def study(make_study):
    return make_study(latent_dim="[2]", epochs=LENGTH)


def test_cautions_name_what_diverged_is_missing_collapsed_and_unfinished(study, expand, make_record):
    specs = expand(study)
    records = {spec.run_id: make_record(spec) for spec in specs}
    del records[specs[0].run_id]
    records[specs[1].run_id] = make_record(specs[1], outcome="diverged")
    falling = Curve(val_objective=tuple(np.linspace(60, 10, LENGTH)))
    rising = Curve(val_objective=(*[10.0] * 20, *np.linspace(10, 20, LENGTH - 20)))
    for spec in specs[3:6]:
        records[spec.run_id] = make_record(spec, curve=falling, active_units=0.0)
    for spec in specs[6:]:
        records[spec.run_id] = make_record(spec, curve=rising)
    comparison = compare(study, specs, records)
    found = {caution.what: caution.which for caution in cautions(comparison, [], looks(comparison.configurations))}
    assert found.pop("1 run of 8 diverged and left out of all means") == ("AE, latent size 2: 1 of 3 seeds",)
    assert found.pop("1 of 9 runs missing") == ("AE (latent size 2)",)
    named = {what.split(" ")[4]: which for what, which in found.items()}
    assert named == {
        "still": ("VAE β=1 (latent size 2)",),
        "more": ("VAE β=4 (latent size 2)",),
        "collapsed:": ("VAE β=1 (latent size 2)",),
    }


def test_a_sound_study_has_no_cautions_but_for_unsteady_timings(study, expand, make_record, make_timing):
    specs = expand(study)
    comparison = compare(study, specs, {spec.run_id: make_record(spec) for spec in specs})
    steady, unsteady = (timed_operations([make_timing(specs[0], spread=spread)]) for spread in (0.01, 0.1))
    assert cautions(comparison, steady, looks(comparison.configurations)) == ()
    (found,) = cautions(comparison, unsteady, looks(comparison.configurations))
    assert found.what.startswith("4 of 4 timings unsteady")


def test_samples_nearer_to_training_images_than_test_images_are_a_caution(study, expand, make_record):
    """The mean of the seeds counts, at a level shared by all that was tested."""
    specs = expand(study)
    names = ("prior_copying_z", "prior_local_copying_z", "mixture_copying_z", "mixture_local_copying_z")

    def found(prior):
        records = {spec.run_id: make_record(spec, **dict.fromkeys(names, 0.0)) for spec in specs}
        copycats = [spec for spec in specs if (spec.variant, spec.latent_dim) == ("ae", 2)]
        for spec, z in zip(copycats, prior, strict=True):
            records[spec.run_id] = make_record(spec, **dict.fromkeys(names, 0.0) | {"prior_local_copying_z": z})
        comparison = compare(study, specs, records)
        return [one for one in cautions(comparison, [], looks(comparison.configurations)) if "copies" in one.brief]

    (told,) = found([-4.0, -5.0, -6.0])
    assert told.which == ("AE, latent size 2: prior samples of one class, z = -5.0",)
    assert "Samples of 1 configuration are nearer to training images" in told.what
    tests = 4 * len({spec.configuration for spec in specs})
    limit = norm.ppf(0.05 / tests)
    assert found([limit - 0.1] * 3)
    assert not found([limit + 0.1] * 3)
    assert not found([-6.0, 2.0, 3.0]), "one seed of three"
