"""Generated images, as the data set's own small classifier sees them: what is measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Better, Metric
from aebench.records.kept import Latents

if TYPE_CHECKING:
    from aebench.measures.context import Context

# Whose images are scored, and what they are; the last three are references, in which no run enters.
SOURCES: Final[dict[str, tuple[str, str]]] = {
    "prior": ("Prior samples", "of codes drawn from the prior; for a plain autoencoder N(0, I), which it never saw"),
    "mixture": (
        "Mixture samples",
        "of codes drawn from a 10-component Gaussian mixture fitted to training codes (Ghosh et al. 2020)",
    ),
    "pca_mixture": ("PCA + mixture samples", "reference: such a mixture on as many principal components"),
    "train": ("Training images", "reference, as good as samples can look: real training images in their place"),
    "test": ("Test images", "reference: the real test images themselves"),
}
RECOGNITION: Final[dict[str, tuple[str, str, Better, str]]] = {
    "recognisable": ("recognisable", "share", "higher", "share that the classifier puts into one class with p >= 0.9"),
    "ambiguous": ("ambiguous", "share", "lower", "share with just two classes of p >= 0.2, as in 1/7"),
    "entropy_nats": ("ambiguity", "nats", "lower", "entropy of the classifier's probabilities, mean over images"),
    "class_entropy_nats": (
        "class entropy",
        "nats",
        "higher",
        "entropy of the classifier's mean probabilities: log of the number of classes if all appear equally often",
    ),
}
AGAINST_TEST: Final[dict[str, tuple[str, str, Better, str]]] = {
    "frechet_distance": (
        "Fréchet distance",
        "features²",
        "lower",
        "of Gaussians fitted to the classifier's features of these and of as many test images (Heusel et al. 2017); "
        "to be compared inside one data set alone",
    ),
    "precision": (
        "precision",
        "share",
        "higher",
        "share within the 5-neighbour radius of a test image, in features (Kynkäänniemi et al. 2019)",
    ),
    "recall": (
        "recall",
        "share",
        "higher",
        "share of test images within the 5-neighbour radius of one of these, in features (Kynkäänniemi et al. 2019)",
    ),
    "density": (
        "density",
        "",
        "higher",
        "test images inside whose 5-neighbour radius one of these lies, over 5, mean; about 1 for real images "
        "(Naeem et al. 2020)",
    ),
    "coverage": (
        "coverage",
        "share",
        "higher",
        "share of test images inside whose 5-neighbour radius one of these lies (Naeem et al. 2020)",
    ),
    "clipped_density": (
        "clipped density",
        "share",
        "higher",
        "about the share of these that are as good as real ones: density with at most 1 for each image and no radius "
        "above the median, over that of test images (Salvy et al. 2025)",
    ),
    "clipped_coverage": (
        "clipped coverage",
        "share",
        "higher",
        "about the share of these that would cover the test images as well if drawn like real ones: images inside a "
        "5-neighbour radius over 5, at most 1, calibrated (Salvy et al. 2025)",
    ),
    "copying_z": (
        "nearness to training images",
        "z",
        None,
        "whether these lie nearer to a training image than test images do, in features, inside each class the "
        "classifier names: z-scores of Mann-Whitney's U, joined; standard normal for real images held out, far below 0 "
        "for copies, above 0 for images unlike real ones, which may still hide a few copies (Meehan et al. 2020)",
    ),
    "local_copying_z": (
        "nearness to training images, nearest class",
        "z",
        None,
        "the same of the class where these lie nearest, allowing for the number of classes",
    ),
    "sharpness": (
        "sharpness",
        "of real",
        None,
        "root mean square difference of neighbouring pixels over that of test images: below 1 blurred or pale, above 1 "
        "also where there is noise",
    ),
}
# 2: a distance that equals the radius is inside or not as the authors have it; before, rounding could decide.
_VERSIONS: Final = {"precision": 2, "recall": 2, "density": 2, "coverage": 2}
CENTROIDS: Final[dict[str, tuple[str, str, Better, str]]] = {
    "centroid_recognised": (
        "recognisable",
        "share",
        "higher",
        "share of classes whose image shows them with p >= 0.9",
    ),
    "centroid_confidence": ("confidence", "share", "higher", "the classifier's probability of the own class, mean"),
    "centroid_sharpness": AGAINST_TEST["sharpness"],
}
PATHS: Final[dict[str, tuple[str, str, Better, str]]] = {
    "path_entropy_excess_nats": (
        "ambiguity of midpoints",
        "nats",
        None,
        "entropy of the classifier's probabilities at the middle less that at the two ends, mean",
    ),
    "path_peaks_at_midpoint": (
        "most ambiguous at the middle",
        "share",
        None,
        "share whose most ambiguous of 11 steps is the middle one; by chance 1/11",
    ),
}
_PAIRS: Final = "200 pairs of test images of two classes"
# A family's references, by the suffix of their names, with the label and what the images are.
_CENTROIDS: Final = {
    "": ("Class centroids", "the decoded mean code of each class"),
    "_pixels": ("Class means in pixels", "reference: the mean test image of each class"),
}
_PATHS: Final = {
    "": ("Paths", f"straight paths between the codes of {_PAIRS}"),
    "_pixels": ("Paths in pixels", f"reference: straight paths between the pixels of {_PAIRS}"),
}


def _of_images(
    whose: str, what: str, measures: dict[str, tuple[str, str, Better, str]], name: str = "{}"
) -> dict[str, Metric]:
    """The same measures of one kind of images; `name` makes each one's name."""
    return {
        name.format(measure): Metric(
            label=f"{whose}, {label}",
            unit=unit,
            better=better,
            about=f"{about}; {what}",
            version=_VERSIONS.get(measure, 1),
            margin=0.02 if unit in ("share", "of real") else None,
        )
        for measure, (label, unit, better, about) in measures.items()
    }


