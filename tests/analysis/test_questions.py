"""What made-up runs answer to the studies' questions: as found, whichever way it goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from aebench.analysis.configurations import compare
from aebench.analysis.evidence import Evidence
from aebench.analysis.questions import Verdict, latent_space, samples, separation, settings

RNG = np.random.default_rng(0)
SEEDS, IMAGES = 5, 40
NAMES = ("one", "two", "three")


@pytest.fixture
def found(make_study, expand, make_record) -> Callable[..., Evidence]:
    """found(numbers, arrays, seeds=5) -> evidence; both are functions of a run's spec, giving dicts by name."""

    def made(
        numbers: Callable[[Any], dict[str, Any]],
        arrays: Callable[[Any], dict[str, np.ndarray]] = lambda spec: {},
        seeds: int = SEEDS,
        **changes: Any,
    ) -> Evidence:
        study = make_study(seeds=seeds, **{"latent_dim": "[2, 4, 8]", **changes})
        specs = expand(study)
        records = {}
        for spec in specs:
            given = numbers(spec)
            profiles = {name: value for name, value in given.items() if isinstance(value, tuple)}
            record = make_record(spec, **{name: value for name, value in given.items() if name not in profiles})
            records[spec.run_id] = record.model_copy(update={"profiles": profiles})
        return Evidence(
            board=compare(study, specs, records).configurations,
            contrasts=study.contrasts,
            images=lambda record, metric: arrays(record.spec).get(metric),
            arrays=lambda record, name: arrays(record.spec).get(name),
            class_names=NAMES,
        )

    return made


def one(question: Callable[[Evidence], Iterator[Verdict]], evidence: Evidence) -> Verdict | None:
    """The only verdict that a question yields; `None` if it yields none."""
    given = list(question(evidence))
    assert len(given) <= 1
    return given[0] if given else None


def silhouettes(gain: Callable[[int], float], spread: float = 0.001) -> Callable[[Any], dict[str, float]]:
    """AE at 0.1, VAE of β = 1 higher by `gain` of the latent size, with a spread over seeds."""
    noise = np.random.default_rng(1).normal(0, spread, (SEEDS, 20))

    def numbers(spec: Any) -> dict[str, float]:
        extra = gain(spec.latent_dim) + noise[spec.seed, spec.latent_dim] if spec.variant == "vae" else 0.0
        return {"silhouette": 0.1 + extra}

    return numbers


@pytest.mark.parametrize(
    ("gain", "spread", "standing", "words"),
    [
        (lambda size: -0.05, 0.001, "confirmed", "worse at z = 2, z = 4, z = 8"),
        (lambda size: 0.0, 0.001, "confirmed", "no difference that matters at z = 2, z = 4, z = 8"),
        (lambda size: 0.05, 0.001, "refuted", "better at z = 2, z = 4, z = 8"),
        (lambda size: 0.05 if size == 8 else -0.05, 0.001, "refuted in part", "better at z = 8; worse at z = 2, z = 4"),
        (lambda size: 0.0, 0.05, "not settled", "no clear difference at z = 2, z = 4, z = 8"),
        (
            lambda size: -0.05 * (size > 2),
            0.012,
            "confirmed in part",
            "worse at z = 4, z = 8; no clear difference at z = 2",
        ),
    ],
)
def test_separation_goes_as_it_is_found(found, gain, spread, standing, words):
    verdict = one(separation.better_than_the_baseline, found(silhouettes(gain, spread)))
    assert verdict.standing == standing
    assert words in re.sub(r" \([^)]*\)", "", verdict.answer)
    assert verdict.answer.count(" [") == 3  # each with its interval
    assert verdict.claim == "the VAE does not separate classes better than the AE"


def test_networks_are_named_where_a_board_has_several(found):
    numbers, networks = silhouettes(lambda size: 0.05), {"network": '["mlp-256", "mlp-400"]', "latent_dim": "[2, 4]"}
    evidence = found(numbers, **networks)
    verdict = one(separation.better_than_the_baseline, evidence)
    places = "z = 2 (mlp-256), z = 2 (mlp-400), z = 4 (mlp-256), z = 4 (mlp-400)"
    assert re.sub(r" \([^)]*\[[^)]*\)", "", verdict.answer).count(places) == 1
    assert [line.split(":")[0] for line in verdict.lines[:4]] == places.split(", ")
    assert evidence.places(evidence.board[:2]).startswith("z = 2 (mlp-256) and z = ")
    alone = found(numbers, **{**networks, "network": '"mlp-400"'})
    assert alone.places(alone.of("vae")) == "z = 2 and 4"


