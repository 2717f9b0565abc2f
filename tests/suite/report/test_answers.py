"""What the page concludes and warns of: chosen on validation, scored on test, ties and doubts told."""

from __future__ import annotations

import numpy as np
import pytest

from suite.compare import compare, contrasts
from suite.record import Curve
from suite.report.answers import answers, separation_verdict
from suite.report.cautions import cautions
from suite.report.look import looks
from suite.report.numbers import decimals_of, interval, number, plus_minus, significant
from suite.report.pictures import montage
from suite.report.speed import speeds
from suite.report.table import MAIN, table
from suite.statistics import difference_of

LENGTH = 40


@pytest.fixture
def ask(make_record):
    """ask(study, specs, **changes by label) -> the answers; changes are records' keyword arguments by seed."""

    def asked(study, specs, changes=None):
        records = {spec.run_id: make_record(spec, **((changes or {}).get(spec.label(), _same)(spec))) for spec in specs}
        comparison = compare(study, specs, records)
        return answers(comparison.configurations, contrasts(comparison), looks(comparison))

    return asked


def _same(spec):
    return {}


def _flat(distortion, rate=5.0):
    """A curve that stands still, with this validation cost."""
    return Curve(
        objective=(distortion,) * LENGTH,
        val_objective=(distortion,) * LENGTH,
        val_distortion=(distortion,) * LENGTH,
        val_rate=(rate,) * LENGTH,
    )


def _values(validation, **test):
    """The metrics' values seed by seed, under this validation distortion."""
    return lambda spec: {
        "curve": _flat(validation),
        **{name: values[spec.seed] for name, values in test.items()},
    }


@pytest.fixture
def study(make_study):
    return make_study(latent_dim="[2]", epochs=LENGTH)


def test_the_winner_is_chosen_on_validation_and_scored_on_test(study, expand, ask):
    changes = {
        "VAE β=1": _values(20.0, elbo_nats=[-30.0, -31.0, -32.0]),
        "VAE β=4": _values(25.0, elbo_nats=[-20.0, -21.5, -21.6]),
    }
    likelihood = ask(study, expand(study), changes)[0]
    assert (likelihood.question, likelihood.answer) == ("Best likelihood", "VAE β=1, latent size 2")
    assert "ELBO −31.0" in likelihood.figure
    assert "(mean ± sd of 3 seeds)" in likelihood.figure
    assert any(
        text.startswith("Better on test, though not on validation: VAE β=4, latent size 2: +")
        for text in likelihood.details
    )
    assert likelihood.details[-1] == "Chosen on validation among 2 configurations; scored on test."


def test_an_interval_that_holds_zero_is_a_tie(study, expand, ask):
    changes = {
        "VAE β=1": _values(20.0, elbo_nats=[-30.0, -31.0, -32.0]),
        "VAE β=4": _values(25.0, elbo_nats=[-31.0, -30.5, -32.2]),
    }
    assert any(text.startswith("Tied with it") for text in ask(study, expand(study), changes)[0].details)


def test_without_a_tie_the_next_is_named_with_its_distance(study, expand, ask):
    changes = {
        "VAE β=1": _values(20.0, elbo_nats=[-30.0, -31.0, -32.0]),
        "VAE β=4": _values(25.0, elbo_nats=[-40.0, -41.1, -42.2]),
    }
    details = ask(study, expand(study), changes)[0].details
    assert details[0].startswith("Next: VAE β=4, latent size 2: −10.1 [")


def test_one_seed_tells_no_ties(make_study, expand, ask):
    study = make_study(latent_dim="[2]", seeds=1)
    assert "One seed: no interval, so ties cannot be told." in ask(study, expand(study))[0].details


def test_what_was_trained_on_validation_is_not_chosen_on_it(study, expand, ask):
    specs = [spec.model_copy(update={"train_on": "train+validation"}) for spec in expand(study)]
    assert any("for want of a validation split" in text for text in ask(study, specs)[0].details)


def test_a_winner_whose_training_was_too_short_says_so(study, expand, ask):
    falling = Curve(
        val_objective=tuple(np.linspace(60, 10, LENGTH)), val_distortion=(10.0,) * LENGTH, val_rate=(1.0,) * LENGTH
    )
    found = ask(study, expand(study), {"VAE β=1": lambda spec: {"curve": falling}})
    assert "Its training: not converged, see below." in found[0].details


@pytest.mark.parametrize(
    ("ours", "answer"),
    [
        ([0.3, 0.31, 0.33], "Yes, at every latent size"),
        ([0.0, -0.01, 0.02], "No: worse at every latent size"),
        ([0.0, 0.2, 0.1], "No clear difference at any latent size"),
    ],
)
def test_separation_is_answered_from_paired_differences(study, expand, ask, ours, answer):
    changes = {"VAE β=1": _values(20.0, silhouette=ours), "AE": _values(20.0, silhouette=[0.1, 0.1, 0.1])}
    found = ask(study, expand(study), changes)[-1]
    assert (found.question, found.answer) == ("Does VAE β=1 separate classes better than the AE?", answer)
    assert found.lines[0].startswith("latent size 2: ")


