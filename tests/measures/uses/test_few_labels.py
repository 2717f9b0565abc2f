"""Classification from few labels: scikit-learn's discriminant, limits, chance, invariances, the same draws for all."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier

from aebench.measures.uses.discriminant import PRIOR_SHARE, label_draws, predicted

CLASSES = 5


def blobs(count=600, dimension=4, apart=3.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % CLASSES)
    centres = apart * np.random.default_rng(7).normal(size=(CLASSES, dimension))
    return centres[labels] + rng.normal(size=(count, dimension)), labels


class Shrunk(BaseEstimator):
    """A class's covariance beside an isotropic prior, as scikit-learn's discriminant takes it."""

    def __init__(self, prior=0.0):
        self.prior = prior

    def fit(self, points):
        self.covariance_ = np.cov(points.T, bias=True) + self.prior * np.eye(points.shape[1])
        return self


@pytest.mark.parametrize("each", [2, 10, 60])
def test_a_draw_is_classified_as_scikit_learn_s_discriminant_does_with_the_same_covariance(each):
    (train, labels), (test, _) = blobs(apart=1.0), blobs(apart=1.0, seed=1)
    draws = label_draws(labels, each, 3)
    prior = train.shape[1] * PRIOR_SHARE * train.var(axis=0).mean() / (each * CLASSES)
    for places, found in zip(draws, predicted(train, labels, draws, test), strict=True):
        oracle = LinearDiscriminantAnalysis(
            solver="lsqr", priors=[1 / CLASSES] * CLASSES, covariance_estimator=Shrunk(prior)
        )
        np.testing.assert_array_equal(found, oracle.fit(train[places], labels[places]).predict(test))


def test_one_label_a_class_makes_it_the_nearest_labelled_image():
    (train, labels), (test, _) = blobs(), blobs(seed=1)
    (places,) = draws = label_draws(labels, 1, 1)
    nearest = KNeighborsClassifier(1).fit(train[places], labels[places])
    np.testing.assert_array_equal(predicted(train, labels, draws, test)[0], nearest.predict(test))


def test_perfect_codes_are_all_right_and_codes_that_know_no_class_are_at_chance():
    labels = np.arange(2000) % CLASSES
    perfect, rng = np.eye(CLASSES)[labels], np.random.default_rng(0)
    for each in (1, 10, 100):
        draws = label_draws(labels, each, 20)
        assert (predicted(perfect, labels, draws, perfect) == labels).all()
        by_chance = predicted(rng.normal(size=(2000, 3)), labels, draws, rng.normal(size=(2000, 3))) == labels
        assert by_chance.mean() == pytest.approx(1 / CLASSES, abs=4 * np.sqrt(0.16 / 2000))


@pytest.mark.parametrize("kind", ["turned", "larger", "moved", "constant dimension"])
def test_what_changes_no_distance_changes_no_class(kind):
    (train, labels), (test, _) = blobs(apart=1.0), blobs(apart=1.0, seed=1)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0]
    change = {
        "turned": lambda points: points @ turn,
        "larger": lambda points: 1e20 * points,
        "moved": lambda points: points + 100.0,
        "constant dimension": lambda points: np.pad(points, ((0, 0), (0, 1)))
    }[kind]  # fmt: skip
    draws = label_draws(labels, 10, 5)
    found, plain = predicted(change(train), labels, draws, change(test)), predicted(train, labels, draws, test)
    # a constant dimension makes the prior stronger by one image and its variance smaller: not the same, much alike
    assert (found == plain).mean() >= (0.98 if kind == "constant dimension" else 0.999)


def test_collapsed_codes_are_at_chance_without_a_warning():
    labels = np.arange(500) % CLASSES
    flat = np.full((500, 3), 0.1, "float32")
    assert (predicted(flat, labels, label_draws(labels, 10, 3), flat) == labels).mean() == pytest.approx(1 / CLASSES)


def test_draws_hold_each_class_equally_never_an_image_twice_and_are_always_the_same():
    labels = np.random.default_rng(0).integers(0, 3, 100)
    draws = label_draws(labels, 7, 4)
    assert all(np.bincount(labels[places]).tolist() == [7, 7, 7] for places in draws)
    assert all(len(set(places.tolist())) == 21 for places in draws)
    assert len({tuple(places) for places in draws}) == 4
    np.testing.assert_array_equal(draws, label_draws(labels, 7, 4))
    assert label_draws(labels, 60, 4) is None, "there are not as many images of each class"


@pytest.mark.parametrize("each", [10, 100])
def test_on_digits_it_is_about_as_good_as_logistic_regression(each):
    from sklearn.linear_model import LogisticRegression

    digits = load_digits()
    codes, labels = digits.data[:, digits.data.std(axis=0) > 0], digits.target
    codes = (codes - codes.mean(axis=0)) / codes.std()
    draws = label_draws(labels[:1300], each, 3)
    found = predicted(codes[:1300], labels[:1300], draws, codes[1300:]) == labels[1300:]
    known = [
        LogisticRegression(max_iter=1000).fit(codes[places], labels[places]).score(codes[1300:], labels[1300:])
        for places in draws
    ]
    assert found.mean() > np.mean(known) - 0.03
