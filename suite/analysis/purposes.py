"""What people choose an autoencoder for: the metric that scores it, and what validation chooses by. No Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from aebench.analysis.configurations import Configuration

BySeed = Mapping[int, float]
# What a choice goes by, higher is better; empty where it is not known.
Criterion = Callable[[Configuration], BySeed]


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """One use, its metric on test, and the criterion on validation that goes with it.

    Attributes:
        name: of the use.
        metric: a name in `METRICS`.
        criterion: what validation chooses by.
        references: the same of what is no trained model, by metric, with what it is called.
    """

    name: str
    metric: str
    criterion: Criterion
    references: tuple[tuple[str, str], ...] = ()


def validation_elbo(configuration: Configuration) -> BySeed:
    """-(distortion + rate) on validation at the end of training; empty without a rate."""
    rate, distortion = (_last(configuration, name) for name in ("val_rate", "val_distortion"))
    return {seed: -(distortion[seed] + rate[seed]) for seed in rate}


def validation_distortion(configuration: Configuration) -> BySeed:
    """-distortion on validation at the end of training (higher is better)."""
    return {seed: -value for seed, value in _last(configuration, "val_distortion").items()}


def mean_over_seeds(values: BySeed) -> float | None:
    """Their mean; `None` of none."""
    return float(np.mean([*values.values()])) if values else None


def _validation_metric(metric: str, better: int) -> Criterion:
    """The metric at the end, negated where less is better: `better` is 1 or -1."""

    def criterion(configuration: Configuration) -> BySeed:
        if _saw_validation(configuration):
            return {}
        return {seed: better * value for seed, value in configuration.values(metric).items()}

    return criterion


def _saw_validation(configuration: Configuration) -> bool:
    """Whether it was trained on the validation split, which then chooses nothing."""
    return configuration.specs[0].train_on != "train"


def _last(configuration: Configuration, curve: str) -> BySeed:
    """The last value of each run's learning curve; empty where a run lacks it."""
    if _saw_validation(configuration):
        return {}
    curves = {record.spec.seed: getattr(record.curve, curve) for record in configuration.usable}
    return {seed: values[-1] for seed, values in curves.items()} if all(curves.values()) else {}


LIKELIHOOD = Purpose(name="Likelihood", metric="elbo_nats", criterion=validation_elbo)
RECONSTRUCTION = Purpose(name="Reconstruction", metric="recon_mse", criterion=validation_distortion)
CLASS_STRUCTURE = Purpose(
    name="Class structure",
    metric="silhouette",
    criterion=_validation_metric("silhouette_validation", 1),
)
SAMPLING = Purpose(
    name="Sampling",
    metric="prior_frechet_distance",
    criterion=_validation_metric("prior_frechet_distance_validation", -1),
)
PURPOSES = (LIKELIHOOD, RECONSTRUCTION, CLASS_STRUCTURE, SAMPLING)  # in the page's order


def _use(name: str, metric: str, better: int, **references: str) -> Purpose:
    return Purpose(
        name=name,
        metric=metric,
        criterion=_validation_metric(f"{metric}_validation", better),
        references=tuple((f"{metric}_{key}", called) for key, called in references.items()),
    )


# What codes are used for, in the page's order; PCA is beside each.
USES = (
    _use("Few labels", "few_labels_accuracy_10", 1, pca="PCA", pixels="raw pixels", untrained="an untrained encoder"),
    _use("Clustering", "kmeans_nmi", 1, pca="PCA", pixels="raw pixels", untrained="an untrained encoder"),
    _use("Retrieval", "retrieval_map", 1, pca="PCA", pixels="raw pixels", untrained="an untrained encoder"),
    _use("Anomalies", "anomaly_auroc", 1, pca="PCA's error", pixels="distance in pixels"),
    _use("Unseen class", "unseen_class_auroc", 1, pca="PCA's error", pixels="distance in pixels"),
    _use("Other data sets", "other_set_auroc", 1, pca="PCA's error", pixels="distance in pixels"),
    _use("Imputation", "imputation_mse_half", -1, pca="PCA", neighbours="nearest images", mean="the mean image"),
    _use("Denoising", "denoising_mse", -1, pca="PCA", noisy="the noisy image"),
    _use("Compression", "compression_mse_16", -1, pca="PCA"),
    Purpose(
        name="Lossless storage",
        metric="lossless_bits",
        criterion=validation_elbo,
        references=tuple(
            (f"lossless_bits_{key}", called) for key, called in (("png", "PNG"), ("pixels", "single pixels"))
        ),
    ),
    _use("Under shift", "shift_accuracy", 1, pca="PCA", pixels="raw pixels"),
)
