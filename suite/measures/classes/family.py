"""How classes lie in the latent space, each measure beside the same measure of other representations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.records.kept import Latents
from aebench.records.record import Numbers

if TYPE_CHECKING:
    from aebench.measures.classes.structure import Structure
    from aebench.measures.context import Context

MEASURES: Final[dict[str, tuple[str, str, Literal["higher"] | None, str]]] = {
    "silhouette": ("Silhouette", "-1..1", "higher", "Euclidean, true classes, exact over the test split"),
    "kmeans_nmi": (
        "k-means NMI",
        "0..1",
        "higher",
        "normalised mutual information of true classes and k-means clusters of the test split, best of 10 starts",
    ),
    "kmeans_ari": (
        "k-means ARI",
        "-1..1",
        "higher",
        "adjusted Rand index of true classes and the same clusters: on which pairs they agree, 0 by chance",
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
    "kmeans_ari": 0.02,
    "kmeans_accuracy": 0.02,
    "knn_accuracy": 0.01,
    "probe_accuracy": 0.01,
}
# What a measure is held against: the end of the metric's name, how it is called, and what it is.
REFERENCES: Final = {
    "pixels": ("pixels", "reference: of the raw pixels that the models saw"),
    "pca": ("PCA", "reference: of as many principal components of the same pixels, fitted on the training split"),
    "untrained": ("untrained encoder", "reference: of this run's encoder before training"),
}

_METRICS: Final[dict[str, Metric]] = {
    name: metric
    for measure, (label, unit, better, about) in MEASURES.items()
    for name, metric in {
        measure: Metric(
            label=label,
            unit=unit,
            better=better,
            about=f"{about}; on posterior means",
            margin=MARGINS.get(measure),
            kept=((Latents.SILHOUETTE_INFLUENCE, 1.0),) if measure == "silhouette" else (),
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
    "kmeans_nmi_validation": Metric(
        label="k-means NMI, validation split",
        unit="0..1",
        better="higher",
        about="the same of clusters of the validation split: what the best for clustering is chosen by",
    ),
    "silhouette_grey": Metric(
        label="Silhouette, grey input",
        unit="-1..1",
        better="higher",
        about="the silhouette, encoding the grey images instead of their fixed binarisation",
    ),
}
_PROFILES: Final[dict[str, Metric]] = {
    "silhouette_by_class": Metric(
        label="Silhouette by class",
        unit="-1..1",
        better="higher",
        about="mean over the test images of the class",
        per="class",
    ),
}


def references_of(measure: str) -> dict[str, str]:
    """The metrics that a class measure is held against, with what they are called: `{"silhouette_pca": "PCA", ...}`."""
    return {f"{measure}_{key}": name for key, (name, _) in REFERENCES.items()}


def measure(context: Context) -> Sequence[Measured]:
    """Measures the codes of each run, those of its untrained encoder, and the data; nothing without labels."""
    from aebench.measures.classes.references import references, untrained

    data, encode = context.inputs, context.evaluator.representations
    if data.labels is None or data.train_labels is None:
        return [Measured()] * context.count
    if context.milestone:
        return _silhouettes_alone(context)
    known = references(data, context.classifier)
    codes = zip(context.train[0], (run.codes for run in context.scored), strict=True)
    first = zip(*context.untrained_codes, strict=True)
    found = known.structures([*codes, *first], context.kept)
    alike = np.array_equal(data.test, data.grey_test)
    grey = [None] * context.count if alike else encode(context.runs, data.grey_test)
    shared = known.of_size(context.latent_dim, context.kept)
    validation = [a | b for a, b in zip(_validation(context), _clusters(context), strict=True)]
    return [
        _measured(
            context, found[run], grey[run], {**untrained(found[context.count + run]), **shared, **validation[run]}
        )
        for run in range(context.count)
    ]


def _measured(context: Context, found: Structure, grey: np.ndarray | None, shared: Numbers) -> Measured:
    from aebench.measures.classes.silhouettes import silhouettes

    labels = context.inputs.labels
    if found.silhouettes is None or labels is None:
        return Measured(numbers={**found.numbers, **shared})
    own = found.silhouettes
    on_grey = own if grey is None else silhouettes(grey, labels)
    return Measured(
        numbers={**found.numbers, "silhouette_grey": float(on_grey.values.mean()), **shared},
        profiles={"silhouette_by_class": context.by_class(own.values)},
        latents={
            Latents.SILHOUETTE: own.values.astype("float32"),
            Latents.SILHOUETTE_INFLUENCE: own.influence.astype("float32"),
        },
    )


def _silhouettes_alone(context: Context) -> Sequence[Measured]:
    from aebench.measures.classes.silhouettes import silhouettes

    labels = context.inputs.labels
    if labels is None or len(np.unique(labels)) < 2:
        return [Measured()] * context.count
    found = [silhouettes(own, labels) if np.isfinite(own).all() else None for own in context.codes]
    return [
        Measured()
        if own is None
        else Measured(
            numbers={"silhouette": float(own.values.mean()), **validation},
            profiles={"silhouette_by_class": context.by_class(own.values)},
            latents={Latents.SILHOUETTE_INFLUENCE: own.influence.astype("float32")},
        )
        for own, validation in zip(found, _validation(context), strict=True)
    ]


def _validation(context: Context) -> list[Numbers]:
    """What a choice among configurations may look at."""
    from aebench.measures.classes.silhouettes import silhouettes

    labels = context.inputs.validation_labels
    if labels is None or len(np.unique(labels)) < 2:
        return [{}] * context.count
    return [
        {"silhouette_validation": float(silhouettes(own, labels).values.mean())} if np.isfinite(own).all() else {}
        for own in context.validation_codes
    ]


def _clusters(context: Context) -> list[Numbers]:
    """What a choice for clustering may look at."""
    from aebench.measures.classes.structure import Labelled, clustering
    from aebench.measures.samples.mixture import one_thread_each

    labels = context.inputs.validation_labels
    if labels is None or len(np.unique(labels)) < 2:
        return [{}] * context.count
    with one_thread_each() as pool:
        found = pool.map(clustering, [Labelled(points=own, labels=labels) for own in context.validation_codes])
        return [{"kmeans_nmi_validation": value} for value in found]


FAMILY = Family(
    name="classes",
    group="classes",
    metrics=_METRICS,
    profiles=_PROFILES,
    measure=measure,
    needs_labels=True,
    at_milestones=True,
)
