"""What the page concludes and warns of: chosen on validation, scored on test, ties and doubts told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from aebench.analysis.choices import answers
from aebench.analysis.configurations import compare
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import decimals_of, interval, number, plus_minus, significant
from aebench.analysis.statistics import difference_of
from aebench.analysis.timings import timed_operations
from aebench.page.cautions import cautions
from aebench.page.look import looks
from aebench.page.separations import separations
from aebench.page.table import Ranked, table
from aebench.records.record import Curve

LENGTH = 40


@pytest.fixture
def ask(make_record):
    """ask(study, specs, changes by label) -> the answers; changes are records' keyword arguments by seed.

    `earlier` holds other changes for parts of the training.
    """

    def known(study, specs, changes):
        records = {spec.run_id: make_record(spec, **((changes or {}).get(spec.label(), _same)(spec))) for spec in specs}
        return Evidence(board=compare(study, specs, records).configurations)

    def asked(study, specs, changes=None, timings=(), earlier=None):
        now = known(study, specs, changes)
        before = {part: known(study, specs, own) for part, own in (earlier or {}).items()}
        return answers(replace(now, earlier=before), looks(now.board).title, timings)

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
    assert (likelihood.question, likelihood.answer) == ("Likelihood", "VAE β=1, latent size 2")
    assert likelihood.figure == "ELBO −31.00 ± 1.00 nats/image (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}3)"
    assert likelihood.standing == ("Not in the set of the best on test, which is: VAE β=4 (latent size 2).",)
    assert likelihood.details[0].startswith("Difference from it, with 95 % interval: VAE β=4, latent size 2: +9.97 [")
    assert "Chosen on validation among 2 configurations; scored on test." in likelihood.details
    assert likelihood.stood == "", "nothing is known of earlier"
    assert likelihood.details[-1].endswith("chosen without each seed and scored on that one: −31.00 ± 1.00.")


def test_a_winner_says_since_when_validation_has_chosen_it(study, expand, ask):
    first, other = _values(20.0), _values(25.0)
    one, two = {"VAE β=1": first, "VAE β=4": other}, {"VAE β=1": other, "VAE β=4": first}

    def stood(earlier):
        return ask(study, expand(study), one, earlier=earlier)[0].stood

    assert stood({0.25: one, 0.5: one}) == "Stood since epoch 10 of 40."
    assert stood({0.25: two, 0.5: one}) == "Stood since epoch 20 of 40."
    assert stood({0.25: one, 0.5: two}) == (
        "Still moving: after 20 of 40 epochs validation chose VAE β=4, latent size 2."
    )


def test_a_tie_that_was_chosen_earlier_is_said_to_be_one(study, expand, ask):
    scores = {"elbo_nats": [-30.0, -31.0, -32.0]}, {"elbo_nats": [-31.0, -30.5, -32.2]}
    now = {"VAE β=1": _values(20.0, **scores[0]), "VAE β=4": _values(25.0, **scores[1])}
    before = {"VAE β=1": _values(25.0), "VAE β=4": _values(20.0)}
    stood = ask(study, expand(study), now, earlier={0.5: before})[0].stood
    assert stood.endswith("validation chose VAE β=4, latent size 2, which is tied with it at the end.")


@pytest.mark.parametrize("by", ["seeds", "test images"])
def test_where_many_are_tied_the_page_says_what_a_difference_has_to_be(make_study, expand, make_record, by):
    """Eight equal configurations whose ELBOs differ by chance alone: of the seeds, or of the test images."""
    study = make_study(seeds=4, latent_dim="[2]", beta="[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]", epochs=LENGTH)
    specs, rng = expand(study), np.random.default_rng(0)
    spread = {"seeds": (1.0, 0.1), "test images": (0.01, 4.0)}[by]
    own = {spec.configuration: rng.normal(0, spread[1], 50) for spec in specs}
    images = {spec.run_id: -30.0 + rng.normal(0, spread[0]) + own[spec.configuration] for spec in specs}
    records = {
        spec.run_id: make_record(spec, elbo_nats=images[spec.run_id].mean() if spec.variant == "vae" else None)
        for spec in specs
    }
    board = compare(study, specs, records).configurations
    known = Evidence(
        board=board, images=lambda record, metric: images[record.run_id] if metric == "elbo_nats" else None
    )
    likelihood = answers(known, looks(board).title, ())[0]
    assert likelihood.standing[0].endswith("and 3 more.")
    (why,) = [line for line in likelihood.details if "cannot be told from it" in line]
    assert why.startswith("7 others of 7 cannot be told from it: with 28 pairs looked at together")
    assert f": more {by} would part them soonest" in why
    ranking = known.ranking("elbo_nats")
    gaps = [ranking.gap(likelihood.winner, item) for item in ranking.items if item is not likelihood.winner]
    least = float(np.median([gap.high - gap.mean for gap in gaps]))
    assert f"a difference has to be about {significant(least, 2)} to be told" in why


def test_an_interval_that_holds_zero_is_a_tie(study, expand, ask):
    changes = {
        "VAE β=1": _values(20.0, elbo_nats=[-30.0, -31.0, -32.0]),
        "VAE β=4": _values(25.0, elbo_nats=[-31.0, -30.5, -32.2]),
    }
    assert ask(study, expand(study), changes)[0].standing == ("Tied with it: VAE β=4 (latent size 2).",)


def test_without_a_tie_the_next_is_named_with_its_distance(study, expand, ask):
    changes = {
        "VAE β=1": _values(20.0, elbo_nats=[-30.0, -31.0, -32.0]),
        "VAE β=4": _values(25.0, elbo_nats=[-40.0, -41.1, -42.2]),
    }
    standing = ask(study, expand(study), changes)[0].standing
    assert standing == ("Next: VAE β=4, latent size 2: −10.1.",)


def test_one_seed_tells_no_ties(make_study, expand, ask):
    study = make_study(latent_dim="[2]", seeds=1)
    assert ask(study, expand(study))[0].standing == ("One seed: no interval, so ties cannot be told.",)


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
    ("ours", "marks"),
    [([0.3, 0.31, 0.33], "yes"), ([0.0, -0.01, 0.02], "no"), ([0.0, 0.2, 0.1], "unclear"), ([0.1] * 3, "equivalent")],
)
def test_separation_is_told_from_paired_differences(study, expand, make_record, ours, marks):
    values = {"VAE β=1": ours, "AE": [0.1, 0.1, 0.1]}
    records = {
        spec.run_id: make_record(spec, silhouette=values.get(spec.label(), ours)[spec.seed]) for spec in expand(study)
    }
    comparison = compare(study, expand(study), records)
    evidence = Evidence(board=comparison.configurations, contrasts=study.contrasts)
    (found,) = separations(evidence, looks(comparison.configurations))
    assert (found.variants, found.baseline) == ("VAE", "AE")
    assert [gain.mark for gain in found.rows[0].gains] == [marks, marks]
    assert float(found.rows[0].baseline) == 0.1


def test_class_structure_is_chosen_on_validation_and_told_beside_its_references(study, expand, ask):
    changes = {
        "AE": _values(20.0, silhouette=[0.3] * 3, silhouette_validation=[0.1] * 3),
        "VAE β=1": _values(20.0, silhouette=[0.2, 0.21, 0.2], silhouette_validation=[0.2] * 3),
        "VAE β=4": _values(20.0, silhouette=[0.1] * 3, silhouette_validation=[0.15] * 3),
    }
    found = next(item for item in ask(study, expand(study), changes) if item.question == "Class structure")
    assert found.answer == "VAE β=1, latent size 2"
    assert found.standing[0] == "Not in the set of the best on test, which is: AE (latent size 2)."
    assert found.details[0].startswith("The same measure of pixels 0.12")
    unvalidated = next(item for item in ask(study, expand(study)) if item.question == "Class structure")
    assert "chosen on test, for want of a validation split" in " ".join(unvalidated.details).lower()


def test_the_best_sampler_has_the_least_distance_on_validation(study, expand, ask):
    changes = {
        label: _values(20.0, prior_frechet_distance=[test] * 3, prior_frechet_distance_validation=[validation] * 3,
                       mixture_frechet_distance=[mixture] * 3)
        for label, test, validation, mixture in
        [("AE", 50.0, 60.0, 4.0), ("VAE β=1", 20.0, 10.0, 5.0), ("VAE β=4", 15.0, 11.0, 6.0)]
    }  # fmt: skip
    found = next(item for item in ask(study, expand(study), changes) if item.question == "Sampling")
    assert found.answer == "VAE β=1, latent size 2"
    assert found.details[0].startswith("Its intervals are over seeds alone")
    assert found.details[1].endswith("the lowest on test is 4: AE, latent size 2.")


def test_a_choice_is_scored_on_seeds_that_it_has_not_seen(study, expand, ask):
    """Two that are equal, each lucky in another seed: the lucky mean is -29, and what such a choice gets is less."""
    lucky, other = [-27.0, -30.0, -30.0], [-30.5, -30.5, -28.5]

    def as_on_validation(values):
        return lambda spec: {"curve": _flat(-values[spec.seed] - 5.0), "elbo_nats": values[spec.seed]}

    found = ask(study, expand(study), {"VAE β=1": as_on_validation(lucky), "VAE β=4": as_on_validation(other)})[0]
    assert found.figure.startswith("ELBO −29.0 ")
    # Without seed 0 the other is chosen (-30.5), without 1 the lucky (-30), without 2 the lucky (-30).
    assert any("scored on that one: −30.2 ± 0.3." in line for line in found.details)


def test_the_fastest_is_told_with_what_is_as_fast(make_study, expand, ask, make_timing):
    study = make_study(latent_dim="[2, 4]")
    specs = expand(study)
    fast, tied, slow = (
        next(spec for spec in specs if (spec.variant, spec.latent_dim) == wanted)
        for wanted in [("ae", 4), ("ae", 2), ("vae", 4)]
    )
    timings = [make_timing(fast, spec.batch_size) for spec in [fast]]
    timings += [make_timing(tied, tied.batch_size, spread=0.03)]
    slower = make_timing(slow, slow.batch_size)
    operations = {
        name: timed.model_copy(update={"seconds": tuple(2 * each for each in timed.seconds)})
        for name, timed in slower.operations.items()
    }
    rows = timed_operations([*timings, slower.model_copy(update={"operations": operations})])
    found = next(item for item in ask(study, specs, timings=rows) if item.question == "Speed")
    assert found.answer.startswith("AE, latent size ")
    assert "AE, latent size " in found.standing[0]
    assert "VAE" not in found.standing[0]
    assert "Made-up CPU" in found.details[0]


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


def test_speeds_are_images_over_seconds(study, expand, make_timing):
    rows = {row.operation: row for row in timed_operations([make_timing(expand(study)[0], 64)])}
    assert rows["train step"].median == pytest.approx(64 / (4e-4 * 64**0.5))
    assert rows["train step"].low < rows["train step"].median < rows["train step"].high


def test_the_table_marks_the_best_and_what_is_tied_with_it(study, expand, make_record):
    specs = expand(study)
    values = {"AE": [1.0, 2.0, 3.0], "VAE β=1": [1.5, 1.4, 3.3], "VAE β=4": [8.0, 9.1, 10.0]}
    records = {spec.run_id: make_record(spec, recon_mse=values[spec.label()][spec.seed]) for spec in specs}
    comparison = compare(study, specs, records)
    evidence = Evidence(board=comparison.configurations)
    found = table([Ranked(key="a", title="A", evidence=evidence, looks=looks(comparison.configurations))])
    names = [column.name for column in found.columns]
    rows = found.bodies[0].rows
    assert [row.cells[names.index("recon_mse")].mark for row in rows] == ["best", "tied", ""]
    assert rows[0].cells[names.index("elbo_nats")].text == "n/a"
    assert (rows[0].settings, rows[1].settings) == ({}, {"β": "1"})
    assert "mutual_information_nats" not in names  # no run has it
    assert list(found.groups) == ["main", "likelihood", "classes", "cost"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ({"nll_error_nats": 0.26}, "may be off by 0.26 nats/image, where at most 0.05 is allowed"),
        ({}, "was measured before its error was told"),
    ],
)
def test_a_number_that_is_not_certified_is_a_bound_and_never_the_best(study, expand, make_record, error, why):
    specs = expand(study)
    values = {"AE": 20.0, "VAE β=1": 30.0, "VAE β=4": 40.0}

    def made(spec):
        told = error if spec.variant == "ae" else {"nll_error_nats": 0.04 * spec.seed}  # .04 in the mean
        saturated = {"mutual_information_nats": 5.8, "mutual_information_ceiling_nats": 5.9}
        return make_record(spec, nll_nats=values[spec.label()] + 0.1 * spec.seed, **told, **saturated)

    comparison = compare(study, specs, {spec.run_id: made(spec) for spec in specs})
    evidence = Evidence(board=comparison.configurations)
    found = table([Ranked(key="a", title="A", evidence=evidence, looks=looks(comparison.configurations))])
    at = [column.name for column in found.columns].index("nll_nats")
    bound, best, other = (row.cells[at] for row in found.bodies[0].rows)
    assert (bound.text, bound.mark) == ("≤ 20.100", "")
    assert why in bound.title
    assert (best.text, best.mark, best.title) == ("30.100", "best", "")
    assert other.mark == ""


def test_a_number_of_factors_is_absent_for_a_reason(make_study, expand, make_record):
    study = make_study(seeds=1, latent_dim="[2]")
    specs = expand(study)
    given = {"AE": {}, "VAE β=1": {"mig": 0.1}, "VAE β=4": {"mig": 0.2, "dci_explicitness": 0.5}}
    records = {spec.run_id: make_record(spec, **given[spec.label()]) for spec in specs}
    comparison = compare(study, specs, records)
    evidence = Evidence(board=comparison.configurations)
    found = table([Ranked(key="a", title="A", evidence=evidence, looks=looks(comparison.configurations))])
    at = [column.name for column in found.columns].index("dci_explicitness")
    titles = [row.cells[at].title for row in found.bodies[0].rows]
    assert titles == ["no known factors that vary", "VAE β=1 has no DCI explicitness", ""]


def test_one_colour_a_setting_whatever_the_latent_size(make_study, expand):
    study = make_study(latent_dim="[2, 4, 8]", beta="[0.5, 1.0, 2.0]")
    comparison = compare(study, expand(study), {})
    found = looks(comparison.configurations)
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
