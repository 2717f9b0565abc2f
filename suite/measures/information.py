"""What codes say about images: mutual information, and how far the aggregated posterior is from the prior."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aebench.data.pixels import FIXED_SEED
from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.models.streams import stream

if TYPE_CHECKING:
    from aebench.measures.context import Context

CODES = 2000  # drawn to take the expectation over
PAIRS = 2**21  # of a code and a posterior, whose densities are held at once
# Of Gaussian codes of 1 to 16 dimensions with known information, an estimate 3 nats below log N fell short of it by .04
# to .3 nats, one 2 nats below by .15 to .6, one 1 nat below by .4 to 1.3; at .2 nats it says nothing.
NEAR_CEILING = 2.0


@dataclass(frozen=True, kw_only=True)
class Information:
    """A run's information in nats; `mutual_information + marginal_kl` is the mean rate of the drawn images.

    Attributes:
        mutual_information: I(x; z) = E[log q(z|x) - log q(z)], at most `ceiling`. Of which of these images a code is;
            of the population that they come from, a lower bound.
        marginal_kl: KL(q(z) || p(z)) = E[log q(z) - log p(z)].
        ceiling: log of the number of images in q(z).
    """

    mutual_information: float
    marginal_kl: float
    ceiling: float


def information(mean: np.ndarray, log_var: np.ndarray, rng: np.random.Generator) -> Information:
    """Splits the rate of Gaussian posteriors under a standard normal prior (Hoffman & Johnson 2016).

    q(z) is the mean of the posteriors of all given images; codes are drawn from those of up to `CODES` of them.

    Args:
        mean, log_var: of each image's posterior, `(n, latent_dim)`; the images that q(z) is over.
        rng: draws images and codes.
    """
    mean, log_var = mean.astype("float64"), log_var.astype("float64")
    count, size = mean.shape
    chosen = rng.choice(count, min(CODES, count), replace=False)
    noise = rng.standard_normal((len(chosen), size))
    codes = mean[chosen] + np.exp(0.5 * log_var[chosen]) * noise
    own = -0.5 * (noise**2 + log_var[chosen] + math.log(2.0 * math.pi)).sum(axis=1)
    prior = -0.5 * (codes**2 + math.log(2.0 * math.pi)).sum(axis=1)
    aggregated = aggregated_log_prob(codes, mean, log_var)
    return Information(
        mutual_information=float(np.mean(own - aggregated)),
        marginal_kl=float(np.mean(aggregated - prior)),
        ceiling=math.log(count),
    )


def aggregated_log_prob(codes: np.ndarray, mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    """log q(z) of codes under the mean of all posteriors, by matrix products of a part of the codes at a time.

    Args:
        codes: `(m, latent_dim)`.
        mean, log_var: `(n, latent_dim)`.

    Returns:
        `(m,)` nats.
    """
    mean, log_var = mean.astype("float64"), log_var.astype("float64")
    precision = np.exp(-log_var)
    constants = -0.5 * (mean**2 * precision + log_var + math.log(2.0 * math.pi)).sum(axis=1, keepdims=True)
    # -(z - mean)² / 2 var = -z² / 2 var + z mean / var - mean² / 2 var, in float64 since these cancel
    factors = np.concatenate([-0.5 * precision, mean * precision, constants], axis=1).T
    rows = max(1, PAIRS // len(mean))
    parts = [
        _logsumexp(np.concatenate([part**2, part, np.ones_like(part[:, :1])], axis=1) @ factors)
        for part in (codes[start : start + rows].astype("float64") for start in range(0, len(codes), rows))
    ]
    return np.concatenate(parts) - math.log(len(mean))


def _logsumexp(values: np.ndarray) -> np.ndarray:
    """The log-sum-exp of each row of `values`, which are overwritten: beside the largest, float32 is exact enough."""
    largest = values.max(axis=1)
    values -= largest[:, None]
    shares = values.astype("float32")
    return np.asarray(largest + np.log(np.exp(shares, out=shares).sum(axis=1, dtype="float64")))


def kl_by_dimension(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    """KL(N(mean, exp(log_var)) || N(0, 1)) of each latent dimension, mean over images: `(latent_dim,)` nats."""
    kl = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1.0)
    return np.asarray(kl.mean(axis=0, dtype=np.float64))


def saturated(mutual_information: float, ceiling: float) -> bool:
    """Whether an estimate is so near to log N, which none can pass, that it only says "at least".

    Args:
        mutual_information, ceiling: nats.
    """
    return ceiling - mutual_information < NEAR_CEILING


def active_units(codes: np.ndarray) -> int:
    """Latent dimensions whose posterior mean varies over images by more than 0.01 (Burda et al. 2015, section 5)."""
    return int(np.sum(np.var(codes, axis=0, dtype=np.float64) > 0.01))


def measure(context: Context) -> Sequence[Measured]:
    """Active units of each run and, of Gaussian posteriors under a standard normal prior, where the rate goes."""
    active = [{"active_units": float(active_units(run.codes))} for run in context.scored]
    means, log_vars = context.train
    if log_vars is None:
        return [Measured(numbers={**numbers}) for numbers in active]
    test = context.evaluator.gaussians(context.runs, context.inputs.test)
    found = [_of_gaussians(*own) for own in zip(means, log_vars, *test, strict=True)]
    return [
        Measured(numbers={**one.numbers, **numbers}, profiles=one.profiles)
        for one, numbers in zip(found, active, strict=True)
    ]


def _of_gaussians(mean: np.ndarray, log_var: np.ndarray, test_mean: np.ndarray, test_log_var: np.ndarray) -> Measured:
    if not (np.isfinite(mean).all() and np.isfinite(log_var).all()):
        return Measured()
    found = information(mean, log_var, np.random.default_rng(stream(FIXED_SEED, "measure/information")))
    return Measured(
        numbers={
            "mutual_information_nats": found.mutual_information,
            "mutual_information_ceiling_nats": found.ceiling,
            "marginal_kl_nats": found.marginal_kl,
        },
        profiles={"kl_by_dimension_nats": tuple(kl_by_dimension(test_mean, test_log_var).tolist())},
    )


FAMILY = Family(
    name="information",
    group="likelihood",
    measure=measure,
    metrics={
        "mutual_information_nats": Metric(
            label="Mutual information",
            unit="nats",
            better=None,
            about="I(x; z) from the aggregated posterior of the training split; cannot exceed log N, and says only "
            '"at least" within 2 nats of it',
        ),
        "mutual_information_ceiling_nats": Metric(
            label="Mutual information, ceiling",
            unit="nats",
            better=None,
            about="reference: log of the training images",
        ),
        "marginal_kl_nats": Metric(
            label="Marginal KL",
            unit="nats",
            better=None,
            about="KL(q(z) || p(z)): how far all codes together are from the prior; with the mutual information, the "
            "rate",
        ),
        "active_units": Metric(
            label="Active units",
            unit="of latent size",
            better=None,
            about="latent dimensions whose posterior mean varies over images by more than 0.01 (Burda et al. 2015)",
        ),
    },
    profiles={
        "kl_by_dimension_nats": Metric(
            label="KL by dimension",
            unit="nats",
            better=None,
            about="KL(q(z_j|x) || p(z_j)), mean over test images; 0 where the dimension has collapsed",
            per="latent dimension",
        ),
    },
)
