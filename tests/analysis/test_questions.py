"""What made-up runs answer to the studies' questions: as found, whichever way it goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from asked import SEEDS, one

from aebench.analysis.questions import separation, settings

RNG = np.random.default_rng(0)
IMAGES = 40


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


def test_what_else_of_training_varies_is_named(found):
    trained = found(lambda spec: {}, latent_dim="[2]", beta="[1.0]", more='schedule = "cosine"\nadam_epsilon = 1e-4')
    assert [trained.place(item) for item in trained.board] == [
        "z = 2 (schedule constant, adam beta_1=0.9 beta_2=0.999 epsilon=1e-08)",
        "z = 2 (schedule cosine, adam beta_1=0.9 beta_2=0.999 epsilon=0.0001)",
    ]


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
