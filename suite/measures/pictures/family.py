"""Pictures of runs: prior samples, reconstructions, interpolations, centroids, traversals and the latent space.

Drawn alike for every variant, from the same images, pairs and noise.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from aebench.data.pixels import FIXED_SEED, Inputs
from aebench.measures.components import principal_components
from aebench.measures.family import Family, Measured
from aebench.measures.points import centroids, pictured, straight_lines
from aebench.records.kept import Figures

if TYPE_CHECKING:
    from aebench.backends.weights import Weights
    from aebench.measures.context import Context
    from aebench.measures.evaluator import Evaluator
    from aebench.measures.programs import Runs

PRIOR_SAMPLES = 25
PRIOR_CODES = 100  # kept of a prior that a page could not draw from by itself
RECONSTRUCTIONS = 10
PAIRS = 5
EMBEDDED = 1000  # as many as a page can hold with their reconstructions
TRAVERSED = 8  # latent dimensions, those that vary most
REACH = 3.0  # standard deviations to either side
GRID = 15  # decoded points along each side of a plane
CENTRAL = 0.98  # of the codes along each axis, which that plane spans

Arrays = dict[str, np.ndarray]


def figures(evaluator: Evaluator, weights: Sequence[Weights], inputs: Inputs, codes: np.ndarray) -> list[Arrays]:
    """All picture arrays of each run, images as uint8, series and vectors as float32, by the names of `Figures`.

    Args:
        evaluator: the cohort's compiled model.
        weights: of the runs.
        inputs: the data they were scored on.
        codes: posterior means of the test images, `(runs, n, code_dim)`.
    """
    from aebench.measures.pictures.dense import dense_decoder

    originals = inputs.test[:RECONSTRUCTIONS]
    runs = evaluator.load(weights, RECONSTRUCTIONS)
    drawn, prior = evaluator.draw(runs, originals, PRIOR_SAMPLES)
    codes_of_prior = [{}] * len(weights) if evaluator.has_standard_prior else _prior_codes(evaluator, runs, originals)
    index = subset(codes.shape[1], inputs.labels)
    points: Arrays = {
        Figures.PRIOR_SAMPLES: prior,
        Figures.RECONSTRUCTIONS: drawn,
        Figures.INTERPOLATIONS: paths(drawn),
        Figures.TRAVERSALS: np.stack([traversals(own) for own in codes]),
        Figures.EMBEDDING_RECONSTRUCTIONS: codes[:, index],
    }
    if inputs.labels is not None:
        points[Figures.CENTROIDS] = np.stack([centroids(own, inputs.labels) for own in codes])
    if codes.shape[-1] == 2 and inputs.has_images:
        points[Figures.MANIFOLD] = np.stack([grid(own) for own in codes])
    shape = inputs.test.shape[1:]
    shared: Arrays = {
        Figures.ORIGINALS: pictured(originals, shape),
        Figures.EMBEDDING_IMAGES: pictured(inputs.test[index], shape),
    }
    if inputs.factors and inputs.has_images:
        names, ends = _factor_ends(inputs, index)
        if names:
            points[Figures.FACTOR_PATHS] = straight_lines(codes[:, ends[:, 0]], codes[:, ends[:, 1]])
            shared[Figures.FACTOR_ENDS] = pictured(inputs.test[ends], shape)
            shared[Figures.FACTOR_PATH_NAMES] = np.array(names)
    pictures = decoded(evaluator, weights, points)
    if inputs.column_names:
        shared[Figures.COLUMN_NAMES] = np.array(inputs.column_names)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # XLA descends on one core
        planes = list(pool.map(lambda own: embeddings(own, index, inputs), codes))
    return [
        {
            **shared,
            **{name: images[run] for name, images in pictures.items()},
            **plane,
            **codes_of_prior[run],
            **(dense_decoder(evaluator.model, weights[run]) if inputs.test.ndim > 2 else {}),
        }
        for run, plane in enumerate(planes)
    ]


def _factor_ends(inputs: Inputs, index: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Names of the factors in which the test images at `index` differ, and two images for each, `(factors, 2)`."""
    from aebench.measures.factors.representations import representations
    from aebench.measures.pictures.along import pairs

    known = representations(inputs).test
    if not known.factors:
        return [], np.zeros((0, 2), int)
    kept, ends = pairs(known, index)
    return [known.factors[at].name for at in kept], ends


def _prior_codes(evaluator: Evaluator, runs: Runs, images: np.ndarray) -> list[Arrays]:
    _, codes = evaluator.draw(runs, images, PRIOR_CODES)
    return [{Figures.PRIOR_CODES: own.astype("float16")} for own in codes]


