"""Telling outliers from data by a score: how well it parts them, and scores that need no autoencoder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

LEAST_VARIANCE = 1e-3  # of a grey pixel that never changes, in the model of single pixels

Scores = Mapping[str, np.ndarray]  # by the name of the score, (n,), higher is stranger


def shares_above(data: np.ndarray, strange: np.ndarray) -> np.ndarray:
    """The share of outliers that score higher than each image of the data; those that score the same count half.

    The mean is the area under the ROC curve (Hanley & McNeil 1982).

    Args:
        data, strange: scores `(n,)` and `(m,)`, higher is stranger.

    Returns:
        `(n,)`.
    """
    ordered = np.sort(strange)
    not_above = np.searchsorted(ordered, data, "right") + np.searchsorted(ordered, data, "left")
    return np.asarray(1.0 - not_above / (2 * len(ordered)))


def average_precision(data: np.ndarray, strange: np.ndarray) -> float:
    """The mean share of outliers among images at least as strange as each outlier."""
    from sklearn.metrics import average_precision_score

    truth = np.repeat([0, 1], [len(data), len(strange)])
    finite = np.nan_to_num(np.concatenate([data, strange]).astype("float64"))  # infinite likelihoods are the strangest
    return float(average_precision_score(truth, finite))


def nearest(gallery: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Euclidean distance of each of `points` `(n, d)` to the nearest of `gallery` `(m, d)`: `(n,)` float64."""
    middle = gallery.mean(axis=0, dtype=np.float64)
    known, asked = ((part - middle).astype("float32") for part in (gallery, points))
    squares = asked @ (-2.0 * known.T)
    squares += np.sum(known**2, axis=1)
    found = squares.argmin(axis=1)  # rounding decides at most between neighbours that are as near
    return np.asarray(np.linalg.norm(points.astype("float64") - gallery[found], axis=1))


def nearest_places(gallery: np.ndarray, points: np.ndarray, count: int) -> np.ndarray:
    """Places in `gallery` `(m, d)` of the `count` nearest to each of `points` `(n, d)`, the nearest first."""
    apart = np.stack([np.linalg.norm(gallery.astype("float64") - point, axis=1) for point in points])
    return np.argsort(apart, axis=1, kind="stable")[:, :count]


class SinglePixels:
    """A model of images whose pixels know nothing of each other: Bernoulli of binary pixels, else Gaussian.

    Args:
        train: grey training images `(n, *image_shape)`.
        binary: whether models see them binarised.
    """

    def __init__(self, train: np.ndarray, binary: bool) -> None:
        self.binary, self.mean = binary, train.mean(axis=0, dtype=np.float64)
        self.variance = np.maximum(train.var(axis=0, dtype=np.float64), LEAST_VARIANCE)

    def log_prob(self, seen: np.ndarray) -> np.ndarray:
        """Log p(x) of images `(n, *image_shape)`, `(n,)` nats."""
        if self.binary:
            mean = np.clip(self.mean, 1e-3, 1.0 - 1e-3)  # as far in as decoders start
            each = seen * np.log(mean) + (1.0 - seen) * np.log1p(-mean)
        else:
            each = -0.5 * ((seen - self.mean) ** 2 / self.variance + np.log(2.0 * np.pi * self.variance))
        return np.asarray(each.reshape(len(seen), -1).sum(axis=1))
