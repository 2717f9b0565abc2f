"""What is told of the error of importance-weighted bounds, and who gets how many codes, where all is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from aebench.measures.importance_weights import (
    FLOOR,
    PARTS,
    START,
    STEP,
    ImportanceWeights,
    pursue,
    remaining_error,
    wanted_codes,
)

IMAGES = 300


class Gaussians:
    """Targets N(0, I), whose normaliser is 1, and proposals N(mean, sd²) of each image and dimension."""

    def __init__(self, seed, size, narrowest=-0.6, widest=0.25, images=IMAGES):
        self.rng = np.random.default_rng(seed)
        self.sd = np.exp(self.rng.uniform(narrowest, widest) + self.rng.normal(0, 0.15, (images, size)))
        self.mean = self.rng.normal(0, self.rng.uniform(0, 0.4), (images, size))

    def log_weights(self, places):
        noise = self.rng.standard_normal((len(places), STEP, self.sd.shape[1]))
        mean, sd = self.mean[places][:, None], self.sd[places][:, None]
        return (0.5 * noise**2 - 0.5 * (mean + sd * noise) ** 2 + np.log(sd)).sum(axis=2)

    def drawn_into(self, weights, places, parts):
        found = self.log_weights(places)
        weights.add(places, parts, logsumexp(found, axis=1), logsumexp(2.0 * found, axis=1))
        return found

    def pursued(self, tolerance, budget):
        """The weights that count, and all codes that were drawn, mean of images."""
        pursuit, drawn = pursue(len(self.sd), tolerance, budget), 0
        while True:
            try:
                asked = next(pursuit)
            except StopIteration as end:
                return end.value, drawn / len(self.sd)
            drawn += STEP * len(asked.places)
            self.drawn_into(asked.weights, asked.places, asked.parts)


def test_sums_of_parts_are_those_of_all_codes():
    rng = np.random.default_rng(0)
    codes = np.array([64, 128, 192])
    weights = ImportanceWeights(codes)
    places, parts = weights.first()
    assert np.bincount(places).tolist() == [4, 8, 12]
    log_weights = rng.normal(size=(len(places), STEP))
    weights.add(places, parts, logsumexp(log_weights, axis=1), logsumexp(2.0 * log_weights, axis=1))
    for image, count in enumerate(codes):
        own, part = log_weights[places == image], parts[places == image]
        assert np.bincount(part).tolist() == [count // STEP // PARTS] * PARTS
        whole, halves, quarters = (levels[image] for levels in weights.bounds())
        assert whole == pytest.approx(logsumexp(own) - math.log(count))
        sums = [logsumexp(own[part == number]) for number in range(PARTS)]
        assert quarters == pytest.approx(np.mean(sums) - math.log(count / 4))
        assert halves == pytest.approx(np.mean(np.logaddexp(sums[::2], sums[1::2])) - math.log(count / 2))
        shares = np.exp(own - own.max()).ravel()
        assert weights.variances()[image] == pytest.approx(shares.var() / shares.mean() ** 2 / count)


def test_doubling_keeps_what_was_drawn_and_leaves_others_alone():
    gaussians = Gaussians(0, 2, images=5)
    weights = ImportanceWeights(np.full(5, START))
    first = gaussians.drawn_into(weights, *weights.first())
    before = weights.bounds()[0]
    wanted = np.array([True, False, True, False, False])
    places, parts = weights.doubled(wanted)
    second = gaussians.drawn_into(weights, places, parts)
    assert weights.codes.tolist() == [128, 64, 128, 64, 64]
    assert set(parts) == {2, 3}
    whole, halves, _ = weights.bounds()
    np.testing.assert_array_equal(whole[~wanted], before[~wanted])
    for image in np.flatnonzero(wanted):
        new = second[places == image]
        old = first[4 * image : 4 * image + 4]
        assert whole[image] == pytest.approx(logsumexp([*old, *new]) - math.log(128))
        assert halves[image] == pytest.approx((logsumexp(old) + logsumexp(new)) / 2 - math.log(64))


def test_codes_are_shared_out_so_that_no_other_share_has_less_error():
    """At the same sum, the sum of c_i / k_i is least: shifting codes between any two images makes it larger."""
    gaussians = Gaussians(3, 4)
    pilot = ImportanceWeights(np.full(IMAGES, 16 * START))
    gaussians.drawn_into(pilot, *pilot.first())
    wanted, squared = wanted_codes(pilot, 0.01), pilot.variances() * pilot.codes
    squared = np.maximum(squared, FLOOR * squared.mean())
    least = (squared / wanted).sum()
    rng = np.random.default_rng(0)
    for one, other in rng.choice(IMAGES, (50, 2)):
        shifted = wanted.copy()
        shifted[one] *= 0.8
        shifted[other] += 0.2 * wanted[one]
        assert (squared / shifted).sum() >= least
    tighter = wanted_codes(pilot, 0.0025)
    assert (tighter > 2.0 * wanted).all()


@pytest.mark.parametrize("tolerance", [0.01, 0.1])
def test_the_budget_is_kept(tolerance):
    gaussians = Gaussians(5, 8, narrowest=-0.6, widest=-0.6)
    weights, drawn = gaussians.pursued(tolerance, 512)
    assert weights.error().total > tolerance
    assert weights.codes.mean() <= 512
    assert drawn <= 512 * 9 / 8 + START


def test_no_tolerance_spends_all_on_every_image_alike():
    weights, drawn = Gaussians(0, 2).pursued(0.0, 256)
    assert set(weights.codes) == {256}
    assert drawn == 256


def test_easy_images_get_fewer_codes_than_hard_ones():
    gaussians = Gaussians(1, 4, narrowest=0.0, widest=0.0)
    gaussians.mean[:30] += 1.0
    weights, _ = gaussians.pursued(0.01, 4096)
    assert weights.error().total <= 0.01
    assert np.median(weights.codes[:30]) > 2 * np.median(weights.codes[30:])


@pytest.mark.parametrize("size", [4, 12])
def test_the_error_covers_what_is_left_of_proposals_good_and_hopeless(size):
    """Some have weights without a variance; for each the true log-likelihood of every image is 0."""
    found = [Gaussians(seed, size).pursued(0.02, 512)[0] for seed in range(60)]
    off = np.array([weights.bounds()[0].mean() for weights in found])
    error = np.array([weights.error().total for weights in found])
    assert (np.abs(off) <= error).mean() >= 0.95
    assert (np.abs(off) <= np.maximum(error, 0.05))[error <= 0.05].all()
    assert 0.05 < (error <= 0.05).mean() < 0.95


def test_a_bound_that_goes_on_growing_is_not_called_settled_whatever_its_variance_says():
    quiet = np.full(IMAGES, 1e-6)
    grown = [np.full(IMAGES, value) for value in (0.0, -0.1, -0.22)]
    error = remaining_error(grown, quiet, IMAGES, 0.0)
    ratio = 0.1 / 0.12
    assert error.bias == pytest.approx(0.1 * ratio / (1.0 - ratio))  # a geometric series


def test_weights_that_are_not_finite_end_the_pursuit():
    broken = Gaussians(0, 2)
    broken.mean[7] = np.nan
    with np.errstate(invalid="ignore"):
        weights, drawn = broken.pursued(0.01, 4096)
        assert math.isnan(weights.error().total)
    assert drawn == 2 * START
