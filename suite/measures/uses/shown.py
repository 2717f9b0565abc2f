"""What uses have to show of a run, as pictures: few images, the same of every run but for what it makes of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aebench.data.pixels import Inputs
from aebench.measures.points import pictured
from aebench.measures.uses.detection import Scores, nearest_places
from aebench.measures.uses.representations import some
from aebench.measures.uses.trials import DATA, Trial
from aebench.records.kept import Figures

IMAGES = 10  # in a row
QUERIES = 5
GALLERY = 2000  # training images that are looked through

Arrays = dict[str, np.ndarray]


def ranked(trial: Trial, found: Mapping[str, Scores], score: str) -> Arrays:
    """Test images, the strangest first; those least strange; outliers, those that pass most easily first.

    Args:
        trial: the images.
        found: their scores, by kind.
        score: the one that ranks them.
    """
    data = np.argsort(-found[DATA][score], kind="stable")
    kinds = [kind for kind in found if kind != DATA]
    outliers = np.concatenate([trial.seen[kind][: trial.distinct[kind]] for kind in kinds])
    passing = np.argsort(np.concatenate([found[kind][score] for kind in kinds]), kind="stable")
    count = min(IMAGES, len(data), len(outliers))
    rows = [trial.seen[DATA][data[:count]], trial.seen[DATA][data[::-1][:count]], outliers[passing[:count]]]
    return _kept(Figures.ANOMALIES, np.stack(rows))


def filled(seen: np.ndarray, missing: np.ndarray, estimates: np.ndarray) -> Arrays:
    """Images, the same with what is missing in grey, and with the estimate in its place; each `(n, *image_shape)`."""
    seen, missing, estimates = (array[:IMAGES] for array in (seen, missing, estimates))
    masked, complete = (np.where(missing > 0.5, instead, seen) for instead in (0.5, estimates))
    return _kept(Figures.IMPUTATIONS, np.stack([seen, masked, complete]))


def retrieved(inputs: Inputs, train: np.ndarray, test: np.ndarray) -> Arrays:
    """The first test images, each before the training images whose codes are nearest to its own, the nearest first.

    Args:
        inputs: the images.
        train, test: their codes, `(n, code_dim)`.
    """
    gallery = some(len(train), GALLERY)
    places = nearest_places(train[gallery], test[:QUERIES], IMAGES - 1)
    rows = [
        np.concatenate([inputs.test[query : query + 1], inputs.seen_train[gallery[own]]])
        for query, own in enumerate(places)
    ]
    return _kept(Figures.RETRIEVED, np.stack(rows))


def _kept(name: str, images: np.ndarray) -> Arrays:
    return {name: pictured(images, images.shape[2:])}
