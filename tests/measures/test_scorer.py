"""Scores of a cohort: alone and in company the same, known references, one trace a program."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import rounding
from scored import Brightness, assert_same, cohort, member, pixels, scorer_like, scorer_of, scores
from sklearn.metrics import silhouette_score

from aebench.backends.weights import get_weights, set_weights
from aebench.data.pixels import binarise
from aebench.measures import FAMILIES, METRICS, PROFILES, components, diagnostics, kept_arrays, levels, training_split
from aebench.measures.classes import references
from aebench.measures.context import Member
from aebench.measures.evaluator import Evaluator
from aebench.measures.factors import family as factors
from aebench.measures.factors import information
from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.measures.scorer import Scorer
from aebench.models import VAE
from aebench.records.record import Factor


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("network", ["mlp-256", "conv"])
@pytest.mark.parametrize("name", ["AE", "VAE"])
def test_alone_in_company_and_in_groups_the_same(name, network, monkeypatch):
    scorer, members = cohort(name, network)
    members = members[: 5 if network == "mlp-256" else 2]  # convolutions take long
    together = scores(name, len(members), network)
    alone = [*scores(name, 1, network), *(scorer.score([each])[0] for each in members[1:])]
    widest = 90 * 256
    monkeypatch.setattr("aebench.measures.programs.MOST_ELEMENTS", dict.fromkeys(("CPU", "GPU"), 2 * widest))
    grouped = scorer_like(scorer, scorer.inputs, Brightness()).score(members)
    for run, others in enumerate(zip(together, alone, grouped, strict=True)):
        assert_same(others[0], others[1])
        assert_same(others[0], others[2])
        assert ("figures" in others[0].arrays) == members[run].pictured
    assert len({score.metrics.get("recon_nats") for score in together}) == len(members)


@pytest.mark.usefixtures("in_float64")
def test_numbers_are_those_of_the_trained_weights_and_references_of_the_data():
    scorer, members = cohort("VAE")
    (score,), data = scores("VAE", 1), scorer.inputs

    def encode(weights, images):
        return scorer.evaluator.representations(scorer.evaluator.load([weights]), images)[0]

    metrics, codes = score.metrics, encode(members[0].weights, data.test)
    np.testing.assert_allclose(score.arrays["latents"]["mean"], codes, rtol=1e-5, atol=1e-6)
    assert metrics.get("elbo_nats") == pytest.approx(-(metrics.get("distortion_nats") + metrics.get("rate_nats")))
    assert metrics.get("parameters") == scorer.evaluator.model.count_params() - 1  # β is not trained
    on_components = components.principal_components(binarise(data.train, "train"), data.test, 3)
    expected = {
        "silhouette": codes,
        "silhouette_grey": encode(members[0].weights, data.grey_test),
        "silhouette_untrained": encode(members[0].initial, data.test),
        "silhouette_pca": on_components,
        "silhouette_pixels": data.test.reshape(90, -1),
    }
    for name, points in expected.items():
        found, bound = silhouette_score(points, data.labels), rounding.silhouettes(points, data.labels, rounding.U)
        assert metrics[name] == pytest.approx(found, abs=bound.mean()), name
    assert len({round(metrics[name], 6) for name in expected}) == 5


@pytest.mark.usefixtures("in_float64")
def test_choices_look_at_the_validation_split():
    scorer, members = cohort("VAE")
    metrics, data = scores("VAE", 1)[0].metrics, scorer.inputs
    codes = scorer.evaluator.representations(scorer.evaluator.load([members[0].weights]), data.validation)[0]
    known, bound = silhouette_score(codes, data.validation_labels), rounding.silhouettes(codes, data.validation_labels)
    assert metrics["silhouette_validation"] == pytest.approx(known, abs=bound.mean())
    assert metrics["silhouette_validation"] != metrics["silhouette"]
    assert metrics["prior_frechet_distance_validation"] != metrics["prior_frechet_distance"]
    as_test = replace(data, grey_validation=data.grey_test)  # of as many images: then they must agree
    same = scorer_like(scorer, as_test, Brightness()).score(members[:1])[0].metrics
    assert same["prior_frechet_distance_validation"] == pytest.approx(metrics["prior_frechet_distance"])


def test_every_declared_number_of_a_vae_is_there():
    """But those of the ELBO on training data and of real outliers, which have to be asked for, of the training, which
    the run adds, of factors, which these images don't have, of a hundred labels a class, of bytes, whose likelihood
    this isn't, and what other variants tell of themselves.
    """
    (score,) = scores("VAE", 1)
    absent = {"elbo_train_nats", "ppca_train_nats", "train_seconds", "train_images_per_s", *diagnostics.FAMILY.metrics}
    absent |= {name for name in METRICS if name.startswith("few_labels_accuracy_100")}
    others = [factors.FAMILY, levels.FAMILY, *(family for family in FAMILIES if family.on_request)]
    assert METRICS.keys() - score.metrics.keys() == absent.union(*(family.metrics for family in others))
    assert PROFILES.keys() - score.profiles.keys() == {name for family in others for name in family.profiles}
    assert len(score.profiles["kl_by_dimension_nats"]) == len(score.profiles["silhouette_by_class"]) == 3
    labels = score.arrays["figures"]["prior_sample_labels"].tolist()
    assert len(labels) == 25
    assert {letter for label in labels for letter in label.split("/")} <= {"a", "b", "c", "?"}


def test_factors_are_measured_of_each_run_and_its_references():
    scorer, members = cohort("VAE")
    values = np.stack([np.arange(90) % 3, np.arange(90) % 5], axis=1).astype(float)
    known = (Factor(name="a", kind="categorical", levels=3), Factor(name="b", kind="ordered", levels=5))
    inputs = replace(scorer.inputs, factors=known, factor_values=values, train_factor_values=values)
    fresh = Scorer(scorer.evaluator.model, inputs, scorer.settings, None, families=[factors.FAMILY])
    scores = fresh.score(members[:2])
    for score, each in zip(scores, members, strict=False):
        assert factors.FAMILY.metrics.keys() - score.metrics.keys() <= {
            f"dci_explicitness{end}" for end in ("", "_pca", "_untrained")
        }
        assert {name: len(value) for name, value in score.profiles.items()} == dict.fromkeys(factors.FAMILY.profiles, 2)
        codes = scorer.evaluator.representations(scorer.evaluator.load([each.weights]), inputs.test)[0]
        alone = information.mutual_information(codes, values.astype(int))
        gaps = information.information_gaps(alone, information.entropies(values.astype(int)))
        assert score.metrics["mig"] == pytest.approx(gaps.mean(), abs=0.02)  # an image at a part's edge may change it
    one, other = (score.metrics for score in scores)
    assert one["mig_pca"] == other["mig_pca"]
    assert one["mig_pca"] != one["mig"] != one["mig_untrained"] != other["mig_untrained"]


def test_kept_values_of_single_images_have_the_metrics_for_their_means_and_spreads():
    (score,) = scores("VAE", 1)
    kept = {metric: kept_arrays(metric) for metric in METRICS}
    uses = {name for family in FAMILIES if family.group == "uses" for name in family.metrics}
    assert sum(bool(parts) for metric, parts in kept.items() if metric not in uses) == 7
    assert all(parts in ((), ((metric, 1.0),)) for metric, parts in kept.items() if metric in uses)
    for metric, parts in kept.items():
        if not parts or metric not in score.metrics:  # there are not as many labels, nor other sets
            continue
        values = sum(sign * score.arrays["latents"][name].astype("float64") for name, sign in parts)
        assert values.mean() == pytest.approx(score.metrics[metric], rel=1e-4, abs=1e-5), metric
        assert values.std() == pytest.approx(score.image_sd[metric], rel=1e-4, abs=1e-5), metric
    assert score.image_sd.keys() == {name for name, parts in kept.items() if parts} & score.metrics.keys()


def test_the_bound_by_many_codes_is_above_the_elbo():
    for score in scores("VAE"):
        assert score.metrics["nll_nats"] < -score.metrics["elbo_nats"]
        assert score.metrics["nll_codes"] == 64.0


def test_the_elbo_of_the_training_images_is_taken_where_it_is_asked_for():
    model, one = member(VAE, 0, network="linear", likelihood="gaussian", beta=1.0)
    inputs = pixels(resample=False)
    scorer = scorer_of(model, inputs, train_elbo_draws=50)
    metrics = scorer.score([one])[0].metrics
    assert metrics["ppca_train_nats"] == pytest.approx(training_split.probabilistic_pca(inputs.train, 3))
    assert metrics["elbo_train_nats"] < metrics["ppca_train_nats"]
    same = scorer_like(scorer, replace(inputs, test=inputs.train)).score([one])[0].metrics
    assert metrics["elbo_train_nats"] == pytest.approx(same["elbo_nats"], abs=0.5)
    assert "elbo_train_nats" not in same


def test_autoencoder_has_neither_elbo_nor_rate():
    score = scores("AE")[1]
    assert score.metrics.get("elbo_nats") is score.metrics.get("rate_nats") is None
    assert score.metrics.get("distortion_nats") == pytest.approx(score.metrics.get("recon_nats"))
    assert not {"rate", "nll"} & set(score.arrays["latents"])
    assert not {"nll_nats", "mutual_information_nats"} & set(score.metrics)


def test_without_labels_there_is_no_silhouette():
    scorer, members = cohort("VAE")
    score = scorer_like(scorer, pixels(labels=False)).score(members[:1])[0]
    assert score.metrics.get("silhouette") is score.metrics.get("silhouette_pixels") is None
    assert score.metrics.get("elbo_nats") is not None
    assert not any(name.endswith("by_class") for name in score.profiles)


def test_grey_input_is_the_input_where_pixels_stay_grey():
    model, one = member(VAE, 0, beta=1.0, likelihood="continuous_bernoulli")
    metrics = scorer_of(model, pixels(resample=False)).score([one])[0].metrics
    assert metrics.get("silhouette") == metrics.get("silhouette_grey")
    assert metrics.get("silhouette") != metrics.get("silhouette_untrained")


@pytest.mark.usefixtures("in_float64")
def test_one_bad_member_spoils_no_other():
    scorer, members = cohort("VAE")
    broken = {name: np.full_like(array, np.nan) for name, array in members[1].weights.items()}
    spoiled = Member(weights=broken, initial=members[1].initial, pictured=True)
    found = scorer.score([members[2], spoiled])
    assert_same(found[0], scores("VAE")[2])
    assert found[1].metrics.get("silhouette") is found[1].metrics.get("elbo_nats") is None
    assert scorer.score([]) == []


def test_a_representation_is_judged_once(monkeypatch):
    """Five runs of three seeds: five codes, three untrained encoders, pixels and components.

    Encoders of one seed are known by their codes, which may round otherwise in another place of the cohort.
    """
    scorer, members = cohort("VAE")
    seen, real = [], references.class_structure
    monkeypatch.setattr(references, "class_structure", lambda *given: seen.append(1) or real(*given))
    fresh = scorer_like(scorer, pixels())
    initial = fresh.evaluator.load([each.initial for each in members], 90)
    untrained = {codes.tobytes() for codes in fresh.evaluator.representations(initial, fresh.inputs.test)}
    fresh.score(members)
    assert 3 <= len(untrained) < 5
    assert len(seen) == 5 + len(untrained) + 2
    fresh.score(members)
    assert len(seen) == 5 + len(untrained) + 2


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts TensorFlow's traces")
def test_each_program_is_traced_once_for_all_groups(monkeypatch):
    monkeypatch.setattr("aebench.measures.programs.MOST_ELEMENTS", {"CPU": 2 * 90 * 256, "GPU": 2 * 90 * 256})
    scorer, members = cohort("VAE")
    fresh = scorer_of(scorer.evaluator.model, scorer.inputs, Brightness())
    for _ in range(2):
        fresh.score(members)
    # Codes and posteriors are also taken of the validation and training images, of which there are other numbers, and
    # images are decoded of samples, of pictures' codes, of stored codes and of one at a time that is packed. Three are
    # what a VAE with three numbers in a code needs none of: weights of codes that images share; diagnostics, and
    # densities of another prior than N(0, I).
    programs = [value for value in vars(fresh.evaluator).values() if hasattr(value, "experimental_get_tracing_count")]
    assert [program.experimental_get_tracing_count() for program in programs] == [2, 4, 1, 2, 1, 0, 1, 1, 0, 0]


def test_groups_hold_every_run_and_repeat_the_last_one():
    scorer, members = cohort("VAE")
    evaluator = Evaluator(scorer.evaluator.model)
    runs = evaluator.load([each.weights for each in members])
    assert runs.count == 5
    assert sum(group[0].shape[0] for group in runs.groups) >= 5
    assert evaluator.representations(runs, scorer.inputs.test).shape == (5, 90, 3)


def test_a_number_that_its_family_does_not_declare_is_refused():
    scorer, members = cohort("AE")
    undeclared = Family(name="odd", group="cost", measure=lambda context: [Measured(numbers={"sparkle": 1.0})])
    fresh = Scorer(scorer.evaluator.model, scorer.inputs, scorer.settings, None, families=[undeclared])
    with pytest.raises(KeyError, match="the family 'odd' measured 'sparkle', which it does not declare"):
        fresh.score(members[:1])


def brightness(model, images):
    """Mean of each reconstruction."""
    return keras.ops.mean(model(images), axis=(1, 2, 3))


def test_a_measure_of_single_images_is_one_declaration():
    """Its values are kept under its name, and the number is their mean; each run's by its own weights."""
    scorer, members = cohort("VAE")
    metric = Metric(label="Brightness", unit="", better=None, about="mean of the reconstruction", of_images=brightness)
    family = Family(name="mine", group="cost", metrics={"brightness": metric})
    scores = Scorer(scorer.evaluator.model, scorer.inputs, scorer.settings, None, families=[family]).score(members)
    for score, each in zip(scores, members, strict=True):
        model = scorer.evaluator.model
        before = get_weights(model)
        set_weights(model, each.weights)
        expected = keras.ops.convert_to_numpy(brightness(model, scorer.inputs.test))
        set_weights(model, before)
        np.testing.assert_allclose(score.arrays["latents"]["brightness"], expected, rtol=1e-5)
        assert score.metrics == {"brightness": pytest.approx(expected.mean(), rel=1e-5)}
    assert len({score.metrics["brightness"] for score in scores}) == len(members)
