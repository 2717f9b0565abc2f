"""Noise, rotation and translation: what they do to images, to reconstructions and to a probe; geometry of codes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aebench.measures.uses import geometry, robustness, spoiling
from aebench.measures.uses.denoising import _mse
from aebench.measures.uses.images import MOST, Images, images


def test_noise_turns_over_one_in_ten_binary_pixels_and_adds_to_grey_ones(inputs):
    data = inputs()
    part = images(data).test
    assert np.abs(spoiling.noisy(data, part) - part.seen).mean() == pytest.approx(spoiling.FLIPPED, abs=0.03)
    grey = inputs(resample=False)
    part = images(grey).test
    seen = spoiling.noisy(grey, part)
    inside = (seen > 0.0) & (seen < 1.0)
    assert (seen - part.seen)[inside].std() == pytest.approx(spoiling.NOISE_SD, abs=0.04)


def test_images_are_moved_by_a_pixel_each_way_in_turn(inputs):
    data = inputs(resample=False)
    part = images(data).test
    found, was = spoiling.moved(data, part), part.grey
    np.testing.assert_array_equal(found[0, 1:], was[0, :-1])
    np.testing.assert_array_equal(found[1, :-1], was[1, 1:])
    np.testing.assert_array_equal(found[2, :, 1:], was[2, :, :-1])
    np.testing.assert_array_equal(found[3, :, :-1], was[3, :, 1:])


def test_all_components_give_an_image_back_and_one_makes_it_a_line(inputs):
    data = inputs(resample=False)
    seen = data.test
    assert _mse(spoiling.on_components(data, 36, seen), seen).max() < 1e-6
    restored = spoiling.on_components(data, 1, seen).reshape(len(seen), -1)
    assert np.linalg.matrix_rank(restored[:, :] - restored.mean(axis=0), tol=1e-2) <= 2


def test_few_validation_images_come_several_times_and_count_once(inputs):
    known = Images(inputs(validation=20))
    assert known.validation.distinct == 20
    assert len(known.validation.seen) == len(known.test.seen) == 50
    np.testing.assert_array_equal(known.validation.seen[20:40], known.validation.seen[:20])
    assert Images(inputs(validation=0)).validation is None


def test_of_many_test_images_a_fixed_part_serves(inputs):
    data = inputs()
    many = replace(data, test=np.tile(data.test, (60, 1, 1, 1)), grey_test=np.tile(data.grey_test, (60, 1, 1, 1)))
    assert Images(many).test.distinct == len(Images(many).test.seen) == MOST


def test_a_probe_of_codes_that_no_shift_moves_loses_nothing(inputs):
    labels = np.arange(50) % 5
    data = replace(inputs(), labels=labels, train_labels=np.arange(80) % 5)
    part, perfect = images(data).test, np.eye(5)
    train, codes = perfect[data.train_labels], perfect[labels]
    still = dict.fromkeys(("clean", *robustness.SHIFTS), codes)
    found = robustness.told(data, part, train, still)
    assert found["shift_accuracy"].mean() == 1.0
    assert found["shift_drop"].mean() == 0.0
    found = robustness.told(data, part, train, {**still, "noise": perfect[(labels + 1) % 5]})
    assert found["shift_accuracy_noise"].mean() == 0.0
    assert found["shift_drop"].mean() == pytest.approx(1 / 3)
    assert robustness.told(data, part, np.full_like(train, np.nan), still) == {}


@pytest.mark.parametrize("filled", [1, 2, 4, 8])
def test_codes_that_fill_some_of_eight_dimensions_evenly_have_their_number_for_rank(filled):
    rng = np.random.default_rng(0)
    points = np.linalg.qr(rng.normal(size=(100, 8)))[0]
    points = points - points.mean(axis=0)
    points = np.linalg.qr(points)[0]  # columns of one length, at right angles to each other and to the mean
    points[:, filled:] = 0.0
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    found = geometry.geometry(7.0 * points @ turn)
    assert found["rankme"] == pytest.approx(filled, rel=1e-6)
    assert found["effective_rank"] == pytest.approx(filled, rel=1e-6)
    assert found["isotropy"] == pytest.approx((filled - 1) / 7, abs=1e-6), "Rudman et al. 2022, theorem on k of n"
    moved = geometry.geometry(points @ turn + 5.0)
    assert moved["effective_rank"] == pytest.approx(filled, rel=1e-6)


def test_codes_at_one_point_or_not_finite_have_no_geometry():
    assert geometry.geometry(np.full((10, 3), 0.1)) == {}
    assert geometry.geometry(np.full((10, 3), np.nan)) == {}
    assert geometry.geometry(np.zeros((10, 3))) == {}
    assert geometry.geometry(np.arange(10.0)[:, None])["isotropy"] is None, "one dimension is not uneven"
