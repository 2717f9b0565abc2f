"""The one rule for binarisation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aebench.data import Dataset, Split
from aebench.data import pixels as inputs


@pytest.fixture
def dataset():
    rng = np.random.default_rng(0)
    splits = {
        name: Split(images=rng.integers(0, 256, (n, 5, 5, 1), dtype="uint8"), labels=None, maximum=255.0)
        for name, n in (("train", 40), ("validation", 10), ("test", 2000))
    }
    return Dataset(name="toy", digest="0", class_names=None, source="", split_rule="", **splits)


def test_bernoulli_sees_one_fixed_sample_of_the_grey_test_pixels(dataset):
    first = inputs.prepare(dataset, "bernoulli", "train")
    again = inputs.prepare(dataset, "bernoulli", "train+validation")
    assert set(np.unique(first.test).tolist()) == {0.0, 1.0}
    np.testing.assert_array_equal(first.test, again.test)
    np.testing.assert_allclose(first.test.mean(), first.grey_test.mean(), atol=5 * 0.5 / np.sqrt(first.test.size))
    correlation = np.corrcoef(first.test.ravel(), first.grey_test.ravel())[0, 1]
    assert correlation > 0.5, "each pixel is on with its own probability"
    assert (first.validation != first.test[:10]).any(), "splits have streams of their own"


def test_training_pixels_stay_grey_and_are_resampled(dataset):
    prepared = inputs.prepare(dataset, "bernoulli", "train")
    assert prepared.resample
    np.testing.assert_allclose(prepared.train, dataset.train.pixels())


@pytest.mark.parametrize("likelihood", ["gaussian", "continuous_bernoulli"])
def test_other_likelihoods_see_grey(dataset, likelihood):
    prepared = inputs.prepare(dataset, likelihood, "train")
    assert not prepared.resample
    np.testing.assert_array_equal(prepared.test, dataset.test.pixels())


def test_train_on_both(dataset):
    assert len(inputs.prepare(dataset, "gaussian", "train+validation").train) == 50
    assert len(inputs.prepare(dataset, "gaussian", "train").train) == 40


def test_pixels_that_are_0_or_1_are_kept():
    binary = (np.random.default_rng(1).random((30, 4)) > 0.5).astype("float32")
    np.testing.assert_array_equal(inputs.binarise(binary, "test"), binary)


def test_pixels_are_made_once_and_shared(dataset):
    binary, grey = (inputs.prepare(dataset, likelihood, "train") for likelihood in ("bernoulli", "gaussian"))
    assert inputs.prepare(dataset, "bernoulli", "train") is binary
    assert binary.train is grey.train


def test_what_measures_see_of_the_training_images_is_fixed_and_of_the_models_kind(dataset):
    binary, grey = (inputs.prepare(dataset, likelihood, "train") for likelihood in ("bernoulli", "gaussian"))
    np.testing.assert_array_equal(binary.seen_train, inputs.binarise(dataset.train.pixels(), "train"))
    assert grey.seen_train is grey.train


def test_training_labels_follow_the_training_images(dataset):
    labels = {name: np.arange(len(split)) % 3 for name, split in dataset.splits().items()}
    splits = {name: replace(split, labels=labels[name]) for name, split in dataset.splits().items()}
    labelled = replace(dataset, digest="labelled", **splits)
    both = inputs.prepare(labelled, "gaussian", "train+validation").train_labels
    np.testing.assert_array_equal(both, np.concatenate([labels["train"], labels["validation"]]))
    np.testing.assert_array_equal(inputs.prepare(labelled, "gaussian", "train").train_labels, labels["train"])
    assert inputs.prepare(dataset, "gaussian", "train").train_labels is None


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_a_class_that_is_left_out_stays_in_the_test_split_alone(dataset, likelihood):
    splits = {name: replace(split, labels=np.arange(len(split)) % 3) for name, split in dataset.splits().items()}
    labelled = replace(dataset, digest="left out", **splits)
    whole = inputs.prepare(labelled, likelihood, "train+validation")
    found = inputs.prepare(labelled, likelihood, "train+validation", 1)
    assert set(found.train_labels.tolist()) == set(found.validation_labels.tolist()) == {0, 2}
    np.testing.assert_array_equal(found.train, whole.train[whole.train_labels != 1])
    np.testing.assert_array_equal(found.test, whole.test)
    assert len(found.unseen_validation) == (splits["validation"].labels == 1).sum()
    if likelihood == "gaussian":
        np.testing.assert_array_equal(found.unseen_validation, whole.validation[splits["validation"].labels == 1])
    assert (found.unseen_class, whole.unseen_class) == (1, None)