_METRICS: Final[dict[str, Metric]] = {
    name: metric
    for family in (
        *(
            _of_images(*texts, RECOGNITION if source == "test" else RECOGNITION | AGAINST_TEST, f"{source}_{{}}")
            for source, texts in SOURCES.items()
        ),
        *(_of_images(*texts, CENTROIDS, f"{{}}{suffix}") for suffix, texts in _CENTROIDS.items()),
        *(_of_images(*texts, PATHS, f"{{}}{suffix}") for suffix, texts in _PATHS.items()),
    )
    for name, metric in family.items()
} | {
    "prior_frechet_distance_validation": Metric(
        label="Prior samples, Fréchet distance on validation",
        unit="features²",
        better="lower",
        about="the same against validation images: what the best sampler is chosen by",
    ),
    "centroid_mean_correlation": Metric(
        label="Centroids and class means",
        unit="-1..1",
        better=None,
        about="Pearson correlation of the pixels of a decoded class centroid and of the mean test image of that class",
    ),
    "classifier_accuracy": Metric(
        label="Classifier accuracy",
        unit="share",
        better=None,
        about="reference: of the classifier that all measures of samples use, on the grey test images",
    ),
}
_PROFILES: Final[dict[str, Metric]] = {
    f"path_entropy_nats{suffix}": Metric(
        label=f"{whose}, ambiguity",
        unit="nats",
        better=None,
        about=f"entropy of the classifier's probabilities at each of 11 steps, mean; {what}",
        per="step",
    )
    for suffix, (whose, what) in _PATHS.items()
}


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run; nothing without labels, for there is no classifier then."""
    from aebench.measures.classes.references import references

    samples = references(context.inputs, context.classifier).samples
    if samples is None:
        return [Measured()] * context.count
    weights = [member.weights for member in context.members]
    found = samples.score(
        context.evaluator, weights, context.train[0], context.codes, mixture=not context.milestone, kept=context.kept
    )
    return [
        Measured(
            numbers=one.numbers,
            profiles=one.profiles,
            latents={} if one.centroid_images is None else {Latents.CENTROID_IMAGES: one.centroid_images},
        )
        for one in found
    ]


FAMILY = Family(
    name="samples",
    group="images",
    metrics=_METRICS,
    profiles=_PROFILES,
    judged=True,
    measure=measure,
    needs_labels=True,
    needs_images=True,
    at_milestones=True,
)