def test_the_permutation_test_is_over_all_sizes_and_seeds_and_corrected(found):
    verdict = one(separation.better_than_the_baseline, found(silhouettes(lambda size: 0.05)))
    (line,) = [line for line in verdict.lines if "sign flips" in line]
    assert "15 pairs; smallest possible p 6e-05" in line
    assert "Silhouette 0.00012" in line, "twice the smallest: Holm over silhouette and reconstruction"
    few = one(separation.better_than_the_baseline, found(silhouettes(lambda size: 0.05), seeds=1))
    assert any("no permutation test: 3 pairs cannot reach p = 0.05 (smallest 0.250)" in line for line in few.lines)


def test_test_images_widen_the_interval(found):
    """Runs agree to a hair over seeds, but their advantage rests on a few of the test images."""
    influence = np.where(np.arange(IMAGES) < 3, 1.0, -0.05)

    def arrays(spec: Any) -> dict[str, np.ndarray]:
        own = influence + 1e-3 * spec.seed if spec.variant == "vae" else np.zeros(IMAGES)
        return {"silhouette": own + 0.1}

    numbers = silhouettes(lambda size: float(influence.mean()), 1e-4)
    by_seeds = one(separation.better_than_the_baseline, found(numbers))
    by_both = one(separation.better_than_the_baseline, found(numbers, arrays))
    assert by_seeds.standing == "refuted"
    assert by_both.standing == "not settled"
    assert "test images ±" in by_both.lines[0]
    assert "test images" not in by_seeds.lines[0]


LIKELIHOODS = '[[contrast]]\nvariant = "vae"\nagainst = "ae"\nmetrics = ["nll_nats", "silhouette"]\n'


@pytest.mark.parametrize(
    ("error", "standing", "sides"),
    [
        (0.01, "refuted", ["lower", "lower", "lower"]),
        (0.3, "refuted", ["lower", "lower", "lower"]),
        (0.9, "refuted in part", ["lower", "unclear", "lower"]),
        (None, "refuted", ["lower", "lower"]),
    ],
)
def test_a_verdict_allows_for_what_a_bound_may_be_off_by(found, error, standing, sides):
    """The VAE is better by 1 nat, .2 less at one size; there, the AE's likelihood may be better than what was found."""

    def numbers(spec: Any) -> dict[str, float]:
        bound = (spec.variant, spec.latent_dim) == ("ae", 4)
        nll = 25.0 + 0.01 * spec.seed + 0.001 * spec.seed**2 * (spec.variant == "vae") - (spec.variant == "vae")
        told = {"nll_error_nats": error if bound else 0.01} if error is not None or not bound else {}
        return {"nll_nats": nll - 0.2 * bound, **told}

    verdict = one(separation.better_than_the_baseline, found(numbers, more=LIKELIHOODS))
    assert (verdict.standing, verdict.claim) == (standing, "the VAE does not do better in NLL than the AE")
    lines = [line for line in verdict.lines if line.startswith("z = ")]
    assert [line.rsplit(": ", 1)[1] for line in lines] == sides
    told = {
        0.3: "intervals allow for what NLL, where it is a bound, may be off by: at z = 4 (by 0 down and 0.3 up)",
        0.9: "intervals allow for what NLL, where it is a bound, may be off by: at z = 4 (by 0 down and 0.9 up)",
        None: "no answer at z = 4, where NLL is a bound of unknown error",
    }
    assert [line for line in verdict.lines if "bound" in line] == ([told[error]] if error in told else [])


def test_bounds_of_unknown_error_settle_nothing(found):
    def numbers(spec: Any) -> dict[str, float]:
        return {"nll_nats": 25.0 + 0.01 * spec.seed - (spec.variant == "vae")}

    verdict = one(separation.better_than_the_baseline, found(numbers, more=LIKELIHOODS))
    assert verdict.standing == "not settled"
    assert verdict.answer == "No answer at z = 2, 4 and 8, where NLL is a bound of unknown error."


def test_a_bound_is_not_ranked(found):
    """The lowest number of all is one; nor is it in the set of the best."""

    def numbers(spec: Any) -> dict[str, float]:
        bound = (spec.variant, spec.latent_dim) == ("ae", 8)
        return {"nll_nats": 25.0 - spec.latent_dim + 0.01 * spec.seed, "nll_error_nats": 0.06 if bound else 0.05}

    ranking = found(numbers).ranking("nll_nats")
    assert (ranking.on_test.variant, ranking.on_test.latent_dim) == ("vae", 8)
    assert {item.variant for item in ranking.best} == {"vae"}


