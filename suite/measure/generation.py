"""Pictures of a run: prior samples, reconstructions, interpolations, class centroids and the latent space.

Drawn alike for every variant, from the same images, pairs and noise.
"""

from __future__ import annotations

import numpy as np

from suite.inputs import FIXED_SEED, Inputs
from suite.measure.evaluator import Evaluator
from suite.weights import Weights

PRIOR_SAMPLES = 25
RECONSTRUCTIONS = 10
PAIRS = 5
STEPS = 11
EMBEDDED = 2000  # t-SNE of 10,000 codes takes 32 s, of 2,000 5 s


def figures(evaluator: Evaluator, weights: Weights, inputs: Inputs, codes: np.ndarray) -> dict[str, np.ndarray]:
    """All picture arrays of a run, images as uint8, by name.

    Args:
        evaluator: the cohort's compiled model.
        weights: of the run.
        inputs: the data it was scored on.
        codes: posterior means of the test images, `(n, latent_dim)`.
    """
    originals = inputs.test[:RECONSTRUCTIONS]
    drawn = evaluator.draw(weights, originals, "reconstruction")
    arrays = {
        "prior_samples": evaluator.images(weights, evaluator.prior_draw(weights, PRIOR_SAMPLES)),
        "originals": originals,
        "reconstructions": evaluator.images(weights, drawn),
        "interpolations": interpolations(evaluator, weights, drawn),
    }
    if inputs.labels is not None:
        arrays["centroids"] = evaluator.images(weights, centroids(codes, inputs.labels))
    pictures = {name: as_bytes(images) for name, images in arrays.items()}
    return {**pictures, **embeddings(codes, inputs)}


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as uint8; a Gaussian decoder's means beyond that are clipped."""
    return np.asarray((np.clip(np.nan_to_num(images), 0.0, 1.0) * 255.0).round(), "uint8")


def interpolations(evaluator: Evaluator, weights: Weights, codes: np.ndarray) -> np.ndarray:
    """Images along straight lines between codes (0, 1), (2, 3) ...: `(pairs, STEPS, *image_shape)`."""
    pairs = min(PAIRS, len(codes) // 2)
    start, end = codes[0 : 2 * pairs : 2, None], codes[1 : 2 * pairs : 2, None]
    share = np.linspace(0.0, 1.0, STEPS, dtype="float32")[None, :, None]
    path = (1.0 - share) * start + share * end
    images = evaluator.images(weights, path.reshape(pairs * STEPS, -1))
    return images.reshape(pairs, STEPS, *images.shape[1:])


def centroids(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean code of each class, `(classes, latent_dim)`."""
    return np.stack([codes[labels == label].mean(axis=0) for label in np.unique(labels)])


def embeddings(codes: np.ndarray, inputs: Inputs) -> dict[str, np.ndarray]:
    """Up to `EMBEDDED` test codes in the plane: directly if 2-D, by PCA and t-SNE if more."""
    index = subset(len(codes), inputs.labels)
    chosen = codes[index]
    arrays: dict[str, np.ndarray] = {"embedding_index": index}
    if inputs.labels is not None:
        arrays["embedding_labels"] = inputs.labels[index]
        names = inputs.class_names or tuple(str(label) for label in np.unique(inputs.labels))
        arrays["class_names"] = np.array(names)
    if codes.shape[1] == 2:
        return {**arrays, "embedding_direct": chosen}
    if codes.shape[1] > 2:
        return {**arrays, "embedding_pca": _pca(chosen), "embedding_tsne": _tsne(chosen)}
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


def _pca(codes: np.ndarray) -> np.ndarray:
    from sklearn.decomposition import PCA

    return np.asarray(PCA(2).fit_transform(codes), "float32")


def _tsne(codes: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(codes) - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=FIXED_SEED)
    return np.asarray(tsne.fit_transform(codes), "float32")
