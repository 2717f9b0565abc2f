"""Numbers about how classes lie in the latent space, each beside the same measure of other representations."""

from __future__ import annotations

from typing import Final, Literal

from suite.metrics.metric import Metric

MEASURES: Final[dict[str, tuple[str, str, Literal["higher"] | None, str]]] = {
    "silhouette": ("Silhouette", "-1..1", "higher", "Euclidean, true classes, exact over the test split"),
    "kmeans_nmi": (
        "k-means NMI",
        "0..1",
        "higher",
        "normalised mutual information of true classes and k-means clusters of the test split, best of 10 starts",
    ),
    "kmeans_accuracy": (
        "k-means accuracy",
        "share",
        "higher",
        "share of the test split whose k-means cluster is its class's, under the best naming of clusters",
    ),
    "knn_accuracy": (
        "5-NN accuracy",
        "share",
        "higher",
        "share of the test split whose class most of its 5 nearest training images have (among 10,000 at most)",
    ),
    "probe_accuracy": (
        "Linear probe accuracy",
        "share",
        "higher",
        "share of the test split that a logistic regression, fitted to training images (10,000 at most; standardised), "
        "gets right",
    ),
    "intrinsic_dimension": (
        "Intrinsic dimension",
        "",
        None,
        "dimensions that the test split fills locally, from each image's two nearest neighbours (Facco et al. 2017); "
        "too low above ten, and binarised pixels add their noise to it",
    ),
}
# Smaller than what the choice of 360 test images, of a seed or of a binarisation does to them.
MARGINS: Final = {
    "silhouette": 0.01,
    "kmeans_nmi": 0.02,
    "kmeans_accuracy": 0.02,
    "knn_accuracy": 0.01,
    "probe_accuracy": 0.01,
}
REFERENCES: Final = {
    "pixels": ("pixels", "reference: of the raw pixels that the models saw"),
    "pca": ("PCA", "reference: of as many principal components of the same pixels, fitted on the training split"),
    "untrained": ("untrained encoder", "reference: of this run's encoder before training"),
}

METRICS: Final[dict[str, Metric]] = {
    name: metric
    for measure, (label, unit, better, about) in MEASURES.items()
    for name, metric in {
        measure: Metric(
            label=label, unit=unit, better=better, about=f"{about}; on posterior means", margin=MARGINS.get(measure)
        ),
        **{
            f"{measure}_{key}": Metric(label=f"{label} of {of}", unit=unit, better=better, about=f"{what}; {about}")
            for key, (of, what) in REFERENCES.items()
        },
    }.items()
} | {
    "silhouette_validation": Metric(
        label="Silhouette, validation split",
        unit="-1..1",
        better="higher",
        about="the silhouette of the validation split: what the best class structure is chosen by",
    ),
    "silhouette_grey": Metric(
        label="Silhouette, grey input",
        unit="-1..1",
        better="higher",
        about="the silhouette, encoding the grey images instead of their fixed binarisation",
    ),
}
PROFILES: Final[dict[str, Metric]] = {
    "silhouette_by_class": Metric(
        label="Silhouette by class",
        unit="-1..1",
        better="higher",
        about="mean over the test images of the class",
        per="class",
    ),
}
