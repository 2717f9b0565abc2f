"""What people choose an autoencoder for: the metric that scores it, and what validation chooses by. No Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from aebench.analysis.configurations import Configuration

BySeed = Mapping[int, float]
# What a choice goes by after that part of training, higher is better; empty where it is not known.
Criterion = Callable[[Configuration, float], BySeed]


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """One use, its metric on test, and the criterion on validation that goes with it.

    Attributes:
        name: of the use.
        metric: a name in `METRICS`.
        criterion: what validation chooses by.
        by_epoch: whether the criterion is known of each epoch, and not of the end alone.
    """

    name: str
    metric: str
    criterion: Criterion
    by_epoch: bool


def validation_elbo(configuration: Configuration, part: float = 1.0) -> BySeed:
    """-(distortion + rate) on validation after that part of the epochs; empty without a rate."""
    rate, distortion = (_after(configuration, name, part) for name in ("val_rate", "val_distortion"))
    return {seed: -(distortion[seed] + rate[seed]) for seed in rate}


def validation_distortion(configuration: Configuration, part: float = 1.0) -> BySeed:
    """-distortion on validation after that part of the epochs (higher is better)."""
    return {seed: -value for seed, value in _after(configuration, "val_distortion", part).items()}


def mean_over_seeds(values: BySeed) -> float | None:
    """Their mean; `None` of none."""
    return float(np.mean([*values.values()])) if values else None


def _validation_metric(metric: str, better: int) -> Criterion:
    """The metric at the end, negated where less is better: `better` is 1 or -1."""

    def criterion(configuration: Configuration, part: float) -> BySeed:  # noqa: ARG001
        if _saw_validation(configuration):
            return {}
        return {seed: better * value for seed, value in configuration.values(metric).items()}

    return criterion


def _saw_validation(configuration: Configuration) -> bool:
    """Whether it was trained on the validation split, which then chooses nothing."""
    return configuration.specs[0].train_on != "train"


def _after(configuration: Configuration, curve: str, part: float) -> BySeed:
    """The value of each run's learning curve after that part of its epochs; empty where a run lacks it."""
    if _saw_validation(configuration):
        return {}
    curves = {record.spec.seed: getattr(record.curve, curve) for record in configuration.usable}
    if not all(curves.values()):
        return {}
    return {seed: values[max(round(part * len(values)), 1) - 1] for seed, values in curves.items()}


LIKELIHOOD = Purpose(name="Likelihood", metric="elbo_nats", criterion=validation_elbo, by_epoch=True)
RECONSTRUCTION = Purpose(name="Reconstruction", metric="recon_mse", criterion=validation_distortion, by_epoch=True)
CLASS_STRUCTURE = Purpose(
    name="Class structure",
    metric="silhouette",
    criterion=_validation_metric("silhouette_validation", 1),
    by_epoch=False,
)
SAMPLING = Purpose(
    name="Sampling",
    metric="prior_frechet_distance",
    criterion=_validation_metric("prior_frechet_distance_validation", -1),
    by_epoch=False,
)
PURPOSES = (LIKELIHOOD, RECONSTRUCTION, CLASS_STRUCTURE, SAMPLING)  # in the page's order
