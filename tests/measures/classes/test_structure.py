"""Class structure against loops and closed forms, at its limits, and on manifolds of known dimension."""

from __future__ import annotations

import itertools
import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_swiss_roll
from threadpoolctl import threadpool_limits

from aebench.backends.environment import cores
from aebench.measures.classes.family import FAMILY, MEASURES, REFERENCES
from aebench.measures.classes.references import References
from aebench.measures.classes.structure import (
    NOTHING,
    Labelled,
    adjusted_rand_index,
    class_structure,
    cluster_accuracy,
    intrinsic_dimension,
    k_means,
    mutual_information_share,
    neighbour_accuracy,
    piece_of,
    probe_accuracy,
    structures_of,
)
from aebench.measures.context import by_class

CLASS_MEASURES = {"silhouette", "kmeans_nmi", "kmeans_accuracy", "knn_accuracy", "probe_accuracy"}


@pytest.fixture(autouse=True)
def one_thread():
    """As the harness calls them; scikit-learn's own threads are slow on small problems."""
    with threadpool_limits(1):
        yield


def rng(seed=0):
    return np.random.default_rng(seed)


def labelled(points, labels):
    return Labelled(points=points.astype("float32"), labels=labels)


def split(points, labels):
    half = len(points) // 2
    return labelled(points[:half], labels[:half]), labelled(points[half:], labels[half:])


def digits():
    images, labels = load_digits(return_X_y=True)
    return split(images[:800], labels[:800])


def turned(points, dimensions=16):
    """Points in a larger space, turned at random, and moved."""
    axes = np.linalg.qr(rng(9).normal(size=(dimensions, dimensions)))[0][: points.shape[1]]
    return points @ axes + 3.0


def test_a_perfect_embedding_is_perfect_by_every_measure():
    labels = rng().permutation(np.repeat(np.arange(10), 60))
    found = class_structure(*split(50.0 * np.eye(10)[labels] + rng(1).normal(size=(600, 10)), labels)).numbers
    assert found["silhouette"] > 0.9
    assert [found[name] for name in sorted(CLASS_MEASURES - {"silhouette"})] == pytest.approx([1.0] * 4)


def test_noise_is_at_chance_by_every_measure():
    labels = rng().integers(0, 10, 4000)
    found = class_structure(*split(rng(1).normal(size=(4000, 8)), labels)).numbers
    assert -0.04 < found["silhouette"] < 0.0, "the nearest of nine other classes is a little nearer than the own"
    assert found["kmeans_nmi"] < 0.02
    assert found["knn_accuracy"] == pytest.approx(0.1, abs=0.025)
    assert found["probe_accuracy"] == pytest.approx(0.1, abs=0.025)
    assert 0.1 < found["kmeans_accuracy"] < 0.16, "the best of all namings is a little above chance"


def test_a_ring_about_a_blob_is_seen_by_neighbours_alone():
    """Why there are several measures: the classes are apart, but neither compact nor on two sides of a plane."""
    labels = np.arange(2000) % 2
    angle, noise = rng().random(2000) * 2.0 * np.pi, 0.2 * rng(1).normal(size=(2000, 2))
    found = class_structure(*split(3.0 * labels[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1) + noise, labels))
    assert found.numbers["knn_accuracy"] > 0.99
    assert found.numbers["probe_accuracy"] < 0.7
    assert found.numbers["kmeans_nmi"] < 0.4
    assert abs(found.numbers["silhouette"]) < 0.4


def test_neighbours_vote_as_in_a_loop_over_all_pairs():
    train, test = (labelled(part.points + 0.1 * rng().random(part.points.shape), part.labels) for part in digits())
    right = 0
    points = train.points.astype("float64")  # as scikit-learn, so that no two distances change places
    for point, label in zip(test.points, test.labels, strict=True):
        nearest = np.argsort(((points - point) ** 2).sum(axis=1), kind="stable")[:5]
        right += np.bincount(train.labels[nearest]).argmax() == label
    assert neighbour_accuracy(train, test) == pytest.approx(right / len(test.labels), abs=1e-9)
    assert 0.8 < right / len(test.labels) < 1.0


def test_the_probe_reaches_the_best_accuracy_of_two_gaussians_and_no_more():
    """With means two standard deviations apart that is Φ(1); the labels alternate, and a useless wide axis is there."""
    labels = np.arange(20_000) % 2
    points = rng().normal(size=(20_000, 3)) + np.outer(2.0 * labels, [0.6, 0.8, 0.0])
    best = 0.5 * (1.0 + math.erf(math.sqrt(0.5)))
    assert probe_accuracy(*split(points * [1.0, 1.0, 1e4], labels)) == pytest.approx(best, abs=0.011)


