"""The classifier that judges samples: how right, how sure, of what, and that it is trained once."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from aebench import data
from aebench.backends.weights import get_weights
from aebench.data import Dataset, Split
from aebench.measures.samples import classifier_training as training
from aebench.measures.samples.classifier import ambiguous, classifier, entropy, path, recognisable, sample_labels

NAMES = tuple("0123456789")


@cache
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def of_digits():
    return classifier(digits())


def stripes(count, shape=(12, 9, 3), labels=True, digest="stripes"):
    """Colour images of three classes, told by where a bright band is."""
    rng = np.random.default_rng(count)

    def split(size):
        classes = rng.integers(0, 3, size)
        images = rng.integers(0, 60, (size, *shape))
        for image, which in zip(images, classes, strict=True):
            image[4 * which : 4 * which + 3] += 150
        return Split(images=images.astype("uint8"), labels=classes if labels else None, maximum=255.0)

    return Dataset(
        name="stripes",
        digest=digest,
        train=split(count),
        validation=split(40),
        test=split(60),
        class_names=("top", "middle", "bottom") if labels else None,
        source="made up",
        split_rule="made up",
    )


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A cache of its own, and a clean memory before and after."""
    monkeypatch.setenv("AEBENCH_CACHE", str(tmp_path))
    classifier.cache_clear()
    yield tmp_path
    classifier.cache_clear()


def test_digits_are_told_apart_as_accurately_as_is_stated(of_digits):
    test = digits().test
    found = of_digits.probabilities(test.pixels()).argmax(axis=1)
    accuracy = np.mean(found == test.labels)
    assert accuracy >= 0.96
    # but for images whose two likeliest classes rounding may exchange: another program named them
    first, second = np.sort(of_digits.probabilities(test.pixels()))[:, :-3:-1].T
    assert of_digits.test_accuracy == pytest.approx(accuracy, abs=np.mean(first - second < 1e-3) + 1e-9)


def test_what_it_recognises_it_is_right_about_and_noise_is_not_recognised(of_digits):
    pixels, labels = digits().test.pixels(), digits().test.labels
    probabilities = of_digits.probabilities(pixels)
    sure = recognisable(probabilities)
    assert sure.mean() > 0.9
    assert (probabilities.argmax(axis=1) == labels)[sure].mean() > 0.98
    assert ambiguous(probabilities).mean() < 0.05
    rng = np.random.default_rng(5)
    for noise in (rng.random(pixels.shape), rng.permuted(pixels.reshape(len(pixels), -1), axis=1)):
        images = noise.reshape(pixels.shape).astype("float32")
        assert recognisable(of_digits.probabilities(images)).mean() < 0.1


def test_an_image_is_judged_alike_in_any_company(of_digits):
    pixels = np.concatenate([digits().train.pixels()] * 2)
    features, probabilities = of_digits.judge(pixels)
    assert features.shape == (2514, training.FEATURES)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
    for some in (slice(0, 3), slice(998, 1003), slice(2510, 2514)):
        np.testing.assert_allclose(of_digits.probabilities(pixels[some]), probabilities[some], atol=1e-5)
        # Sums off by u times their terms without signs put features off by 3e-6 at the most; they are over 144 numbers.
        np.testing.assert_allclose(of_digits.features(pixels[some]), features[some], atol=144 * 3e-6)
    assert of_digits.probabilities(pixels[:0]).shape == (0, 10)


def test_colour_images_of_any_size_are_learnt(fresh, monkeypatch):
    monkeypatch.setattr(training, "MOST_EPOCHS", 8)
    made = classifier(stripes(300))
    assert made.class_names == ("top", "middle", "bottom")
    assert made.test_accuracy > 0.95


def test_it_is_trained_once_and_read_afterwards(fresh, monkeypatch):
    monkeypatch.setattr(training, "MOST_EPOCHS", 1)
    dataset = stripes(120)
    made = classifier(dataset)
    assert path(dataset).is_relative_to(fresh)
    classifier.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(training, "trained", lambda *_: pytest.fail("trained again"))
        read = classifier(dataset)
    assert (read.test_accuracy, read.temperature) == (made.test_accuracy, made.temperature)
    pixels = dataset.test.pixels()
    np.testing.assert_array_equal(read.probabilities(pixels), made.probabilities(pixels))


