"""How alike two models' latent spaces and pictures are. NumPy alone."""

from __future__ import annotations

from math import comb

import numpy as np

NEIGHBOURS = 10


def linear_cka(codes: np.ndarray, others: np.ndarray) -> float:
    """Linear centred kernel alignment of two representations of the same images (Kornblith et al. 2019, section 3).

    Unchanged by rotation, place and scale; 1 for a representation and itself, near 0 for independent ones of many more
    images than dimensions.

    Args:
        codes, others: `(n, d)` and `(n, e)`.

    Returns:
        0 to 1; NaN if one of them is constant.
    """
    one, other = _centred(codes), _centred(others)
    shared = np.linalg.norm(other.T @ one) ** 2
    size = np.linalg.norm(one.T @ one) * np.linalg.norm(other.T @ other)
    return float(shared / size) if size > 0 else float("nan")


def _centred(points: np.ndarray) -> np.ndarray:
    """The points in float64, about their mean and within ±1: all 0 if they are one, whatever rounding makes of it."""
    points = points.astype("float64")
    spread = np.ptp(points, axis=0)
    apart = np.where(spread > 0, points - points.mean(axis=0), 0.0)
    return np.asarray(apart / max(float(spread.max()), np.finfo("float64").tiny))


def neighbour_overlap(codes: np.ndarray, others: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """How far each image has the same nearest neighbours in two representations: Jaccard index, mean over images.

    Holds the distances of all pairs: meant for a few thousand images. See `chance_overlap` for what independent
    representations share.

    Args:
        codes, others: `(n, d)` and `(n, e)`.
        neighbours: how many; of fewer than twice as many images, half of the others.

    Returns:
        0 to 1; NaN if one of them is constant: nothing is nearest then.
    """
    neighbours = _at_most_half(len(codes), neighbours)
    one, other = _centred(codes), _centred(others)
    if not (one.any() and other.any()):
        return float("nan")
    shared = (_nearest(one, neighbours) & _nearest(other, neighbours)).sum(axis=1)
    return float(np.mean([_jaccard(count, neighbours) for count in shared.tolist()]))


def chance_overlap(images: int, neighbours: int = NEIGHBOURS) -> float:
    """What `neighbour_overlap` is expected to be of independent representations of two images or more.

    The shared neighbours of an image are then hypergeometric: those among `neighbours` of the `images - 1` others that
    are also among another `neighbours` of them.
    """
    others, neighbours = images - 1, _at_most_half(images, neighbours)
    ways = comb(others, neighbours)
    return sum(
        comb(neighbours, shared) * comb(others - neighbours, neighbours - shared) / ways * _jaccard(shared, neighbours)
        for shared in range(neighbours + 1)
    )


def _at_most_half(images: int, neighbours: int) -> int:
    """So many of an image's `images - 1` others that there are as many again."""
    return min(neighbours, max((images - 1) // 2, 1))


def _jaccard(shared: int, neighbours: int) -> float:
    """The Jaccard index of two sets of `neighbours` with `shared` members in common."""
    return shared / (2 * neighbours - shared)


def _nearest(points: np.ndarray, count: int) -> np.ndarray:
    """Whether a point is among the `count` nearest ones of another, `(n, n)`."""
    squares = np.sum(points**2, axis=1)
    distances = squares[:, None] + squares - 2.0 * points @ points.T
    np.fill_diagonal(distances, np.inf)
    among = np.zeros(distances.shape, bool)
    np.put_along_axis(among, np.argpartition(distances, count - 1, axis=1)[:, :count], True, axis=1)
    return among


def image_correlation(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Pearson correlation of the pixels of each pair of images.

    Args:
        images, others: `(n, *image_shape)`.

    Returns:
        `(n,)`; 0 where an image has one grey alone.
    """
    one, other = _pixels(images), _pixels(others)
    told = (np.ptp(one, axis=1) > 0) & (np.ptp(other, axis=1) > 0)
    one, other = (part - part.mean(axis=1, keepdims=True) for part in (one, other))
    size = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    products = (one * other).sum(axis=1)
    return np.asarray(np.divide(products, size, out=np.zeros_like(products), where=told))


def _pixels(images: np.ndarray) -> np.ndarray:
    return np.asarray(images.reshape(len(images), -1).astype("float64"))


def relative_strength(ranks: np.ndarray, others: np.ndarray) -> float:
    """How far each dimension of two models of one kind has one counterpart in the other, whatever its order and sign.

    The pairwise score of unsupervised disentanglement ranking (UDR, Spearman form; Duan et al. 2020, equation 3): a
    dimension's largest rank correlation, squared, over the sum of all of its. Models that are disentangled alike find
    the same dimensions; models that mix them do so each in its own way.

    Args:
        ranks, others: `centred_ranks` of codes `(n, d)` and `(n, e)` of the same images, informative dimensions alone.

    Returns:
        0 to 1; 0 if one of them has no dimension.
    """
    if not (ranks.shape[1] and others.shape[1]):
        return 0.0
    alike = np.abs(ranks.T @ others)
    scores = [_share(alike), _share(alike.T)]
    return float(np.concatenate(scores).mean())


def centred_ranks(points: np.ndarray) -> np.ndarray:
    """Each dimension's ranks, centred and of length 1; 0 of a constant one."""
    from scipy.stats import rankdata

    ranks = rankdata(points, axis=0)
    ranks -= ranks.mean(axis=0)
    size = np.linalg.norm(ranks, axis=0)
    return np.asarray(np.divide(ranks, size, out=np.zeros_like(ranks), where=size > 0))


def _share(alike: np.ndarray) -> np.ndarray:
    """The largest of each row, squared, over the row's sum; 0 of an empty row."""
    total = alike.sum(axis=1)
    return np.asarray(np.divide(alike.max(axis=1) ** 2, total, out=np.zeros_like(total), where=total > 0))