def decoded(evaluator: Evaluator, weights: Sequence[Weights], points: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Pictures of named codes `(runs, ..., code_dim)`, all in one call: `(runs, ..., *image_shape)`, see `pictured`."""
    shapes = {name: codes.shape[1:-1] for name, codes in points.items()}
    flat = [codes.reshape(len(codes), -1, codes.shape[-1]) for codes in points.values()]
    runs = evaluator.load(weights, sum(codes.shape[1] for codes in flat))
    images = pictured(evaluator.decoded(runs, np.concatenate(flat, axis=1)), evaluator.model.image_shape)
    ends = np.cumsum([codes.shape[1] for codes in flat])[:-1]
    parts = np.split(images, ends, axis=1)
    return {
        name: part.reshape(len(part), *shape, *part.shape[2:])
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def paths(codes: np.ndarray) -> np.ndarray:
    """Straight lines between codes (0, 1), (2, 3) ... of each run.

    Args:
        codes: `(runs, n, code_dim)`.

    Returns:
        `(runs, pairs, STEPS, code_dim)`.
    """
    pairs = min(PAIRS, codes.shape[1] // 2)
    return straight_lines(codes[:, 0 : 2 * pairs : 2], codes[:, 1 : 2 * pairs : 2])


def traversals(codes: np.ndarray) -> np.ndarray:
    """Codes from the mean along each of the dimensions that vary most, the others held.

    Args:
        codes: `(n, code_dim)`.

    Returns:
        `(dims, STEPS, code_dim)`, the most varied dimension first, from -`REACH` to `REACH` of its own standard
        deviations; dims is `TRAVERSED` or `latent_dim`, whichever is less.
    """
    mean, spread = codes.mean(axis=0), codes.std(axis=0)
    dims = most_varied(codes)
    reach = np.eye(codes.shape[1])[dims] * (REACH * spread[dims])[:, None]
    return np.asarray(straight_lines(mean - reach, mean + reach), "float32")


def most_varied(codes: np.ndarray) -> np.ndarray:
    """The dimensions of `codes` `(n, code_dim)` that vary most, at most `TRAVERSED`, the most varied first."""
    return np.argsort(-codes.std(axis=0), kind="stable")[:TRAVERSED]


def grid(codes: np.ndarray) -> np.ndarray:
    """Points in equal steps over the plane of 2-D `codes` `(n, 2)`, to the quantiles that hold `CENTRAL` of each axis.

    Returns:
        `(GRID, GRID, 2)`: rows from the top, that is from the largest second coordinate.
    """
    ends = np.quantile(codes, [0.5 - CENTRAL / 2, 0.5 + CENTRAL / 2], axis=0)
    across, up = (np.linspace(low, high, GRID) for low, high in ends.T)
    return np.stack(np.meshgrid(across, up[::-1]), axis=-1).astype("float32")


def embeddings(codes: np.ndarray, index: np.ndarray, inputs: Inputs) -> Arrays:
    """The test codes at `index`, and where they lie in the plane: directly if 2-D, by PCA and t-SNE if more."""
    from aebench.measures.pictures.tsne import tsne

    chosen = codes[index]
    arrays: Arrays = {Figures.EMBEDDING_INDEX: index, Figures.EMBEDDING_CODES: chosen}
    if inputs.labels is not None:
        arrays[Figures.EMBEDDING_LABELS] = inputs.labels[index]
        names = inputs.class_names or tuple(str(label) for label in np.unique(inputs.labels))
        arrays[Figures.CLASS_NAMES] = np.array(names)
    if codes.shape[1] > 2:
        plane = principal_components(chosen, chosen, 2).astype("float32")
        return {**arrays, Figures.EMBEDDING_PCA: plane, Figures.EMBEDDING_TSNE: tsne(chosen)}
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


def measure(context: Context) -> Sequence[Measured]:
    """Draws each run that is to be pictured, unless its codes are not finite."""
    chosen = [
        run for run, member in enumerate(context.members)
        if member.pictured and np.isfinite(context.scored[run].codes).all()
    ]  # fmt: skip
    found = [Measured() for _ in context.members]
    if chosen:
        codes = np.stack([context.scored[run].codes for run in chosen])
        drawn = figures(context.evaluator, [context.members[run].weights for run in chosen], context.inputs, codes)
        for run, own in zip(chosen, drawn, strict=True):
            found[run] = Measured(figures={**_labelled(own, context), **_known_factors(context, run)})
    return found


def _known_factors(context: Context, run: int) -> Arrays:
    """Factors of the embedded images, and how much each traversed dimension tells of each, in shares of its entropy."""
    if not context.inputs.factors:
        return {}
    from aebench.measures.factors.information import entropies, mutual_information
    from aebench.measures.factors.representations import representations

    known, codes = representations(context.inputs).test, context.scored[run].codes
    told = mutual_information(codes[:, most_varied(codes)], known.levels) / entropies(known.levels)
    return {
        Figures.FACTOR_SHARES: told.astype("float32"),
        Figures.FACTOR_NAMES: np.array([factor.name for factor in known.factors]),
        Figures.FACTOR_PERIODS: np.array([factor.period or 0.0 for factor in known.factors]),
        Figures.EMBEDDING_FACTORS: known.values[subset(len(codes), context.inputs.labels)].astype("float32"),
    }


def _labelled(figures: Arrays, context: Context) -> Arrays:
    """Adds what the classifier sees in each prior sample."""
    if context.classifier is None:
        return figures
    from aebench.measures.samples.classifier import sample_labels

    found = context.classifier.probabilities(figures[Figures.PRIOR_SAMPLES].astype("float32") / 255.0)
    labels = sample_labels(found, context.classifier.class_names)
    return {**figures, Figures.PRIOR_SAMPLE_LABELS: np.array(labels)}


FAMILY = Family(name="pictures", group="images", measure=measure)