@pytest.mark.parametrize("damage", ["npz", "json", "version"])
def test_a_damaged_or_outdated_cache_is_made_anew(fresh, monkeypatch, damage):
    made = []
    monkeypatch.setattr(training, "trained", lambda split, classes: made.append(1) or training.network((12, 9, 3), 3))
    monkeypatch.setattr(training, "temperature", lambda *_: 1.0)
    monkeypatch.setattr(training, "accuracy", lambda *_: 0.5)
    dataset = stripes(10)
    classifier(dataset)
    where = path(dataset) if damage == "npz" else path(dataset).with_suffix(".json")
    whole = where.read_bytes()
    where.write_bytes(whole.replace(b'"version": ', b'"version": 9') if damage == "version" else whole[:40])
    classifier.cache_clear()
    assert classifier(dataset).test_accuracy == 0.5
    assert len(made) == 2
    assert where.read_bytes()[:40] == whole[:40]


def test_training_is_the_same_every_time_and_changes_every_weight(monkeypatch):
    monkeypatch.setattr(training, "MOST_EPOCHS", 1)
    split = stripes(64).train
    first, second = (get_weights(training.trained(split, 3)) for _ in range(2))
    before = get_weights(training.network((12, 9, 3), 3))
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, atol=1e-6)
        assert np.abs(array - before[name]).max() > 1e-4, name


def test_other_images_have_another_classifier(fresh):
    assert path(stripes(10)) != path(stripes(10, digest="other"))


def test_without_labels_or_with_one_class_there_is_none(fresh):
    assert classifier(stripes(30, labels=False)) is None
    assert classifier(replace(stripes(30, digest="one"), class_names=("all",))) is None


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, 2.0, (4000, 5))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((4000, 1)) < chances.cumsum(axis=1)).argmax(axis=1)
    split = Split(images=np.zeros((4000, 2, 2, 1), "uint8"), labels=labels, maximum=1.0)

    class Told:
        def __init__(self, factor):
            self.factor = factor

        def predict(self, images, **_):
            return self.factor * logits

    for factor in (0.5, 1.0, 3.0):
        assert training.temperature(Told(factor), split) == pytest.approx(factor, rel=0.08)
    assert training.accuracy(Told(1.0), split) == pytest.approx(np.mean(logits.argmax(axis=1) == labels))


def test_outliers_have_each_pixels_values_and_no_structure():
    pixels = np.repeat(np.random.default_rng(0).random((500, 1, 1, 1)), 9, axis=1).astype("float32")
    made = training.outliers(pixels, 400, np.random.default_rng(1)).reshape(400, 9)
    assert set(made.ravel()) <= set(pixels.ravel())
    assert abs(np.corrcoef(made.T)[0, 1]) < 0.2  # in every real image all pixels are equal


@pytest.mark.parametrize(
    ("probabilities", "label"),
    [
        ({7: 0.95}, "7"),
        ({7: 0.6}, "7"),
        ({1: 0.3, 7: 0.6}, "7/1"),
        ({1: 0.5, 7: 0.4}, "1/7"),
        ({1: 0.2, 7: 0.8}, "7/1"),
        ({1: 0.19, 7: 0.8}, "7"),
        ({1: 0.3, 7: 0.35, 9: 0.3}, "?"),
        ({7: 0.3}, "?"),
        ({}, "?"),
    ],
)
def test_label_names_one_class_or_two_or_none(probabilities, label):
    row = np.full(10, (1.0 - sum(probabilities.values())) / (10 - len(probabilities)))
    row[list(probabilities)] = list(probabilities.values())
    assert sample_labels(row[None], NAMES) == [label]
    assert ambiguous(row[None])[0] == ("/" in label)
    assert recognisable(row[None])[0] == (max(probabilities.values(), default=0) >= 0.9)


def test_entropy_is_that_of_known_distributions():
    rows = np.array([np.full(10, 0.1), np.eye(10)[3], [0.5, 0.5, *np.zeros(8)]])
    np.testing.assert_allclose(entropy(rows), [math.log(10), 0.0, math.log(2)], atol=1e-12)
