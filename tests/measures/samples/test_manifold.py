"""Fréchet distance, precision, recall, density and coverage: closed forms, a plain loop, and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from aebench.measures.samples.manifold import NEIGHBOURS, expected_coverage, frechet_distance, overlap, radii, real


def normal(count, width, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(count, width)) + shift


def with_moments(points, mean, covariance):
    """`points` moved and turned so that their sample mean and covariance are just these."""
    centred = points - points.mean(axis=0)
    whitened = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred, rowvar=False))).T
    return whitened @ np.linalg.cholesky(covariance).T + mean


def test_frechet_distance_of_a_set_to_itself_is_zero():
    points = normal(300, 6)
    assert frechet_distance(points, points) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(points, points[::-1]) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_of_axis_aligned_gaussians_is_the_closed_form():
    first = with_moments(normal(200, 3), [0.0, 1.0, 2.0], np.diag([1.0, 4.0, 9.0]))
    second = with_moments(normal(150, 3, seed=1), [3.0, 1.0, 2.0], np.diag([4.0, 4.0, 1.0]))
    assert frechet_distance(first, second) == pytest.approx(3.0**2 + (1 - 2) ** 2 + (3 - 1) ** 2)


def test_frechet_distance_of_any_gaussians_is_that_by_the_matrix_root_of_scipy():
    turned = normal(400, 5) @ normal(5, 5, seed=2)
    other = normal(400, 5, seed=3) @ normal(5, 5, seed=4) + 0.5
    covariances = [np.cov(part, rowvar=False) for part in (turned, other)]
    root = np.trace(sqrtm(covariances[0] @ covariances[1])).real
    expected = ((turned.mean(0) - other.mean(0)) ** 2).sum() + sum(map(np.trace, covariances)) - 2 * root
    assert frechet_distance(turned, other) == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_takes_one_feature_and_dead_ones():
    first, second = normal(50, 1), normal(50, 1, seed=1, shift=2.0)
    spread = (first.std(ddof=1) - second.std(ddof=1)) ** 2
    assert frechet_distance(first, second) == pytest.approx((first.mean() - second.mean()) ** 2 + spread)
    dead = np.zeros((50, 4))
    assert frechet_distance(dead, dead) == 0.0
    assert frechet_distance(dead, dead + 1.0) == pytest.approx(4.0)


def looped(reals, fakes, neighbours=NEIGHBOURS):
    """The definitions of Kynkäänniemi et al. and Naeem et al., point by point."""

    def reach(points, i):
        return sorted(np.linalg.norm(points[i] - points[j]) for j in range(len(points)) if j != i)[neighbours - 1]

    near_real = [[np.linalg.norm(x - y) <= reach(reals, i) for y in fakes] for i, x in enumerate(reals)]
    inside_real = [[np.linalg.norm(x - y) < reach(reals, i) for y in fakes] for i, x in enumerate(reals)]
    near_fake = [[np.linalg.norm(x - y) <= reach(fakes, j) for j, y in enumerate(fakes)] for x in reals]
    return {
        "precision": np.mean([any(row[j] for row in near_real) for j in range(len(fakes))]),
        "recall": np.mean([any(row) for row in near_fake]),
        "density": sum(sum(row) for row in inside_real) / (neighbours * len(fakes)),
        "coverage": np.mean([any(row) for row in inside_real]),
    }


@pytest.mark.parametrize("shift", [0.0, 0.7, 2.0])
def test_overlap_is_that_of_a_plain_loop(shift):
    reals, fakes = normal(40, 3), normal(40, 3, seed=1, shift=shift)
    found = overlap(real(reals), fakes)
    assert {name: getattr(found, name) for name in looped(reals, fakes)} == pytest.approx(looped(reals, fakes))


def test_a_distance_equal_to_the_radius_counts_for_precision_and_recall_alone():
    reals, tied = np.arange(-3.0, 4.0)[:, None], np.full((7, 1), 99.0)
    tied[0] = -8.0  # 5 from -3, whose fifth neighbour is 5 away; 6 from -2 and farther, whose radii are at most 4
    found = overlap(real(reals), tied)
    assert found.precision == 1 / 7
    assert (found.density, found.coverage) == (0.0, 0.0)
    tied[0] = -7.5
    nearer = overlap(real(reals), tied)
    assert (nearer.precision, nearer.density, nearer.coverage) == (1 / 7, 1 / (NEIGHBOURS * 7), 1 / 7)


def test_rounding_decides_no_tie():
    """Places on a lattice that is moved by thirds: hundreds of distances equal a radius, and few without an error."""
    rng = np.random.default_rng(0)
    reals, fakes = (rng.integers(0, 12, (200, 3)) for _ in range(2))
    far = cdist(reals, reals, "sqeuclidean").round().astype(int)
    reach = np.sort(far, axis=1)[:, NEIGHBOURS]
    between = cdist(reals, fakes, "sqeuclidean").round().astype(int)
    inside, within = between < reach[:, None], between <= reach[:, None]
    assert (within & ~inside).sum() > 100
    own = np.sort(cdist(fakes, fakes, "sqeuclidean").round().astype(int), axis=1)[:, NEIGHBOURS]
    found = overlap(real(reals + 1 / 3), fakes + 1 / 3)
    assert found.precision == within.any(axis=0).mean()
    assert found.recall == (between <= own).any(axis=1).mean()
    assert found.density == inside.sum() / (NEIGHBOURS * len(fakes))
    assert found.coverage == inside.any(axis=1).mean()


def test_recall_counts_a_real_image_at_the_very_radius_of_a_generated_one():
    fakes = np.arange(-3.0, 4.0)[:, None]  # the radius of -3 is 5
    reals = np.array([-8.0, 30.0, 31.0, 32.0, 33.0, 34.0, 51.0])[:, None]  # a whole mean, so no distance is rounded
    assert overlap(real(reals), fakes).recall == 1 / 7


def test_samples_of_one_distribution_have_density_one_and_coverage_near_its_expectation():
    found = overlap(real(normal(1000, 8)), normal(1000, 8, seed=1))
    assert found.density == pytest.approx(1.0, abs=0.05)
    assert found.coverage == pytest.approx(1.0 - 2.0**-NEIGHBOURS, abs=0.015)  # Naeem et al. 2020, section 3.3
    assert found.precision == pytest.approx(found.recall, abs=0.05)


def test_disjoint_sets_share_nothing_and_equal_ones_all():
    reals = normal(100, 4)
    apart = overlap(real(reals), normal(100, 4, seed=1, shift=50.0))
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0.0, 0.0, 0.0, 0.0)
    same = overlap(real(reals), reals)
    assert (same.precision, same.recall, same.coverage) == (1.0, 1.0, 1.0)


def test_samples_that_are_all_alike_are_precise_and_cover_little():
    reals = normal(200, 4)
    found = overlap(real(reals), np.repeat(reals[:1], 200, axis=0))
    assert found.precision == 1.0
    assert found.recall <= 1 / 200
    assert 1 / 200 <= found.coverage < 0.2


def test_radius_is_the_distance_to_the_fifth_other_point():
    np.testing.assert_allclose(radii(np.arange(7.0)[:, None])[[0, 3, 6]], [5.0, 3.0, 5.0])


def test_a_share_of_bad_samples_costs_clipped_density_and_coverage_just_that_share():
    reals, fakes = normal(1000, 8), normal(1000, 8, seed=1)
    for bad in (0.0, 0.25, 0.5, 0.75, 1.0):
        mixed = fakes.copy()
        mixed[: int(bad * 1000)] += 100.0
        found = overlap(real(reals), mixed)
        assert found.clipped_density == pytest.approx(1.0 - bad, abs=0.08)
        assert found.clipped_coverage == pytest.approx(1.0 - bad, abs=0.08)


def test_outliers_among_real_images_lift_density_but_not_clipped_density():
    reals = np.concatenate([normal(190, 4), 30.0 * normal(10, 4, seed=2)])
    bad = 10.0 * normal(200, 4, seed=3)
    found = overlap(real(reals), bad)
    assert found.precision > 0.5
    assert found.clipped_density < 0.1


def test_expected_coverage_is_that_of_drawn_uniform_points():
    """On a line the share of a ball is simple to draw: the distance to the fifth of n others, of a uniform one."""
    rng, reals, count = np.random.default_rng(0), 30, 20
    shares = np.sort(rng.uniform(size=(20_000, reals - 1)), axis=1)[:, NEIGHBOURS - 1]
    drawn = np.minimum(rng.binomial(count, shares), NEIGHBOURS) / NEIGHBOURS
    error = drawn.std() / np.sqrt(len(drawn))
    assert expected_coverage(reals, count)[[0, count]] == pytest.approx([0.0, drawn.mean()], abs=5.0 * error)
    assert np.all(np.diff(expected_coverage(reals, count)) > 0.0)
