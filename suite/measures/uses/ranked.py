"""Searching images by their codes."""

from __future__ import annotations

import numpy as np

from aebench.measures.uses.representations import in_units


def searched(
    gallery: np.ndarray, gallery_labels: np.ndarray, queries: np.ndarray, labels: np.ndarray, nearest: int
) -> tuple[np.ndarray, np.ndarray]:
    """How well each query finds the images of its class.

    Args:
        gallery, gallery_labels: codes to search `(m, d)` and their classes, in no order, which decides between images
            that are equally near.
        queries, labels: codes `(n, d)` and classes.
        nearest: images in which to look for one of the class.

    Returns:
        Average precision, `(n,)`, and 1 where one of the class is among the `nearest`, else 0. Queries of a class that
        the gallery lacks find nothing: 0.
    """
    known, asked = in_units(gallery, queries)
    squares = asked.astype("float32") @ (-2.0 * known.T.astype("float32"))
    squares += np.sum(known**2, axis=1, dtype=np.float64).astype("float32")
    order = np.argsort(squares, axis=1, kind="stable")
    same = gallery_labels[order] == labels[:, None]
    found = np.cumsum(same, axis=1)
    precision = np.where(same, found / np.arange(1, len(known) + 1), 0.0).sum(axis=1)
    return precision / np.maximum(found[:, -1], 1), same[:, :nearest].any(axis=1).astype("float64")
