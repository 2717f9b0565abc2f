"""Scores of samples: known images in the place of samples, companions, and models that generate nothing of use."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from aebench.backends.weights import get_weights
from aebench.data.pixels import Inputs
from aebench.measures.evaluator import Evaluator
from aebench.measures.samples import family as declared
from aebench.measures.samples import judged as module
from aebench.measures.samples.judged import NOTHING, Samples, steepness
from aebench.models import AE, VAE

SIDE = 4


class Quadrants:
    """A classifier by hand: a class is the quarter that holds the light."""

    test_accuracy = 0.75

    def judge(self, images):
        quarters = images.reshape(len(images), 2, 2, 2, 2).sum(axis=(2, 4)).reshape(len(images), 4) + 1e-9
        return quarters, (quarters / quarters.sum(axis=1, keepdims=True)).astype("float32")

    def features(self, images):
        return self.judge(images)[0]

    def probabilities(self, images):
        return self.judge(images)[1]


class Identity:
    """A model by hand whose code is the image; its prior hands out images that it is given."""

    def __init__(self, prior):
        self.prior = prior

    def load(self, weights, images=None):
        return len(weights)

    def draw(self, runs, images, count):
        return None, np.repeat(self.prior[None, :count], runs, axis=0)

    def decoded(self, runs, codes):
        return codes.reshape(*codes.shape[:2], SIDE, SIDE, 1)


def images(count, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    made = 0.002 * rng.random((count, SIDE, SIDE))
    for image, label in zip(made, labels, strict=True):
        row, column = 2 * (label // 2), 2 * (label % 2)
        image[row : row + 2, column : column + 2] = rng.uniform(0.4, 1.0, (2, 2))
    return made[..., None].astype("float32"), labels


def inputs(train=300, test=200):
    (grey, train_labels), (grey_test, labels) = images(train, 0), images(test, 1)
    return Inputs(
        train=grey,
        validation=grey_test,
        test=grey_test,
        grey_test=grey_test,
        resample=False,
        labels=labels,
        class_names=("a", "b", "c", "d"),
        train_labels=train_labels,
        grey_validation=grey_test,
    )


def flat(array):
    return array.reshape(1, len(array), -1)


def of_identity(prior=None, data=None, classifier=None):
    data = data or inputs()
    prior = data.grey_test if prior is None else prior
    scorer = Samples(data, classifier or Quadrants())
    evaluator = Identity(prior.reshape(len(prior), -1))
    return scorer.score(evaluator, [{}], flat(data.train), flat(data.test))[0]


def test_every_declared_number_is_there_and_no_other():
    found = of_identity()
    assert set(found.numbers) == set(declared.FAMILY.metrics)
    assert set(found.profiles) == set(declared.FAMILY.profiles)
    assert all(math.isfinite(value) for value in found.numbers.values())


def test_real_images_in_the_place_of_samples_are_perfect():
    numbers = of_identity().numbers
    assert numbers["prior_frechet_distance"] == pytest.approx(0.0, abs=1e-6)
    assert numbers["prior_frechet_distance_validation"] == pytest.approx(0.0, abs=1e-6)
    for name in ("precision", "recall", "coverage", "sharpness"):
        assert numbers[f"prior_{name}"] == pytest.approx(1.0), name
    for name in ("recognisable", "ambiguous", "entropy_nats", "class_entropy_nats"):
        assert numbers[f"prior_{name}"] == pytest.approx(numbers[f"test_{name}"]), name
    assert numbers["prior_class_entropy_nats"] == pytest.approx(math.log(4), abs=0.02)
    assert numbers["classifier_accuracy"] == 0.75


def test_blank_mixed_and_one_class_samples_are_told_apart():
    data = inputs()
    blank = of_identity(np.full_like(data.grey_test, 0.5)).numbers
    assert (blank["prior_recognisable"], blank["prior_sharpness"], blank["prior_coverage"]) == (0.0, 0.0, 0.0)
    assert blank["prior_entropy_nats"] == pytest.approx(math.log(4))

    one = data.grey_test[np.repeat(np.flatnonzero(data.labels == 2)[:1], 200)]
    numbers = of_identity(one).numbers
    assert numbers["prior_recognisable"] == 1.0
    assert numbers["prior_class_entropy_nats"] < 0.3
    assert numbers["prior_coverage"] < 0.2
    assert numbers["prior_recall"] < 0.05

    pairs = np.zeros_like(data.grey_test)
    pairs[:, :2] = 0.5  # two quarters alike
    numbers = of_identity(pairs).numbers
    assert numbers["prior_ambiguous"] == 1.0
    assert numbers["prior_entropy_nats"] == pytest.approx(math.log(2), abs=1e-4)


def test_what_the_mixture_draws_looks_like_the_training_codes_it_was_fitted_to():
    data = inputs()
    found = of_identity(np.zeros_like(data.grey_test)).numbers
    assert found["prior_recognisable"] == 0.0
    assert found["mixture_recognisable"] > 0.9
    assert found["mixture_class_entropy_nats"] == pytest.approx(math.log(4), abs=0.05)
    worse = replace(data, train=1.0 - data.train)
    assert of_identity(data=worse).numbers["mixture_recognisable"] == 0.0


def test_centroids_and_paths_of_an_identity_are_those_of_pixels():
    found = of_identity()
    for name in ("centroid_recognised", "centroid_confidence", "centroid_sharpness", *declared.PATHS):
        assert found.numbers[name] == pytest.approx(found.numbers[f"{name}_pixels"], abs=1e-6), name
    np.testing.assert_allclose(*found.profiles.values(), atol=1e-5)
    assert found.numbers["centroid_recognised"] == 1.0
    assert found.numbers["centroid_mean_correlation"] == pytest.approx(1.0)
    means = [inputs().grey_test[inputs().labels == label].mean(axis=0) for label in range(4)]
    np.testing.assert_allclose(found.centroid_images / 255.0, means, atol=0.6 / 255)


def test_straight_paths_between_two_sure_images_are_most_ambiguous_half_way():
    numbers, profile = of_identity().numbers, of_identity().profiles["path_entropy_nats"]
    assert len(profile) == 11
    assert max(profile) == profile[5] == pytest.approx(math.log(2), abs=0.1)
    assert numbers["path_entropy_excess_nats"] == pytest.approx(profile[5] - (profile[0] + profile[10]) / 2, abs=1e-6)
    assert numbers["path_peaks_at_midpoint"] > 0.7


def test_pairs_are_of_different_classes_and_always_the_same():
    scorer = Samples(inputs(), Quadrants())
    first, second = scorer._pairs
    assert len(first) == module.PAIRS
    assert (scorer.inputs.labels[first] != scorer.inputs.labels[second]).all()
    np.testing.assert_array_equal(first, Samples(inputs(), Quadrants())._pairs[0])


def test_more_components_are_a_better_baseline():
    scorer = Samples(inputs(), Quadrants())
    few, all_of_them = (scorer.baseline(size)["pca_mixture_frechet_distance"] for size in (1, 16))
    assert all_of_them < 0.3 * few
    assert scorer.baseline(99)["pca_mixture_frechet_distance"] == pytest.approx(all_of_them)


def network(cls, latent_dim=3, seed=0):
    data = inputs()
    model = cls(latent_dim, network="mlp-256", likelihood="gaussian", seed=seed)
    model.adapt(data.train)
    return model, get_weights(model)


def scored(cls, members, latent_dim=3, scorer=None):
    model, _ = network(cls, latent_dim)
    evaluator, data = Evaluator(model), inputs()
    runs = evaluator.load(members)
    codes = [evaluator.representations(runs, each) for each in (data.train, data.test)]
    return (scorer or Samples(data, Quadrants())).score(evaluator, members, *codes)


def moved(weights, seed):
    rng = np.random.default_rng(seed)
    return {
        name: (array + rng.normal(0, 0.1, array.shape)).astype("float32") if array.ndim else array
        for name, array in weights.items()
    }


def assert_same(one, other):
    """For models in float64: there is no count of images that rounding could change."""
    assert one.numbers == pytest.approx(other.numbers, rel=1e-4, abs=1e-4)
    assert np.abs(one.centroid_images.astype(int) - other.centroid_images).max() <= 1


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("cls", [AE, VAE])
def test_a_run_alone_in_company_and_in_parts_has_the_same_numbers(cls, monkeypatch):
    members = [moved(network(cls)[1], seed) for seed in range(3)]
    scorer = Samples(inputs(), Quadrants())
    together = scored(cls, members, scorer=scorer)
    for run, own in enumerate(members):
        assert_same(scored(cls, [own], scorer=scorer)[0], together[run])
    monkeypatch.setattr(module, "MOST_PIXELS", 1)
    for apart, run in zip(scored(cls, members, scorer=scorer), together, strict=True):
        assert_same(apart, run)
    assert together[0].numbers["prior_sharpness"] != together[1].numbers["prior_sharpness"]
    assert together[0].numbers["train_density"] == together[1].numbers["train_density"]


@pytest.mark.usefixtures("in_float64")
def test_a_run_that_is_not_finite_has_no_numbers_and_spoils_no_other():
    good = moved(network(VAE)[1], 1)
    broken = {name: np.full_like(array, np.nan) for name, array in good.items()}
    found = scored(VAE, [broken, good])
    assert found[0] == NOTHING
    assert_same(found[1], scored(VAE, [good])[0])
    assert scored(VAE, [broken]) == [NOTHING]


@pytest.mark.parametrize("latent_dim", [1, 2])
@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
def test_a_collapsed_model_covers_nothing(latent_dim):
    _, weights = network(AE, latent_dim)
    dead = {name: np.zeros_like(array) if array.ndim else array for name, array in weights.items()}
    numbers = scored(AE, [dead], latent_dim)[0].numbers
    assert numbers["prior_frechet_distance"] == pytest.approx(numbers["mixture_frechet_distance"])
    assert numbers["prior_recall"] == numbers["mixture_recall"] == 0.0
    assert numbers["path_entropy_excess_nats"] == pytest.approx(0.0, abs=1e-6)
    assert all(math.isfinite(value) for value in numbers.values())


def test_too_few_images_and_a_single_class_do_no_harm():
    assert of_identity(data=inputs(test=5)) == NOTHING
    data = inputs()
    found = of_identity(data=replace(data, labels=np.zeros_like(data.labels)))
    assert found.numbers["path_peaks_at_midpoint"] is None
    assert found.profiles == {}
    assert found.centroid_images.shape == (1, SIDE, SIDE, 1)
    assert of_identity(data=inputs(test=6)).numbers["prior_precision"] == 1.0


def test_steepness_falls_with_contrast_and_blur_and_tells_edges_of_equal_height():
    sharp = np.zeros((1, 8, 8, 1), "float32")
    sharp[:, :, 4:] = 1.0
    ramp = np.broadcast_to(np.linspace(0, 1, 8)[None, None, :, None], sharp.shape).astype("float32")
    assert steepness(sharp) == pytest.approx(math.sqrt(1 / 7))
    assert steepness(0.5 * sharp) == pytest.approx(0.5 * steepness(sharp))
    assert steepness(ramp) == pytest.approx(1 / 7)
    assert steepness(np.concatenate([sharp, ramp])) == pytest.approx((math.sqrt(1 / 7) + 1 / 7) / 2)


def test_samples_are_no_more_than_images_or_the_cap(monkeypatch):
    assert Samples(inputs(train=50, test=80), SimpleNamespace()).count == 50
    monkeypatch.setattr(module, "MOST_SAMPLES", 30)
    assert Samples(inputs(), SimpleNamespace()).count == 30