def test_separation_names_each_latent_size(make_study, expand, ask):
    study = make_study(latent_dim="[2, 4]")
    worse_at_2 = {"VAE β=1": lambda spec: {"silhouette": (-0.5 if spec.latent_dim == 2 else 0.5) + spec.seed / 100}}
    assert ask(study, expand(study), worse_at_2)[-1].answer == "Depends on the latent size: better at 4; worse at 2"


def test_silhouette_is_reported_beside_its_references(study, expand, ask):
    silhouette = next(item for item in ask(study, expand(study)) if item.question == "Best class separation")
    assert silhouette.details[0].startswith("Its references: of pixels 0.12")
    assert "chosen on test" in " ".join(silhouette.details).lower()


def test_no_interval_means_unclear():
    assert separation_verdict(difference_of([1.0])) == "unclear"


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
    found = {caution.what: caution.which for caution in cautions(comparison, [], looks(comparison))}
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
    steady, unsteady = (speeds([make_timing(specs[0], spread=spread)]) for spread in (0.01, 0.1))
    assert cautions(comparison, steady, looks(comparison)) == ()
    (found,) = cautions(comparison, unsteady, looks(comparison))
    assert found.what.startswith("4 of 4 timings unsteady")


def test_speeds_are_images_over_seconds(study, expand, make_timing):
    rows = {row.operation: row for row in speeds([make_timing(expand(study)[0], 64)])}
    assert rows["train step"].median == pytest.approx(64 / (4e-4 * 64**0.5))
    assert rows["train step"].low < rows["train step"].median < rows["train step"].high


def test_the_table_marks_the_best_and_what_is_tied_with_it(study, expand, make_record):
    specs = expand(study)
    values = {"AE": [1.0, 2.0, 3.0], "VAE β=1": [1.5, 1.4, 3.3], "VAE β=4": [8.0, 9.1, 10.0]}
    records = {spec.run_id: make_record(spec, recon_mse=values[spec.label()][spec.seed]) for spec in specs}
    comparison = compare(study, specs, records)
    rows = table(comparison.configurations, looks(comparison), MAIN).rows
    marks = [row.cells[MAIN.index("recon_mse")].mark for row in rows]
    assert marks == ["best", "tied", ""]
    assert rows[0].cells[MAIN.index("elbo_nats")].text == "n/a"


def test_one_colour_a_setting_whatever_the_latent_size(make_study, expand):
    study = make_study(latent_dim="[2, 4, 8]", beta="[0.5, 1.0, 2.0]")
    comparison = compare(study, expand(study), {})
    found = looks(comparison)
    colours = {(item.label, found.by_id[item.id].colour) for item in comparison.configurations}
    assert len(colours) == len(dict(colours)) == len({colour for _, colour in colours}) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(None), "n/a"),
        (number(-1234.567, 1), "−1,234.6"),
        (number(-0.001, 2, signed=True), "0.00"),
        (number(0.5, 1, signed=True), "+0.5"),
        (significant(12345.0), "12,300"),
        (significant(0.01234, 2), "0.012"),
        (significant(0.0), "0"),
        (interval(difference_of([1.0, 1.0]), 1), "+1.0 [+1.0, +1.0]"),
        (interval(difference_of([1.0]), 1), "+1.0 (no interval: one pair)"),
    ],
)
def test_numbers_as_people_read_them(text, expected):
    assert text == expected


def test_decimals_show_two_digits_of_the_spread(study, expand, make_record):
    specs = expand(study)[:3]
    records = {spec.run_id: make_record(spec, elbo_nats=100.0 + 0.05 * spec.seed) for spec in specs}
    summary = compare(study, specs, records).configurations[0].summaries["elbo_nats"]
    assert plus_minus(summary, decimals_of([summary])) == "100.050 ± 0.050"


@pytest.mark.parametrize(("side", "channels", "scale"), [(8, 1, 4), (28, 1, 2), (32, 3, 1), (64, 3, 1)])
def test_a_montage_keeps_every_pixel(side, channels, scale):
    images = np.random.default_rng(0).integers(0, 255, (3, side, side, channels), dtype=np.uint8)
    paper = montage([images[:2], images[2:]])
    step = side * scale + 2
    assert paper.shape[:2] == (2 * step - 2, 2 * step - 2)
    shown = paper[step::scale, : side * scale : scale].reshape(side, side, channels)
    assert (shown == images[2]).all()
    assert (paper[step:, step:] == 255).all()
