"""Likeness of representations and of images: invariances, limits, CKA in its other form, scikit-image's SSIM."""

from __future__ import annotations

import numpy as np
import pytest
import rounding
from sklearn.datasets import load_digits

from aebench.measures.similarity import chance_overlap, image_correlation, linear_cka, neighbour_overlap
from aebench.measures.ssim import structural_similarity


def rng(seed=0):
    return np.random.default_rng(seed)


CODES = rng().normal(size=(300, 6)) * np.linspace(0.5, 2.0, 6)
TURNED = 3.0 * CODES @ np.linalg.qr(rng(1).normal(size=(6, 6)))[0] + 5.0
OTHERS = np.tanh(CODES[:, :4]) + 0.3 * rng(2).normal(size=(300, 4))


def test_cka_is_that_of_the_gram_matrices():
    """HSIC of linear kernels over all pairs of images (Kornblith et al. 2019, equations 3 and 4)."""
    centre = np.eye(300) - 1.0 / 300
    one, two = (centre @ (part @ part.T) @ centre for part in (CODES, OTHERS))
    expected = np.trace(one @ two) / np.sqrt(np.trace(one @ one) * np.trace(two @ two))
    assert linear_cka(CODES, OTHERS) == pytest.approx(expected, rel=1e-9)
    assert 0.3 < expected < 0.99


def test_overlap_is_that_of_sets_of_neighbours():
    def nearest(points, image):
        order = np.argsort(np.linalg.norm(points - points[image], axis=1))
        return set(order[order != image][:10].tolist())

    sets = [(nearest(CODES, image), nearest(OTHERS, image)) for image in range(300)]
    expected = np.mean([len(one & two) / len(one | two) for one, two in sets])
    assert neighbour_overlap(CODES, OTHERS) == pytest.approx(expected)
    assert 0.05 < expected < 0.95


@pytest.mark.parametrize("measure", [linear_cka, neighbour_overlap])
def test_a_turned_moved_and_scaled_representation_is_the_same(measure):
    assert measure(CODES, TURNED) == pytest.approx(1.0)
    assert measure(1e25 * CODES, TURNED.astype("float32")) == pytest.approx(1.0, abs=1e-3)
    assert measure(CODES, OTHERS) == pytest.approx(measure(OTHERS, CODES))


def test_cka_of_independent_representations_is_near_zero():
    found = [linear_cka(rng(seed).normal(size=(500, 4)), rng(99 - seed).normal(size=(500, 4))) for seed in range(20)]
    assert max(found) < 0.03


@pytest.mark.parametrize("neighbours", [3, 10])
def test_overlap_of_independent_representations_is_the_stated_chance(neighbours):
    images = 60
    draws = [
        neighbour_overlap(rng(seed).normal(size=(images, 3)), rng(1000 + seed).normal(size=(images, 3)), neighbours)
        for seed in range(200)
    ]
    error = np.std(draws) / np.sqrt(len(draws))
    assert np.mean(draws) == pytest.approx(chance_overlap(images, neighbours), abs=4 * error)
    assert error < 0.05 * np.mean(draws)


@pytest.mark.parametrize("images", [2, 3, 8, 20])
def test_few_images_have_fewer_neighbours(images):
    codes = rng(0).normal(size=(images, 3))
    assert neighbour_overlap(codes, codes) == 1.0
    assert 0.0 <= neighbour_overlap(codes, rng(1).normal(size=(images, 3))) <= 1.0


def test_chance_in_closed_form():
    assert chance_overlap(3, 1) == pytest.approx(0.5)  # one neighbour out of two: the same, or another
    assert chance_overlap(2) == 1.0  # the only other one is the neighbour
    assert chance_overlap(11, 10) == chance_overlap(11, 5)  # of few, half of the others
    assert chance_overlap(1000) == pytest.approx(10 / (2 * 1000), rel=0.06)


@pytest.mark.parametrize("measure", [linear_cka, neighbour_overlap])
def test_nothing_is_like_a_constant_representation(measure):
    constant = np.full((300, 2), 0.1, "float32")
    assert np.isnan(measure(CODES, constant))
    assert np.isnan(measure(constant, constant))


def test_correlation_of_pixels():
    images = rng(3).random((3, 4, 4, 1))
    flat, following = images.reshape(3, -1), np.roll(images, -1, axis=0)
    np.testing.assert_allclose(image_correlation(images, 0.5 * images + 0.2), 1.0)
    np.testing.assert_allclose(image_correlation(images, 1.0 - images), -1.0)
    expected = [np.corrcoef(flat[i], flat[(i + 1) % 3])[0, 1] for i in range(3)]
    np.testing.assert_allclose(image_correlation(images, following), expected)
    assert image_correlation(images[:1], np.full((1, 4, 4, 1), 0.1))[0] == 0.0


def pictures(shape):
    images = rng().random((3, *shape), dtype="float32")
    return images, 0.7 * images + 0.3 * rng(1).random((3, *shape), dtype="float32")


def similarity(images, others):
    """In float64, and that float32 keeps to it.

    Variances and covariances are means of up to 49 squares less the square of the mean, and what is left of the squares
    is a fourth of them: a window of noise, or of strokes. Two factors hold them above, and two below.
    """
    exact = np.asarray(structural_similarity(images.astype("float64"), others.astype("float64")))
    bound = 4 * rounding.relative(min(7, *images.shape[1:3]) ** 2, 4, condition=4.0)
    np.testing.assert_allclose(np.asarray(structural_similarity(images, others)), exact, atol=bound)
    return exact


# scikit-image 0.26.0: structural_similarity(x, y, win_size=window, data_range=1.0, channel_axis=-1) of each pair in
# float64, with windows of 7, 7, 7 and 5
SCIKIT_IMAGE = {
    (28, 28, 1): (0.884087, 0.878978, 0.882989),
    (8, 8, 1): (0.858808, 0.894368, 0.858264),
    (9, 12, 3): (0.896018, 0.867543, 0.889235),
    (5, 6, 1): (0.824215, 0.857571, 0.839840),
}


@pytest.mark.parametrize("shape", SCIKIT_IMAGE)
def test_structural_similarity_is_scikit_images(shape):
    images, others = pictures(shape)
    np.testing.assert_allclose(similarity(images, others), SCIKIT_IMAGE[shape], rtol=0, atol=6e-7)  # six decimals
    np.testing.assert_allclose(similarity(images, images), 1.0, rtol=1e-12)


def test_structural_similarity_of_different_digits_is_low():
    digits = load_digits().images[:4, :, :, None].astype("float32") / 16.0
    expected = [0.037418, 0.247526, 0.268402]  # scikit-image 0.26.0, as above
    np.testing.assert_allclose(similarity(digits[[0, 0, 2]], digits[[1, 2, 3]]), expected, rtol=0, atol=6e-7)
