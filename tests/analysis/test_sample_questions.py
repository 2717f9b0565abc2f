"""What made-up runs answer about samples, latent pictures and collapse: as found, whichever way it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from asked import one

from aebench.analysis.questions import latent_space, samples, separation

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("prior", "mixture", "standing", "words"),
    [
        (0.1, 0.8, "confirmed", "They don't at z = 2, 4 and 8"),
        (0.9, 0.9, "refuted", "is not needed for that: it changes the share that is recognised by +0.00."),
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
