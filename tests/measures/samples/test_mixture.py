"""Mixtures fitted to codes: known ones are recovered; collapsed and tiny sets of codes do no harm."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from aebench.measures.samples.mixture import mixture_codes, one_thread_each

CENTRES = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 30.0]])
SPREADS = np.array([[0.5, 1.0], [1.0, 4.0], [2.0, 1.0]])
WEIGHTS = np.array([0.5, 0.3, 0.2])


@pytest.fixture(autouse=True)
def pool():
    """No warnings, and no threads of BLAS."""
    with warnings.catch_warnings(), one_thread_each() as threads:
        warnings.simplefilter("error")
        yield threads


def known(count):
    rng = np.random.default_rng(0)
    which = rng.choice(3, count, p=WEIGHTS)
    return (CENTRES[which] + SPREADS[which] * rng.normal(size=(count, 2))).astype("float32")


def test_a_known_mixture_is_recovered():
    codes = known(4000)
    drawn = mixture_codes(codes, 4000)
    nearest = np.linalg.norm(drawn[:, None] - CENTRES, axis=2).argmin(axis=1)
    np.testing.assert_allclose(np.bincount(nearest) / 4000, WEIGHTS, atol=0.03)
    for i in range(3):
        np.testing.assert_allclose(drawn[nearest == i].mean(axis=0), CENTRES[i], atol=0.35)
        np.testing.assert_allclose(drawn[nearest == i].std(axis=0), SPREADS[i], rtol=0.15)
    truth = GaussianMixture(3, random_state=0).fit(codes)
    assert truth.score(drawn) == pytest.approx(truth.score(codes), abs=0.1)


def test_draws_are_always_the_same_and_in_no_order_of_components():
    codes = known(500)
    first = mixture_codes(codes, 300)
    np.testing.assert_array_equal(first, mixture_codes(codes, 300))
    nearest = np.linalg.norm(first[:, None] - CENTRES, axis=2).argmin(axis=1)
    assert (np.diff(nearest) != 0).mean() > 0.4


def test_a_collapsed_dimension_keeps_its_value_and_a_tiny_one_its_scale():
    codes = np.concatenate([known(800), np.full((800, 1), 7.0), 1e-4 * known(800)[:, :1]], axis=1).astype("float32")
    drawn = mixture_codes(codes, 800)
    np.testing.assert_allclose(drawn[:, 2], 7.0)
    assert drawn[:, 3].std() == pytest.approx(codes[:, 3].std(), rel=0.1)


@pytest.mark.parametrize("codes", [np.full((50, 3), 2.0), np.zeros((50, 1)), np.full((4, 2), 0.1, "float32")])
def test_codes_that_are_all_alike_are_drawn_again(codes):
    np.testing.assert_allclose(mixture_codes(codes, 6), np.repeat(codes[:1], 6, axis=0))


def test_fewer_different_codes_than_components_are_enough():
    codes = np.repeat(np.array([[0.0, 0.0], [5.0, 1.0], [9.0, 9.0]], "float32"), 5, axis=0)
    drawn = mixture_codes(codes, 60)
    apart = np.linalg.norm(drawn[:, None] - codes[None, ::5], axis=2).min(axis=1)
    assert apart.max() < 0.1
    assert mixture_codes(known(7), 20).shape == (20, 2)


def test_codes_of_one_number_are_taken():
    drawn = mixture_codes(known(400)[:, 1:], 200)
    assert drawn.shape == (200, 1)
    assert (drawn > 20).mean() == pytest.approx(0.2, abs=0.08)


def test_side_by_side_as_alone(pool):
    parts = [known(300) * scale for scale in (1.0, 2.0, 3.0)]
    together = list(pool.map(lambda codes: mixture_codes(codes, 50), parts))
    for codes, drawn in zip(parts, together, strict=True):
        np.testing.assert_allclose(drawn, mixture_codes(codes, 50), rtol=1e-4, atol=1e-4)
