"""Generation: what new codes decode to, as the data set's classifier sees it, for every variant on one scale.

Expected images E[x|z] are held against real grey test images, at equal counts. References, which no run enters: real
training images in the place of samples, and a Gaussian mixture on principal components.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from typing import Any

import numpy as np

from aebench.backends.weights import Weights
from aebench.data.pixels import FIXED_SEED, Inputs
from aebench.measures.components import pca
from aebench.measures.evaluator import Evaluator
from aebench.measures.points import STEPS, as_bytes, centroids, straight_lines
from aebench.measures.samples.classifier import RECOGNISABLE, Classifier, ambiguous, entropy, recognisable
from aebench.measures.samples.copying import Nearness, copying, nearest
from aebench.measures.samples.manifold import NEIGHBOURS, Real, frechet_distance, overlap, real
from aebench.measures.samples.mixture import mixture_codes, one_thread_each
from aebench.measures.similarity import image_correlation
from aebench.records.keeping import Keeping, Piece, unkept
from aebench.records.record import Numbers

MOST_SAMPLES = 2000  # of each kind, and of real images: distances grow with their square
PAIRS = 200  # of test images of different classes, between which paths lead
MOST_PIXELS = 2**24  # decoded at once, for as many runs as they allow


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What a run generates.

    Attributes:
        numbers, profiles: by name.
        centroid_images: decoded class centroids, `(classes, *image_shape)` uint8; `None` if nothing could be scored.
    """

    numbers: Numbers
    profiles: dict[str, tuple[float, ...]]
    centroid_images: np.ndarray | None


NOTHING = Generated(numbers={}, profiles={}, centroid_images=None)


