"""How classes lie in a representation, by measures that don't share the silhouette's blind spots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aebench.data.pixels import FIXED_SEED
from aebench.measures.classes.silhouettes import Silhouettes, silhouettes
from aebench.records.keeping import Piece
from aebench.records.record import Numbers

MOST_FITTED = 10_000  # training images that neighbours and probe are fitted on; classes in proportion
NEIGHBOURS = 5
RESTARTS = 10  # of k-means
FEWEST_APART = 10  # points at places of their own, below which no dimension is told
_NUMBERS = "numbers"


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Points of one split and their classes: `(n, d)` and `(n,)`."""

    points: np.ndarray
    labels: np.ndarray

    def at_most(self, count: int) -> Labelled:
        """A fixed part of at most `count` points, with classes in proportion."""
        if len(self.labels) <= count:
            return self
        order = np.random.default_rng(FIXED_SEED).permutation(len(self.labels))
        order = order[np.argsort(self.labels[order], kind="stable")]
        chosen = order[np.linspace(0, len(order) - 1, count).round().astype(int)]
        return Labelled(points=self.points[chosen], labels=self.labels[chosen])


@dataclass(frozen=True, kw_only=True)
class Structure:
    """Numbers by name, and the silhouettes of the test points; `None` where they have none."""

    numbers: Numbers
    silhouettes: Silhouettes | None


NOTHING = Structure(numbers={}, silhouettes=None)


def piece_of(found: Sequence[Structure]) -> Piece:
    """Structures as a piece that can be kept."""
    piece = {_NUMBERS: np.frombuffer(json.dumps([one.numbers for one in found], default=float).encode(), "uint8")}
    for at, one in enumerate(found):
        if one.silhouettes is not None:
            piece |= {f"{at}/values": one.silhouettes.values, f"{at}/influence": one.silhouettes.influence}
    return piece


def structures_of(piece: Piece) -> list[Structure]:
    """The structures of a piece."""
    return [
        Structure(
            numbers=numbers,
            silhouettes=Silhouettes(values=piece[f"{at}/values"], influence=piece[f"{at}/influence"])
            if f"{at}/values" in piece
            else None,
        )
        for at, numbers in enumerate(json.loads(piece[_NUMBERS].tobytes()))
    ]


def class_structure(train: Labelled, test: Labelled) -> Structure:
    """All measures of a representation: classes of the test points, with neighbours and probe fitted on `train`.

    None of them depends on where the representation lies, or on its scale. Safe to call from several threads.

    Args:
        train: points in any number; a fixed part of `MOST_FITTED` serves.
        test: all of them are judged.

    Returns:
        `intrinsic_dimension`, `silhouette`, `kmeans_nmi`, `kmeans_ari`, `kmeans_accuracy`, `knn_accuracy` and
        `probe_accuracy`, and the silhouettes. Nothing is told of points that aren't finite, and no class measure of
        fewer than two classes.
    """
    if not (np.isfinite(test.points).all() and np.isfinite(train.points).all()):
        return NOTHING
    train, test = _in_units(train.at_most(MOST_FITTED), test)
    numbers: Numbers = {"intrinsic_dimension": intrinsic_dimension(test.points)}
    if len(np.unique(test.labels)) < 2 or len(np.unique(train.labels)) < 2:
        return Structure(numbers=numbers, silhouettes=None)
    found = silhouettes(test.points, test.labels)
    clusters = k_means(test.points, len(np.unique(test.labels)))
    numbers |= {
        "silhouette": float(found.values.mean()),
        "kmeans_nmi": mutual_information_share(clusters, test.labels),
        "kmeans_ari": adjusted_rand_index(clusters, test.labels),
        "kmeans_accuracy": cluster_accuracy(clusters, test.labels),
        "knn_accuracy": neighbour_accuracy(train, test),
        "probe_accuracy": probe_accuracy(train, test),
    }
    return Structure(numbers=numbers, silhouettes=found)