def test_beta_is_said_to_help_only_where_it_does(found):
    def numbers(spec: Any) -> dict[str, float]:
        better = 1.0 if spec.scalars.get("beta") == 4.0 and spec.latent_dim > 2 else 0.0
        return {"elbo_nats": -30.0 - better, "silhouette": 0.1 + 0.1 * better, "recon_mse": 0.05 + 1e-5 * spec.seed}

    verdict = one(settings.effect_of_settings, found(numbers))
    assert "ELBO: no β beats 1, worse with β = 4 at 2 of 3 latent sizes" in verdict.answer
    assert "Reconstruction MSE: no β beats 1;" in verdict.answer, "neither better nor worse"
    assert "Silhouette: better than β = 1 with β = 4 at 2 of 3 latent sizes" in verdict.answer
    assert "worse" not in verdict.answer.split("Silhouette")[1]


def test_less_is_better_where_it_is(found):
    def numbers(spec: Any) -> dict[str, float]:
        return {"recon_mse": 0.05 + 0.01 * (spec.scalars.get("beta") == 4.0)}

    answer = one(settings.effect_of_settings, found(numbers)).answer
    assert "Reconstruction MSE: no β beats 1, worse with β = 4 at 3 of 3 latent sizes" in answer


def test_intervals_that_leave_out_the_choice_of_test_images_say_so(found):
    def arrays(spec: Any) -> dict[str, np.ndarray]:
        return {"silhouette": RNG.normal(0.1, 0.2, IMAGES)}

    numbers = silhouettes(lambda size: 0.0)
    verdict = one(
        separation.better_than_the_baseline, found(lambda spec: {**numbers(spec), "knn_accuracy": 0.9}, arrays)
    )
    (line,) = [line for line in verdict.lines if line.startswith("5-NN accuracy")]
    assert "over seeds alone" in line
    assert "n = 5" in line
    beta = {line.split(" minus")[0]: line for line in one(settings.effect_of_settings, found(numbers, arrays)).lines}
    assert "over seeds alone" in beta["β = 4, ELBO"]
    assert "over seeds alone" not in beta["β = 4, Silhouette"]


@pytest.mark.parametrize(
    ("prior", "mixture", "standing", "words"),
    [
        (0.1, 0.8, "confirmed", "They don't at z = 2, 4 and 8"),
        (0.9, 0.9, "refuted", "is not needed: it changes the share that is recognised by +0.00 to +0.00"),
        (0.1, 0.2, "confirmed", "does not repair it"),
    ],
)
def test_prior_samples_of_the_autoencoder(found, prior, mixture, standing, words):
    def numbers(spec: Any) -> dict[str, float]:
        return {"prior_recognisable": prior, "mixture_recognisable": mixture, "train_recognisable": 0.95}

    verdict = one(samples.prior_samples_without_a_prior, found(numbers))
    assert verdict.standing == standing
    assert words in verdict.answer


def test_prior_samples_are_judged_without_a_mixture_too(found):
    """As at milestones, where none is fitted."""
    verdict = one(samples.prior_samples_without_a_prior, found(
        lambda spec: {"prior_recognisable": 0.1, "mixture_recognisable": None, "train_recognisable": 0.95}
    ))  # fmt: skip
    assert verdict.standing == "confirmed"
    assert "mixture" not in verdict.answer


def test_why_samples_look_primitive_names_the_largest_shortfall_first(found):
    def numbers(spec: Any) -> dict[str, float]:
        real = {"sharpness": 1.0, "recognisable": 0.95, "coverage": 0.98, "precision": 0.97, "class_entropy_nats": 2.3}
        ours = {"sharpness": 0.7, "recognisable": 0.94, "coverage": 0.3, "precision": 0.96, "class_entropy_nats": 2.29}
        return {f"train_{name}": value for name, value in real.items()} | {
            f"prior_{name}": value for name, value in ours.items()
        } | {"prior_frechet_distance": 10.0 / spec.latent_dim}  # fmt: skip

    verdict = one(samples.why_samples_look_primitive, found(numbers))
    assert "At z = 8" in verdict.answer
    assert verdict.answer.index("coverage 0.31") < verdict.answer.index("sharpness 0.70")
    assert "all classes appear about evenly" in verdict.answer
    assert "recognisable" not in verdict.answer


