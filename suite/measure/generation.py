"""Pictures of runs: prior samples, reconstructions, interpolations, class centroids and the latent space.

Drawn alike for every variant, from the same images, pairs and noise.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from suite.inputs import FIXED_SEED, Inputs
from suite.measure.evaluator import Evaluator
from suite.measure.latent import principal_components
from suite.measure.tsne import tsne
from suite.weights import Weights

PRIOR_SAMPLES = 25
RECONSTRUCTIONS = 10
PAIRS = 5
STEPS = 11
EMBEDDED = 2000  # t-SNE's time grows with the square of their number

Figures = dict[str, np.ndarray]


def figures(evaluator: Evaluator, weights: Sequence[Weights], inputs: Inputs, codes: np.ndarray) -> list[Figures]:
    """All picture arrays of each run, images as uint8, by name.

    Args:
        evaluator: the cohort's compiled model.
        weights: of the runs.
        inputs: the data they were scored on.
        codes: posterior means of the test images, `(runs, n, latent_dim)`.
    """
    originals = inputs.test[:RECONSTRUCTIONS]
    runs = evaluator.load(weights, RECONSTRUCTIONS)
    drawn, prior = evaluator.draw(runs, originals, PRIOR_SAMPLES)
    points = {"prior_samples": prior, "reconstructions": drawn, "interpolations": paths(drawn)}
    if inputs.labels is not None:
        points["centroids"] = np.stack([centroids(own, inputs.labels) for own in codes])
    pictures = decoded(evaluator, weights, points)
    shared = {"originals": as_bytes(originals)}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # XLA descends on one core
        planes = list(pool.map(lambda own: embeddings(own, inputs), codes))
    return [
        {**shared, **{name: images[run] for name, images in pictures.items()}, **plane}
        for run, plane in enumerate(planes)
    ]


def decoded(evaluator: Evaluator, weights: Sequence[Weights], points: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Pictures of named codes `(runs, ..., latent_dim)`, all in one call: `(runs, ..., *image_shape)` uint8."""
    shapes = {name: codes.shape[1:-1] for name, codes in points.items()}
    flat = [codes.reshape(len(codes), -1, codes.shape[-1]) for codes in points.values()]
    runs = evaluator.load(weights, sum(codes.shape[1] for codes in flat))
    images = as_bytes(evaluator.decoded(runs, np.concatenate(flat, axis=1)))
    ends = np.cumsum([codes.shape[1] for codes in flat])[:-1]
    parts = np.split(images, ends, axis=1)
    return {
        name: part.reshape(len(part), *shape, *part.shape[2:])
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as uint8; a Gaussian decoder's means beyond that are clipped."""
    return np.asarray((np.clip(np.nan_to_num(images), 0.0, 1.0) * 255.0).round(), "uint8")


def paths(codes: np.ndarray) -> np.ndarray:
    """Straight lines between codes (0, 1), (2, 3) ... of each run.

    Args:
        codes: `(runs, n, latent_dim)`.

    Returns:
        `(runs, pairs, STEPS, latent_dim)`.
    """
    pairs = min(PAIRS, codes.shape[1] // 2)
    return straight_lines(codes[:, 0 : 2 * pairs : 2], codes[:, 1 : 2 * pairs : 2])


def straight_lines(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """`STEPS` points from each of `start` to its fellow in `end`, `(..., d)`: `(..., STEPS, d)`."""
    share = np.linspace(0.0, 1.0, STEPS, dtype="float32")[:, None]
    return np.asarray((1.0 - share) * start[..., None, :] + share * end[..., None, :])


def centroids(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean code of each class, `(classes, latent_dim)`."""
    return np.stack([codes[labels == label].mean(axis=0) for label in np.unique(labels)])


def embeddings(codes: np.ndarray, inputs: Inputs) -> Figures:
    """Up to `EMBEDDED` test codes in the plane: directly if 2-D, by PCA and t-SNE if more."""
    index = subset(len(codes), inputs.labels)
    chosen = codes[index]
    arrays: Figures = {"embedding_index": index}
    if inputs.labels is not None:
        arrays["embedding_labels"] = inputs.labels[index]
        names = inputs.class_names or tuple(str(label) for label in np.unique(inputs.labels))
        arrays["class_names"] = np.array(names)
    if codes.shape[1] == 2:
        return {**arrays, "embedding_direct": chosen}
    if codes.shape[1] > 2:
        plane = principal_components(chosen, chosen, 2).astype("float32")
        return {**arrays, "embedding_pca": plane, "embedding_tsne": tsne(chosen)}
    return arrays


def subset(count: int, labels: np.ndarray | None) -> np.ndarray:
    """Sorted indices of at most `EMBEDDED` test images, the same for every run, classes in proportion."""
    if count <= EMBEDDED:
        return np.arange(count)
    order = np.random.default_rng(FIXED_SEED).permutation(count)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
        order = order[np.linspace(0, count - 1, EMBEDDED).round().astype(int)]
    return np.sort(order[:EMBEDDED])