def clustering(points: Labelled) -> float | None:
    """How well k-means finds classes, as `kmeans_nmi` of `class_structure`; `None` if not all points are finite."""
    if not np.isfinite(points.points).all():
        return None
    _, points = _in_units(points, points)
    return mutual_information_share(k_means(points.points, len(np.unique(points.labels))), points.labels)


def _in_units(train: Labelled, test: Labelled) -> tuple[Labelled, Labelled]:
    """Both moved and scaled alike, to within ±1 about the middle of the test points, so that no square overflows."""
    low, high = (end(test.points, axis=0).astype("float64") for end in (np.min, np.max))
    middle = low + (high - low) / 2.0
    apart = [part.points - middle for part in (train, test)]
    unit = max(*(float(np.abs(points).max()) for points in apart), np.finfo("float64").tiny)
    scaled = [(points / unit).astype("float32") for points in apart]
    return Labelled(points=scaled[0], labels=train.labels), Labelled(points=scaled[1], labels=test.labels)


def k_means(points: np.ndarray, clusters: int) -> np.ndarray:
    """The best of `RESTARTS` k-means clusterings of `points` `(n, d)` from a fixed seed.

    Returns:
        `(n,)` cluster numbers; collapsed points that lie at fewer places than `clusters` make as many clusters.
    """
    from sklearn.cluster import KMeans

    places = min(clusters, len(np.unique(points, axis=0)))
    found: np.ndarray = KMeans(places, n_init=RESTARTS, random_state=FIXED_SEED).fit_predict(points)
    return found


def mutual_information_share(clusters: np.ndarray, labels: np.ndarray) -> float:
    """Mutual information of clusters and classes over the mean of their entropies, 0 to 1 (Strehl & Ghosh 2002)."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(labels, clusters))


def adjusted_rand_index(clusters: np.ndarray, labels: np.ndarray) -> float:
    """Agreement on which pairs belong together, 0 by chance and 1 at best (Hubert & Arabie 1985)."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(labels, clusters))


def cluster_accuracy(clusters: np.ndarray, labels: np.ndarray) -> float:
    """Share of points whose cluster is their class's, under the best one-to-one naming of clusters (Kuhn 1955)."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    table = contingency_matrix(labels, clusters)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / len(labels))


def neighbour_accuracy(train: Labelled, test: Labelled) -> float:
    """Share of test points whose class is that of most of their `NEIGHBOURS` nearest training points."""
    from sklearn.neighbors import KNeighborsClassifier

    neighbours = min(NEIGHBOURS, len(train.labels))
    model = KNeighborsClassifier(neighbours, algorithm="brute").fit(train.points, train.labels)
    return float(model.score(test.points, test.labels))


def probe_accuracy(train: Labelled, test: Labelled) -> float:
    """Share of test points that a multinomial logistic regression on standardised coordinates puts into their class.

    With scikit-learn's own weak penalty, C = 1.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(model.fit(train.points.astype("float64"), train.labels).score(test.points, test.labels))


def intrinsic_dimension(points: np.ndarray) -> float | None:
    """How many dimensions points fill locally, by the distances to their two nearest neighbours (Facco et al. 2017).

    The unbiased form of the maximum-likelihood estimate, (n - 1) / Σ log(r2 / r1) (Denti et al. 2022). Points that lie
    on another count for nothing. Too low where a dimension above ten meets a few hundred points, as with any estimator
    by neighbours. Library versions of it need a compiler at run time and fail on collapsed points.

    Args:
        points: `(n, d)`.

    Returns:
        The dimension; `None` where fewer than `FEWEST_APART` points lie apart.
    """
    from sklearn.neighbors import NearestNeighbors

    points = np.unique(points, axis=0)
    if len(points) < FEWEST_APART:
        return None
    nearest, second = NearestNeighbors(n_neighbors=2).fit(points).kneighbors()[0].T
    told = nearest > 0.0  # distances of points almost on one another may round to 0
    ratios = np.log(second[told] / nearest[told]).sum()
    return float((told.sum() - 1) / ratios) if ratios > 0.0 else None
