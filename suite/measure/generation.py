"""Pictures of runs: prior samples, reconstructions, interpolations, centroids, traversals and the latent space.

Drawn alike for every variant, from the same images, pairs and noise.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from suite.inputs import FIXED_SEED, Inputs
from suite.measure.dense import dense_decoder
from suite.measure.evaluator import Evaluator
from suite.measure.latent import principal_components
from suite.measure.tsne import tsne
from suite.weights import Weights

PRIOR_SAMPLES = 25
RECONSTRUCTIONS = 10
PAIRS = 5
STEPS = 11
EMBEDDED = 1000  # as many as a page can hold with their reconstructions
TRAVERSED = 8  # latent dimensions, those that vary most
REACH = 3.0  # standard deviations to either side
GRID = 15  # decoded points along each side of a plane
CENTRAL = 0.98  # of the codes along each axis, which that plane spans

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
    index = subset(codes.shape[1], inputs.labels)
    points = {
        "prior_samples": prior,
        "reconstructions": drawn,
        "interpolations": paths(drawn),
        "traversals": np.stack([traversals(own) for own in codes]),
        "embedding_reconstructions": codes[:, index],
    }
    if inputs.labels is not None:
        points["centroids"] = np.stack([centroids(own, inputs.labels) for own in codes])
    if codes.shape[-1] == 2:
        points["manifold"] = np.stack([grid(own) for own in codes])
    pictures = decoded(evaluator, weights, points)
    shared = {"originals": as_bytes(originals), "embedding_images": as_bytes(inputs.test[index])}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # XLA descends on one core
        planes = list(pool.map(lambda own: embeddings(own, index, inputs), codes))
    return [
        {
            **shared,
            **{name: images[run] for name, images in pictures.items()},
            **plane,
            **dense_decoder(evaluator.model, weights[run]),
        }
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


def traversals(codes: np.ndarray) -> np.ndarray:
    """From the mean code along each of the dimensions that vary most, the others held.

    Args:
        codes: `(n, latent_dim)`.

    Returns:
        `(dims, STEPS, latent_dim)`, the most varied dimension first, from -`REACH` to `REACH` of its own standard
        deviations; dims is `TRAVERSED` or `latent_dim`, whichever is less.
    """
    mean, spread = codes.mean(axis=0), codes.std(axis=0)
    dims = np.argsort(-spread, kind="stable")[:TRAVERSED]
    reach = np.eye(codes.shape[1])[dims] * (REACH * spread[dims])[:, None]
    return np.asarray(straight_lines(mean - reach, mean + reach), "float32")


def grid(codes: np.ndarray) -> np.ndarray:
    """Points in equal steps over the plane of 2-D `codes` `(n, 2)`, to the quantiles that hold `CENTRAL` of each axis.

    Returns:
        `(GRID, GRID, 2)`: rows from the top, that is from the largest second coordinate.
    """
    ends = np.quantile(codes, [0.5 - CENTRAL / 2, 0.5 + CENTRAL / 2], axis=0)
    across, up = (np.linspace(low, high, GRID) for low, high in ends.T)
    return np.stack(np.meshgrid(across, up[::-1]), axis=-1).astype("float32")


def embeddings(codes: np.ndarray, index: np.ndarray, inputs: Inputs) -> Figures:
    """The test codes at `index`, and where they lie in the plane: directly if 2-D, by PCA and t-SNE if more."""
    chosen = codes[index]
    arrays: Figures = {"embedding_index": index, "embedding_codes": chosen}
    if inputs.labels is not None:
        arrays["embedding_labels"] = inputs.labels[index]
        names = inputs.class_names or tuple(str(label) for label in np.unique(inputs.labels))
        arrays["class_names"] = np.array(names)
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