def _mixtures(pool: Executor, codes: np.ndarray, count: int) -> Piece:
    """New codes of mixtures that are fitted to those of each run."""
    return {"codes": np.stack([*pool.map(lambda own: mixture_codes(own, count), codes)])}


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Classifier entropy along paths between pairs of images.

    Attributes:
        steps: mean over pairs at each of `STEPS` steps, nats; empty without pairs.
        excess: that of the midpoints less the mean of the two ends.
        peaks: share of pairs whose most ambiguous step is the middle one.
    """

    steps: tuple[float, ...]
    excess: float | None
    peaks: float | None


class Samples:
    """Scores what runs generate against the real images of one data set; references are computed once.

    Args:
        inputs: what the runs saw; with labels.
        classifier: of the data set.
    """

    def __init__(self, inputs: Inputs, classifier: Classifier) -> None:
        self.inputs, self.classifier = inputs, classifier
        self.count = min(len(inputs.grey_test), len(inputs.train), MOST_SAMPLES)
        self._baselines: dict[int, Numbers] = {}

    def score(
        self,
        evaluator: Evaluator,
        weights: Sequence[Weights],
        train_codes: np.ndarray,
        test_codes: np.ndarray,
        *,
        mixture: bool = True,
        kept: Keeping = unkept,
    ) -> list[Generated]:
        """What each run generates; nothing if its codes are not finite, or if there are too few images.

        Args:
            evaluator: the cohort's compiled model.
            weights: of its runs.
            train_codes, test_codes: posterior means of the training and test images, `(runs, n, code_dim)`.
            mixture: whether to fit one to training codes, which takes longer than all else.
            kept: keeps the codes of mixtures.
        """
        finite = [np.isfinite(train).all() and np.isfinite(test).all()
                  for train, test in zip(train_codes, test_codes, strict=True)]  # fmt: skip
        chosen = [run for run, good in enumerate(finite) if good]
        found = [NOTHING for _ in weights]
        if self.count <= NEIGHBOURS or not chosen:
            return found
        own = [weights[run] for run in chosen]
        with one_thread_each() as pool:
            drawn = self.count if mixture else 0
            mixtures = train_codes[chosen, :0]
            if mixture:
                fitted = partial(_mixtures, pool, train_codes[chosen], self.count)
                mixtures = kept("samples/mixtures", fitted)["codes"]
            codes = self._codes(evaluator, own, mixtures, test_codes[chosen])
            references = {**self._references, **self.baseline(test_codes.shape[-1])}
            parts = (pool.map(self._score, part) for part in self._decoded(evaluator, own, codes, self._sizes(drawn)))
            for run, generated in zip(chosen, chain.from_iterable(parts), strict=True):
                found[run] = replace(generated, numbers={**generated.numbers, **references})
        return found

    def _codes(
        self, evaluator: Evaluator, weights: Sequence[Weights], mixture: np.ndarray, codes: np.ndarray
    ) -> np.ndarray:
        """All that is to be decoded of each run, in the order of `_sizes`: `(runs, n, code_dim)`."""
        _, prior = evaluator.draw(evaluator.load(weights, self.count), self.inputs.test[:1], self.count)
        first, second = self._pairs
        paths = straight_lines(codes[:, first], codes[:, second]).reshape(len(codes), -1, codes.shape[-1])
        of_classes = np.stack([centroids(own, self._labels) for own in codes])
        return np.concatenate([prior, mixture, of_classes, paths], axis=1).astype("float32")

    def _sizes(self, mixture: int) -> dict[str, int]:
        paths = STEPS * len(self._pairs[0])
        return {"prior": self.count, "mixture": mixture, "centroids": len(self._classes), "paths": paths}

    def _decoded(
        self, evaluator: Evaluator, weights: Sequence[Weights], codes: np.ndarray, sizes: dict[str, int]
    ) -> Iterator[list[dict[str, np.ndarray]]]:
        """Expected images of each run by name, clipped to [0, 1]; of as many runs at a time as `MOST_PIXELS` allows."""
        most = max(1, MOST_PIXELS // (codes.shape[1] * self.inputs.test[0].size))
        size = math.ceil(len(weights) / math.ceil(len(weights) / most))
        ends = np.cumsum([*sizes.values()])[:-1]
        for start in range(0, len(weights), size):
            own = slice(start, start + size)
            decoded = evaluator.decoded(evaluator.load(weights[own], codes.shape[1]), codes[own])
            parts = (np.split(images, ends) for images in np.clip(np.nan_to_num(decoded), 0.0, 1.0))
            yield [dict(zip(sizes, part, strict=True)) for part in parts]

    def _score(self, images: dict[str, np.ndarray]) -> Generated:
        paths = self._along(images["paths"])
        numbers: Numbers = {
            **self.against_real("prior", images["prior"]),
            **(self.against_real("mixture", images["mixture"]) if len(images["mixture"]) else {}),
            **self._against_validation(images["prior"]),
            **self._of_centroids(images["centroids"]),
            "centroid_mean_correlation": float(image_correlation(images["centroids"], self._class_means).mean()),
            "path_entropy_excess_nats": paths.excess,
            "path_peaks_at_midpoint": paths.peaks,
        }
        profiles = {"path_entropy_nats": paths.steps, "path_entropy_nats_pixels": self._pixel_paths.steps}
        return Generated(
            numbers=numbers,
            profiles={name: steps for name, steps in profiles.items() if steps},
            centroid_images=as_bytes(images["centroids"]),
        )

    def against_real(self, source: str, images: np.ndarray) -> Numbers:
        """Numbers of `images` `(count, *image_shape)` in [0, 1], by names that begin with `source`."""
        features, probabilities = self.classifier.judge(images)
        shared = overlap(self._real, features)
        copied = copying(self._test_nearness, self._nearness(features, probabilities))
        return {f"{source}_{name}": value for name, value in {
            **_recognition(probabilities),
            "frechet_distance": frechet_distance(self._real.features, features),
            "precision": shared.precision,
            "recall": shared.recall,
            "density": shared.density,
            "coverage": shared.coverage,
            "clipped_density": shared.clipped_density,
            "clipped_coverage": shared.clipped_coverage,
            "copying_z": copied.z,
            "local_copying_z": copied.lowest_z,
            "sharpness": self._sharpness(images),
        }.items()}  # fmt: skip

    def _nearness(self, features: np.ndarray, probabilities: np.ndarray) -> Nearness:
        """How near judged images are to all training images; their classes are those that the classifier names."""
        return Nearness(distances=nearest(self._train_features, features), classes=probabilities.argmax(axis=1))

    @cached_property
    def _train_features(self) -> np.ndarray:
        return self.classifier.features(self.inputs.train)

    @cached_property
    def _test_nearness(self) -> Nearness:
        return self._nearness(*self.classifier.judge(self._real_images))

    def _against_validation(self, images: np.ndarray) -> Numbers:
        """What a choice among configurations may look at."""
        real_features = self._validation_features
        if real_features is None:
            return {}
        distance = frechet_distance(real_features, self.classifier.features(images[: len(real_features)]))
        return {"prior_frechet_distance_validation": distance}

    @cached_property
    def _validation_features(self) -> np.ndarray | None:
        images = self.inputs.grey_validation
        return None if images is None else self.classifier.features(images[_some(len(images), self.count)])

    def _of_centroids(self, images: np.ndarray) -> Numbers:
        """Numbers of one image a class, in the order of `_classes`."""
        own = self.classifier.probabilities(images)[np.arange(len(images)), self._classes]
        return {
            "centroid_recognised": float(np.mean(own >= RECOGNISABLE)),
            "centroid_confidence": float(np.mean(own)),
            "centroid_sharpness": self._sharpness(images),
        }

    def _along(self, images: np.ndarray) -> Paths:
        """Entropies along paths, from the images of all, one path after the other."""
        if not len(images):
            return Paths(steps=(), excess=None, peaks=None)
        each = entropy(self.classifier.probabilities(images)).reshape(-1, STEPS)
        middle = STEPS // 2
        excess = each[:, middle] - 0.5 * (each[:, 0] + each[:, -1])
        return Paths(
            steps=tuple(float(value) for value in each.mean(axis=0)),
            excess=float(excess.mean()),
            peaks=float(np.mean(each.argmax(axis=1) == middle)),
        )

    def baseline(self, latent_dim: int) -> Numbers:
        """A mixture on as many principal components as a code has numbers."""
        if latent_dim not in self._baselines:
            with one_thread_each():
                self._baselines[latent_dim] = self.against_real("pca_mixture", self._pca_samples(latent_dim))
        return self._baselines[latent_dim]

    def _pca_samples(self, latent_dim: int) -> np.ndarray:
        train = self.inputs.seen_train.reshape(len(self.inputs.train), -1)
        components = self._pca.components_[:latent_dim]
        codes = mixture_codes((train - self._pca.mean_) @ components.T, self.count)
        images = (self._pca.mean_ + codes @ components).reshape(-1, *self.inputs.train.shape[1:])
        return np.asarray(np.clip(images, 0.0, 1.0), "float32")

    @cached_property
    def _pca(self) -> Any:
        """All principal components of the training images as models see them."""
        return pca(self.inputs.seen_train)

    @cached_property
    def _references(self) -> Numbers:
        """All that depends on the data alone, but for the baseline."""
        found = {
            "classifier_accuracy": self.classifier.test_accuracy,
            **self.against_real("train", self.inputs.train[_some(len(self.inputs.train), self.count)]),
            **{f"{name}_pixels": value for name, value in self._of_centroids(self._class_means).items()},
            "path_peaks_at_midpoint_pixels": self._pixel_paths.peaks,
            "path_entropy_excess_nats_pixels": self._pixel_paths.excess,
        }
        real_ones = _recognition(self.classifier.probabilities(self._real_images))
        return found | {f"test_{name}": value for name, value in real_ones.items()}

    @cached_property
    def _class_means(self) -> np.ndarray:
        """The mean grey test image of each class: what centroids would be if codes were pixels."""
        return centroids(self.inputs.grey_test, self._labels)

    @cached_property
    def _pixel_paths(self) -> Paths:
        """Straight lines between the grey images themselves."""
        flat = self.inputs.grey_test.reshape(len(self.inputs.grey_test), -1)
        first, second = self._pairs
        lines = straight_lines(flat[first], flat[second])
        return self._along(lines.reshape(-1, *self.inputs.grey_test.shape[1:]))

    @cached_property
    def _real_images(self) -> np.ndarray:
        return np.asarray(self.inputs.grey_test[_some(len(self.inputs.grey_test), self.count)])

    @cached_property
    def _real(self) -> Real:
        return real(self.classifier.features(self._real_images))

    @cached_property
    def _real_steepness(self) -> float:
        return max(steepness(self._real_images), float(np.finfo("float32").tiny))

    def _sharpness(self, images: np.ndarray) -> float:
        return steepness(images) / self._real_steepness

    @property
    def _labels(self) -> np.ndarray:
        assert self.inputs.labels is not None  # no classifier without them
        return self.inputs.labels

    @cached_property
    def _classes(self) -> np.ndarray:
        return np.unique(self._labels)

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices of test images of different classes, the same for every run."""
        first, second = np.random.default_rng(FIXED_SEED).integers(0, len(self._labels), (2, 20 * PAIRS))
        apart = np.flatnonzero(self._labels[first] != self._labels[second])[:PAIRS]
        return first[apart], second[apart]


def _some(count: int, wanted: int) -> np.ndarray:
    """Indices of `wanted` of `count` images, always the same."""
    return np.random.default_rng(FIXED_SEED).permutation(count)[:wanted]


def _recognition(probabilities: np.ndarray) -> Numbers:
    return {
        "recognisable": float(recognisable(probabilities).mean()),
        "ambiguous": float(ambiguous(probabilities).mean()),
        "entropy_nats": float(entropy(probabilities).mean()),
        "class_entropy_nats": float(entropy(probabilities.mean(axis=0, dtype="float64"))),
    }


def steepness(images: np.ndarray) -> float:
    """How sharp edges are: the root mean square difference of neighbouring pixels of each image, mean over `images`.

    Squares, since the sum of plain differences across an edge is the same however blurred it is (it is the focus
    measure "Tenengrad" of Krotkov 1988, with plain differences for small images). `(n, height, width, channels)`.
    """
    squares = (np.square(np.diff(images, axis=axis)).mean(axis=(1, 2, 3), dtype="float64") for axis in (1, 2))
    return float(np.sqrt(sum(squares)).mean())