def test_the_probe_has_converged(recwarn):
    """Against the same fit carried on to a hundred-thousandth of the tolerance."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    train, test = digits()
    scaler = StandardScaler().fit(train.points.astype("float64"))
    exact = LogisticRegression(max_iter=10_000, tol=1e-9).fit(scaler.transform(train.points), train.labels)
    expected = exact.score(scaler.transform(test.points), test.labels)
    assert probe_accuracy(train, test) == pytest.approx(expected, abs=2 / len(test.labels))
    assert not recwarn


def test_k_means_comes_to_the_best_of_all_clusterings_of_a_line():
    """Which dynamic programming finds. From one start it ends 44 % above that."""
    line = np.sort(rng().normal(3.0 * np.repeat(np.arange(8), 12), 0.8))

    def spread(part):
        return ((part - part.mean()) ** 2).sum()

    least = [0.0] + [np.inf] * len(line)
    for _ in range(8):
        ends = range(1, len(least))
        least = [np.inf] + [min(least[start] + spread(line[start:end]) for start in range(end)) for end in ends]
    clusters = k_means(line[:, None], 8)
    assert sum(spread(line[clusters == cluster]) for cluster in range(8)) == pytest.approx(least[-1], rel=0.002)


def test_clusters_are_named_as_the_best_of_all_permutations():
    labels, clusters = rng().integers(0, 5, 200), rng(1).integers(0, 5, 200)
    best = max(np.mean(np.take(naming, clusters) == labels) for naming in itertools.permutations(range(5)))
    assert cluster_accuracy(clusters, labels) == pytest.approx(best)
    assert cluster_accuracy((labels + 2) % 5, labels) == 1.0
    assert cluster_accuracy(np.array([2, 2, 0, 0, 0, 0, 1, 0]), np.array([0, 0, 0, 1, 1, 1, 2, 2])) == 6 / 8


def test_mutual_information_is_over_the_mean_of_both_entropies():
    labels, clusters = rng().integers(0, 4, 500), rng(1).integers(0, 3, 500)
    clusters[:200] = labels[:200] % 3
    joint = np.histogram2d(labels, clusters, bins=(4, 3))[0] / 500
    parts = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    entropies = [-np.sum(p * np.log(p)) for p in (joint.sum(axis=1), joint.sum(axis=0))]
    expected = np.sum(joint * np.log(joint / parts)) / np.mean(entropies)
    assert mutual_information_share(clusters, labels) == pytest.approx(expected)
    assert mutual_information_share((labels + 1) % 4, labels) == pytest.approx(1.0)
    assert adjusted_rand_index((labels + 1) % 4, labels) == pytest.approx(1.0)
    assert adjusted_rand_index(rng(5).integers(0, 4, 500), labels) == pytest.approx(0.0, abs=0.02)
    assert mutual_information_share(np.zeros(500, int), labels) == 0.0


@pytest.mark.parametrize("dimension", [1, 2, 4, 8])
def test_the_intrinsic_dimension_is_that_of_a_gaussian_in_a_larger_space(dimension):
    points = turned(rng(dimension).normal(size=(3000, dimension)))
    assert intrinsic_dimension(points.astype("float32")) == pytest.approx(dimension, rel=0.08)


def test_the_intrinsic_dimension_of_a_rolled_up_plane_is_two():
    assert intrinsic_dimension(make_swiss_roll(3000, random_state=0)[0]) == pytest.approx(2.0, rel=0.06)


def test_the_intrinsic_dimension_is_that_of_a_loop_over_all_pairs():
    points = rng().random((60, 3))
    ratios = []
    for point in points:
        _, nearest, second = np.sort(np.linalg.norm(points - point, axis=1))[:3]
        ratios.append(np.log(second / nearest))
    assert intrinsic_dimension(points) == pytest.approx(59 / np.sum(ratios))
    assert intrinsic_dimension(np.repeat(points, 3, axis=0)) == pytest.approx(59 / np.sum(ratios)), "copies don't count"


# scikit-dimension 0.5.0, which fits a line to the same ratios but the largest tenth:
# [skdim.id.TwoNN().fit(np.random.default_rng(0).random((2000, 16))[:, :d]).dimension_ for d in (2, 4, 8)]
# and of load_digits().data
SKDIM = {2: 1.9367, 4: 3.6833, 8: 7.3959, "digits": 8.9082}


@pytest.mark.parametrize("what", SKDIM)
def test_the_intrinsic_dimension_is_close_to_scikit_dimension_s(what):
    points = load_digits().data if what == "digits" else rng().random((2000, 16))[:, :what]
    assert intrinsic_dimension(points) == pytest.approx(SKDIM[what], rel=0.05)


def collapsed(kind, labels):
    points = np.zeros((len(labels), 3), "float32")
    match kind:
        case "at a point":
            return points + 0.1
        case "at two points":
            points[: len(labels) // 2] = 1.0
        case "along one axis":
            points[:, 1] = rng().normal(size=len(labels))
        case "closer than numbers can tell":
            points[:, 0] = 1.0 + 1e-7 * rng().normal(size=len(labels))
    return points


@pytest.mark.parametrize("kind", ["at a point", "at two points", "along one axis", "closer than numbers can tell"])
def test_collapsed_codes_are_at_chance_without_a_warning(kind):
    labels = np.arange(400) % 4
    both = labelled(collapsed(kind, labels), labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = class_structure(both, both).numbers
    assert -0.1 < found["silhouette"] <= 0.0
    assert found["kmeans_nmi"] < 0.05
    assert found["kmeans_accuracy"] < 0.35
    assert found["probe_accuracy"] < 0.4
    if kind in {"at a point", "at two points"}:
        assert found["intrinsic_dimension"] is None


def test_codes_that_are_not_finite_and_a_single_class_are_not_judged():
    points, labels = rng().normal(size=(60, 3)), np.arange(60) % 3
    broken = points.copy()
    broken[3, 1] = np.nan
    assert class_structure(labelled(points, labels), labelled(broken, labels)).numbers == {}
    assert class_structure(labelled(broken, labels), labelled(points, labels)).silhouettes is None
    one = class_structure(labelled(points, np.zeros(60, int)), labelled(points, np.zeros(60, int)))
    assert set(one.numbers) == {"intrinsic_dimension"}
    assert one.silhouettes is None


@pytest.mark.parametrize("scale", [1e-25, 1e-3, 1e25])
def test_neither_place_nor_scale_matters(scale):
    train, test = digits()
    move = 100.0 * scale
    moved = [labelled(part.points.astype("float64") * scale + move, part.labels) for part in (train, test)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = class_structure(*moved).numbers
    assert found == pytest.approx(class_structure(train, test).numbers, abs=0.02)


def test_several_threads_find_the_same_and_leave_warnings_as_they_were():
    train, test = digits()
    labels = np.arange(100) % 4
    flat = labelled(np.zeros((100, 2)), labels)
    filters = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: class_structure(*pair).numbers, [(train, test), (flat, flat)] * 4))
    # Rounding decides in which of two clusterings, 3 of 400 digits apart, k-means ends; threads add up in any order.
    alone = pytest.approx(class_structure(train, test).numbers, abs=0.01)
    assert found[::2] == [alone] * 4
    assert list(warnings.filters) == filters


def test_a_part_of_the_points_keeps_the_classes_shares():
    labels = rng().permutation(np.repeat([0, 1, 2], [600, 300, 100]))
    part = labelled(np.arange(1000)[:, None], labels).at_most(100)
    assert np.bincount(part.labels).tolist() == [60, 30, 10]
    chosen = part.points[:, 0].astype(int)
    assert len(set(chosen)) == 100
    assert np.array_equal(labels[chosen], part.labels)
    assert labelled(np.arange(1000)[:, None], labels).at_most(1000).points.shape == (1000, 1)


def test_means_by_class():
    assert by_class(np.array([1.0, 3.0, 5.0]), np.array([7, 7, 2])) == (5.0, 2.0)


def test_every_measure_is_declared_beside_its_references():
    found = class_structure(*digits())
    assert set(found.numbers) == set(MEASURES)
    assert FAMILY.metrics.keys() > {f"{name}_{reference}" for name in MEASURES for reference in REFERENCES}
    assert found.silhouettes.values.mean() == found.numbers["silhouette"]
    assert all("posterior means" in FAMILY.metrics[name].about for name in MEASURES)


def test_structures_come_back_from_their_piece_to_the_last_bit():
    points, labels = rng(3).normal(size=(60, 3)), np.arange(60) % 3
    split = Labelled(points=points, labels=labels)
    one_class = Labelled(points=points, labels=np.zeros(60, int))
    found = [class_structure(split, split), class_structure(one_class, one_class), NOTHING]
    again = structures_of(piece_of(found))
    assert [one.numbers for one in again] == [one.numbers for one in found]
    assert again[1].silhouettes is again[2].silhouettes is None
    np.testing.assert_array_equal(again[0].silhouettes.values, found[0].silhouettes.values)
    np.testing.assert_array_equal(again[0].silhouettes.influence, found[0].silhouettes.influence)


def test_structures_are_kept_some_at_a_time_and_not_found_again():
    inputs = SimpleNamespace(labels=np.arange(40) % 2, train_labels=np.arange(40) % 2)
    codes = [(one, one) for one in rng(4).normal(size=(5, 40, 2)).astype("float32")]
    pieces = {}

    def kept(name, compute):
        return pieces.setdefault(name, pieces[name] if name in pieces else compute())

    found = References(inputs, None).structures(codes, kept)
    assert len(pieces) == -(-len(codes) // cores())
    for name in pieces:
        pieces[name] = {key: array if key == "numbers" else array + 1.0 for key, array in pieces[name].items()}
    again = References(inputs, None).structures(codes, kept)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(other.silhouettes.values, one.silhouettes.values + 1.0)