@pytest.mark.parametrize(("noise", "standing"), [(0.02, "confirmed"), (2.0, "refuted")])
def test_centroids_are_compared_across_models_and_across_seeds(found, noise, standing):
    shared = RNG.random((3, 6, 6, 1))

    def arrays(spec: Any) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([spec.seed, spec.latent_dim, len(spec.variant)])
        return {"centroid_images": (shared + noise * rng.random((3, 6, 6, 1))) * 80}

    verdict = one(samples.centroids, found(lambda spec: {"centroid_mean_correlation": 0.95}, arrays))
    assert verdict.standing == standing
    assert len(verdict.lines) == 3


def test_latent_pictures_are_held_against_those_of_two_seeds(found):
    codes = RNG.normal(size=(60, 4))

    def arrays(apart: bool) -> Callable[[Any], dict[str, np.ndarray]]:
        def of(spec: Any) -> dict[str, np.ndarray]:
            rng = np.random.default_rng([spec.seed, len(spec.variant)])
            own = codes if spec.variant == "ae" or not apart else np.roll(codes, 7, axis=0)
            return {"mean": own + 0.05 * rng.normal(size=codes.shape)}

        return of

    alike, unlike = (one(latent_space.pictures, found(lambda _: {}, arrays(apart))) for apart in (False, True))
    assert (alike.standing, unlike.standing) == ("confirmed", "refuted")
    assert one(latent_space.pictures, found(lambda _: {}, arrays(False), seeds=1)).standing == "not settled"


@pytest.mark.parametrize("lost", ["ae", "vae"])
def test_latent_pictures_of_what_was_kept(found, lost):
    """At the largest size one of the two has left no codes."""
    codes = RNG.normal(size=(60, 4))

    def arrays(spec: Any) -> dict[str, np.ndarray]:
        return {} if spec.latent_dim == 8 and spec.variant == lost else {"mean": codes + 0.1 * spec.seed}

    verdict = one(latent_space.pictures, found(lambda _: {}, arrays))
    assert [line.split(":")[0] for line in verdict.lines] == ["z = 2", "z = 4"]
    assert verdict.standing == "confirmed"


def test_collapsed_codes_settle_nothing_about_latent_pictures(found):
    codes = RNG.normal(size=(60, 4))

    def arrays(spec: Any) -> dict[str, np.ndarray]:
        return {"mean": np.zeros((60, 4)) if spec.variant == "vae" else codes}

    verdict = one(latent_space.pictures, found(lambda _: {}, arrays))
    assert verdict.standing == "not settled"
    assert "CKA of AE with VAE n/a, between seeds of one variant 1.00" in verdict.lines[0]


def test_the_worst_class_is_named_with_how_often(found):
    verdict = one(
        latent_space.worst_classes, found(lambda spec: {"recon_mse_by_class": (0.02, 0.03 + 0.001 * spec.seed, 0.01)})
    )
    assert verdict.answer == "two, in 6 of 6 configurations and 30 of 30 runs; best three."


@pytest.mark.parametrize(("peak", "standing"), [(5, "confirmed"), (0, "refuted")])
def test_midpoints(found, peak, standing):
    steps = tuple(float(value) for value in 1.0 - 0.1 * np.abs(np.arange(11) - peak))
    verdict = one(samples.midpoints, found(lambda spec: {"path_entropy_nats": steps, "path_entropy_excess_nats": 0.5}))
    assert verdict.standing == standing


def test_collapse_is_told_where_it_is(found):
    def numbers(spec: Any) -> dict[str, Any]:
        if spec.variant == "ae":
            return {"rate_nats": None, "elbo_nats": None}
        gone = spec.scalars["beta"] == 4.0
        return {"active_units": 0.0 if gone else float(spec.latent_dim), "kl_by_dimension_nats": (0.0, 0.1)}

    verdict = one(latent_space.collapse, found(numbers))
    assert verdict.answer.startswith("3 of 6 configurations leave units unused; wholly collapsed: VAE β=4 z = 2,")
    none = one(latent_space.collapse, found(lambda spec: {"active_units": float(spec.latent_dim)}))
    assert none.answer == "Nowhere: all units are active in all 6 configurations."


def test_prior_samples_are_not_judged_without_real_ones(found):
    assert one(samples.prior_samples_without_a_prior, found(lambda spec: {"prior_recognisable": 0.1})) is None


def test_questions_without_numbers_have_no_verdict(found):
    bare = found(lambda spec: {"silhouette": None, "active_units": None})
    questions = (
        separation.better_than_the_baseline,
        samples.prior_samples_without_a_prior,
        samples.why_samples_look_primitive,
        samples.centroids,
        samples.midpoints,
        latent_space.pictures,
        latent_space.worst_classes,
    )
    assert [list(question(bare)) for question in questions] == [[]] * len(questions)
