"""What the page concludes: chosen on validation, scored on test, ties and doubts told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aebench.analysis.choices import answers
from aebench.analysis.configurations import compare
from aebench.analysis.differences import Held
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import significant
from aebench.analysis.timings import timed_operations
from aebench.page.look import looks
from aebench.page.separations import separations
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
        board=board, images=Held(lambda record, metric: images[record.run_id] if metric == "elbo_nats" else None)
    )
    likelihood = answers(known, looks(board).title, ())[0]
    assert likelihood.standing[0].endswith("and 3 more.")
    (why,) = [line for line in likelihood.details if "cannot be told from it" in line]
    assert why.startswith("7 others of 7 cannot be told from it: with 28 pairs looked at together")
    assert f": more {by} would part them soonest" in why
    ranking = known.ranking("elbo_nats")
    gaps = ranking.gaps(likelihood.winner, [item for item in ranking.items if item is not likelihood.winner])
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


def test_of_many_that_are_as_fast_four_are_named(make_study, expand, ask, make_timing):
    study = make_study(latent_dim="[2, 3, 4, 5, 6, 7, 8]")
    specs = [spec for spec in expand(study) if spec.seed == 0 and spec.variant == "ae"]
    rows = timed_operations([make_timing(spec, spec.batch_size) for spec in specs])
    found = next(item for item in ask(study, expand(study), timings=rows) if item.question == "Speed")
    assert found.standing[0].count("latent size") == 4
    assert found.standing[0].endswith(" and 2 more.")


def test_speeds_are_images_over_seconds(study, expand, make_timing):
    rows = {row.operation: row for row in timed_operations([make_timing(expand(study)[0], 64)])}
    assert rows["train step"].median == pytest.approx(64 / (0.96 * 4e-4 * 64**0.5)), "of the faster half of its rounds"
    assert rows["train step"].low < rows["train step"].median < rows["train step"].high
