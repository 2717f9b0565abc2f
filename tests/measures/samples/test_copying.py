"""Copies of training images are found out; images that are held out, and unlike ones, are not taken for copies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, mannwhitneyu, norm

from aebench.measures.samples import copying as module
from aebench.measures.samples.copying import (
    FAR_OUT,
    Copying,
    Nearness,
    copying,
    lowest_of_several,
    mann_whitney_z,
    nearest,
)

CLASSES, SIZE, FEATURES = 5, 200, 4
FLAGGED = norm.ppf(0.05)


def real(count, rng):
    """Features of images of `CLASSES` classes that lie apart, and the classes."""
    classes = rng.integers(0, CLASSES, count)
    return 20.0 * np.eye(CLASSES, FEATURES)[classes] + rng.normal(size=(count, FEATURES)), classes


def found(train, test, samples):
    return copying(*(Nearness(distances=nearest(train, points), classes=own) for points, own in (test, samples)))


@pytest.fixture
def splits():
    rng = np.random.default_rng(0)
    return real(3 * SIZE, rng), real(SIZE, rng), rng


@pytest.mark.parametrize("ties", [False, True])
def test_the_score_is_that_of_scipy(ties):
    rng = np.random.default_rng(1)
    some, others = rng.normal(size=30), 0.3 + rng.normal(size=45)
    if ties:
        some, others = some.round(0), others.round(0)
    oracle = mannwhitneyu(some, others, alternative="less", use_continuity=False, method="asymptotic")
    z = mann_whitney_z(some, others)
    assert norm.cdf(z) == pytest.approx(oracle.pvalue, rel=1e-9)
    assert z < 0.0
    assert mann_whitney_z(others, some) == pytest.approx(-z, rel=1e-9)


def test_equal_distances_say_nothing():
    assert mann_whitney_z(np.ones(9), np.ones(7)) == 0.0


def test_the_nearest_training_image_is_that_of_all_distances(monkeypatch, splits):
    (train, _), (test, _), _ = splits
    expected = np.sqrt(((test[:, None] - train) ** 2).sum(axis=2)).min(axis=1)
    np.testing.assert_allclose(nearest(train, test), expected, rtol=1e-9)
    monkeypatch.setattr(module, "MOST_DISTANCES", 7 * len(train))
    np.testing.assert_allclose(nearest(train, test), expected, rtol=1e-9)


def test_real_images_held_out_are_called_copies_as_often_as_the_level_says():
    """Level: 200 draws of everything, within the bounds that 199 of 200 such tests keep."""
    rng = np.random.default_rng(2)
    scores = [found(real(300, rng)[0], real(150, rng), real(150, rng)) for _ in range(200)]
    low, high = binom.interval(0.995, len(scores), 0.05)
    assert low <= sum(one.z < FLAGGED for one in scores) <= high
    assert low <= sum(one.lowest_z < FLAGGED for one in scores) <= high


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_copycat_is_found_out(noise, splits):
    (train, classes), test, rng = splits
    copies = train[:SIZE] + noise * rng.normal(size=(SIZE, FEATURES))
    one = found(train, test, (copies, classes[:SIZE]))
    assert one.z < -6.0
    assert one.lowest_z < -3.0


def test_copies_of_one_class_alone_show_in_that_class(splits):
    (train, classes), test, rng = splits
    samples, own = real(SIZE, rng)
    blurred = samples + 2.0 * rng.normal(size=samples.shape)
    copied = np.flatnonzero(classes == 2)[: (own == 2).sum()]
    blurred[own == 2] = train[copied]
    one = found(train, test, (blurred, own))
    assert one.z > 0.0, "the other classes hide it"
    assert one.lowest_z < -4.0


def test_a_liking_for_a_class_is_no_copying():
    """A class of its images close together gives nearer training images, to held-out ones as to samples."""
    rng = np.random.default_rng(3)

    def drawn(count, share):
        close = rng.random(count) < share
        spread = np.where(close, 0.1, 3.0)[:, None]
        return 30.0 * close[:, None] + spread * rng.normal(size=(count, FEATURES)), close.astype(int)

    train, test, samples = drawn(600, 0.2)[0], drawn(300, 0.2), drawn(300, 0.8)
    assert found(train, test, samples).z > -4.0
    as_one = [Nearness(distances=nearest(train, points), classes=0 * own) for points, own in (test, samples)]
    assert copying(*as_one).z < -8.0


def test_images_like_no_real_one_score_above_0(splits):
    (train, _), test, rng = splits
    far, own = real(SIZE, rng)
    one = found(train, test, (far + 5.0, own))
    assert one.z > 6.0
    assert one.lowest_z > 6.0


def test_classes_of_few_images_say_nothing(splits):
    (train, classes), test, _ = splits
    assert found(train, test, (train[:4], classes[:4])) == Copying(z=0.0, lowest_z=0.0)


def test_the_lowest_score_is_corrected_for_the_number_of_classes():
    rng = np.random.default_rng(4)
    scores = [lowest_of_several(own) for own in rng.normal(size=(4000, 7))]
    assert np.mean(scores) == pytest.approx(0.0, abs=4 / np.sqrt(4000))
    assert np.std(scores) == pytest.approx(1.0, abs=4 / np.sqrt(2 * 4000))
    assert lowest_of_several([1.3]) == pytest.approx(1.3)
    assert norm.cdf(lowest_of_several([-2.5, 0.1, 3.0])) == pytest.approx(1 - (1 - norm.cdf(-2.5)) ** 3)
    either_side = [lowest_of_several([FAR_OUT + step, 0.0]) for step in (-1e-9, 1e-9)]
    assert either_side[0] == pytest.approx(either_side[1], abs=1e-6)
    assert np.isfinite([lowest_of_several([end] * 10) for end in (-60.0, 60.0)]).all()


def test_rounding_of_features_does_not_rank_copies():
    """The same images judged once more, in other company: distances of next to nothing are none."""
    rng = np.random.default_rng(0)
    train = rng.normal(size=(400, 8)).astype("float32")
    again = train[:100] * (1.0 + 1e-5 * rng.standard_normal((100, 8))).astype("float32")
    assert (nearest(train, again) == 0.0).all()
    assert (nearest(train, again + 0.1) > 0.0).all()
