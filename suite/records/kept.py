"""Names of the arrays that a finished run keeps beside its record: one file of each kind, in `artefacts/<run>/`."""

from __future__ import annotations

from enum import StrEnum


class Kept(StrEnum):
    """The files; `figures` are kept of each configuration's first seed alone."""

    WEIGHTS = "weights"  # the final weights by name
    LATENTS = "latents"  # see `Latents`
    FIGURES = "figures"  # see `Figures`


def latents_after(part: float) -> str:
    """The file of the latents that a run had after that part of its training, a milestone: `latents-0.5`."""
    return Kept.LATENTS if part == 1.0 else f"{Kept.LATENTS}-{part:g}"


class Latents(StrEnum):
    """What the run makes of each test image, `(n, ...)`, and of its classes.

    A metric that is a mean over images keeps its value of each under its own name, unless it declares other arrays.
    """

    MEAN = "mean"  # posterior means, (n, code_dim)
    DISTORTION = "distortion"  # nats, mean over drawn codes
    RATE = "rate"  # nats, mean over drawn codes; of a run with a posterior
    RECON_MSE = "recon_mse"
    RECON_NATS = "recon_nats"
    NLL = "nll"  # of a run with a density
    SILHOUETTE = "silhouette"
    SILHOUETTE_INFLUENCE = "silhouette_influence"  # see `aebench.measures.classes.silhouettes`
    CENTROID_IMAGES = "centroid_images"  # (classes, *image_shape) uint8


class Figures(StrEnum):
    """What pictures are drawn from: images, uint8 `(..., height, width, channels)`, or float32 series or vectors.

    Series are `(..., time steps, channels)`, vectors `(..., columns)`.
    """

    ORIGINALS = "originals"  # the first test images
    RECONSTRUCTIONS = "reconstructions"  # of these, from a posterior sample
    PRIOR_SAMPLES = "prior_samples"
    PRIOR_CODES = "prior_codes"  # (m, code_dim), of a prior that is not N(0, I)
    PRIOR_SAMPLE_LABELS = "prior_sample_labels"  # what the classifier reads in each
    INTERPOLATIONS = "interpolations"  # (pairs, steps, ...)
    CENTROIDS = "centroids"
    TRAVERSALS = "traversals"  # (dimensions, steps, ...)
    MANIFOLD = "manifold"  # (rows, columns, ...), of two-dimensional codes
    ANOMALIES = "anomalies"  # (rows, images, ...), see `aebench.measures.uses.shown`
    IMPUTATIONS = "imputations"  # (truth, masked, filled; images, ...)
    RETRIEVED = "retrieved"  # (queries, the query and what is nearest, ...)
    FACTOR_SHARES = "factor_shares"  # (dimensions as of traversals, factors)
    FACTOR_PATHS = "factor_paths"  # (factors, steps, ...), between two images that differ in one factor
    FACTOR_ENDS = "factor_ends"  # these images, (factors, 2, ...)
    FACTOR_PATH_NAMES = "factor_path_names"  # of these factors
    FACTOR_NAMES = "factor_names"  # of those that vary
    FACTOR_PERIODS = "factor_periods"  # (factors,), 0 of those that are not periodic
    EMBEDDING_INDEX = "embedding_index"  # places of the embedded images in the test split, (m,)
    EMBEDDING_IMAGES = "embedding_images"
    EMBEDDING_RECONSTRUCTIONS = "embedding_reconstructions"
    EMBEDDING_CODES = "embedding_codes"  # (m, code_dim)
    EMBEDDING_LABELS = "embedding_labels"  # (m,)
    EMBEDDING_FACTORS = "embedding_factors"  # (m, factors), of those that vary
    EMBEDDING_PCA = "embedding_pca"  # (m, 2)
    EMBEDDING_TSNE = "embedding_tsne"  # (m, 2)
    CLASS_NAMES = "class_names"
    COLUMN_NAMES = "column_names"  # of vectors, or of the channels of series; absent with images
    DECODER_ACTIVATIONS = "decoder_activations"  # of a dense decoder, one name a layer


DECODER = ("decoder_kernel_", "decoder_bias_")  # how the names of a dense decoder's arrays begin


def decoder_kernel(layer: int) -> str:
    """The name in `Figures` of a dense decoder layer's kernel, `(inputs, outputs)` half floats."""
    return f"{DECODER[0]}{layer}"


def decoder_bias(layer: int) -> str:
    """The name in `Figures` of a dense decoder layer's bias, `(outputs,)`."""
    return f"{DECODER[1]}{layer}"
