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
MARGINAL_CODES = 1000  # of these, for the densities of single dimensions, which cost as much as the joint one each
PAIRS = 2**21  # of a code and a posterior, whose densities are held at once
# Of Gaussian codes of 1 to 16 dimensions with known information, an estimate 3 nats below log N fell short of it by .04
# to .3 nats, one 2 nats below by .15 to .6, one 1 nat below by .4 to 1.3; at .2 nats it says nothing.
NEAR_CEILING = 2.0


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Codes drawn from the posteriors of some images, in float64.

    Attributes:
        codes: one of each chosen image, `(m, latent_dim)`.
        log_probs: of each under its own posterior, log q(z|x), `(m,)` nats.
    """

    codes: np.ndarray
    log_probs: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Information:
    """A run's information in nats; `mutual_information + marginal_kl` is the mean rate of the drawn images.

    Attributes:
        mutual_information: I(x; z) = E[log q(z|x) - log q(z)], at most `ceiling`. Of which of these images a code is;
            of the population that they come from, a lower bound.
        marginal_kl: KL(q(z) || p(z)) = E[log q(z) - log p(z)]; `None` where the prior has no density.
        total_correlation: KL(q(z) || q(z_1) q(z_2) ...): how far the latent dimensions are from independent.
        ceiling: log of the number of images in q(z).
    """

    mutual_information: float
    marginal_kl: float | None
    total_correlation: float
    ceiling: float


def drawn(mean: np.ndarray, log_var: np.ndarray, rng: np.random.Generator) -> Drawn:
    """Draws a code from the Gaussian posterior of each of up to `CODES` images.

    Args:
        mean, log_var: of each image's posterior, `(n, latent_dim)`.
        rng: draws images and codes.
    """
    mean, log_var = mean.astype("float64"), log_var.astype("float64")
    chosen = rng.choice(len(mean), min(CODES, len(mean)), replace=False)
    noise = rng.standard_normal((len(chosen), mean.shape[1]))
    return Drawn(
        codes=mean[chosen] + np.exp(0.5 * log_var[chosen]) * noise,
        log_probs=-0.5 * (noise**2 + log_var[chosen] + math.log(2.0 * math.pi)).sum(axis=1),
    )


def standard_normal_log_prob(codes: np.ndarray) -> np.ndarray:
    """log N(z; 0, I) of codes `(m, latent_dim)`, `(m,)` nats."""
    return np.asarray(-0.5 * (codes**2 + math.log(2.0 * math.pi)).sum(axis=1))


def information(mean: np.ndarray, log_var: np.ndarray, own: Drawn, prior: np.ndarray | None) -> Information:
    """Splits the rate of Gaussian posteriors (Hoffman & Johnson 2016; Chen et al. 2018).

    q(z) is the mean of the posteriors of all given images.

    Args:
        mean, log_var: of each image's posterior, `(n, latent_dim)`; the images that q(z) is over.
        own: codes that expectations are taken over.
        prior: log p(z) of these, `(m,)` nats; `None` without a density.
    """
    aggregated = aggregated_log_prob(own.codes, mean, log_var)
    few = slice(MARGINAL_CODES)
    marginals = sum(
        aggregated_log_prob(own.codes[few, dim : dim + 1], mean[:, dim : dim + 1], log_var[:, dim : dim + 1])
        for dim in range(mean.shape[1])
    )
    return Information(
        mutual_information=float(np.mean(own.log_probs - aggregated)),
        marginal_kl=None if prior is None else float(np.mean(aggregated - prior)),
        total_correlation=float(np.mean(aggregated[few] - marginals)),
        ceiling=math.log(len(mean)),
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
    """Active units of each run and, of Gaussian posteriors, where the rate goes."""
    active = [{"active_units": float(active_units(run.codes))} for run in context.scored]
    means, log_vars = context.train
    if log_vars is None:
        return [Measured(numbers={**numbers}) for numbers in active]
    found = [{**one, **numbers} for one, numbers in zip(_of_gaussians(context, means, log_vars), active, strict=True)]
    return [
        Measured(numbers=numbers, profiles=profile)
        for numbers, profile in zip(found, _kl_by_dimension(context), strict=True)
    ]


def _of_gaussians(context: Context, means: np.ndarray, log_vars: np.ndarray) -> list[dict[str, float | None]]:
    """The information of each run; nothing if its posteriors are not finite."""
    own = [
        drawn(mean, log_var, np.random.default_rng(stream(FIXED_SEED, "measure/information")))
        for mean, log_var in zip(means, log_vars, strict=True)
    ]
    priors = _priors(context, own)
    return [
        _numbers(information(mean, log_var, codes, prior))
        if np.isfinite(mean).all() and np.isfinite(log_var).all()
        else {}
        for mean, log_var, codes, prior in zip(means, log_vars, own, priors, strict=True)
    ]


def _priors(context: Context, own: Sequence[Drawn]) -> Sequence[np.ndarray | None]:
    """log p(z) of each run's codes under its own prior."""
    if context.evaluator.has_standard_prior:
        return [standard_normal_log_prob(run.codes) for run in own]
    if not context.evaluator.has_density:
        return [None] * len(own)
    return [*context.evaluator.prior_log_probs(context.runs, np.stack([run.codes for run in own]).astype("float32"))]


def _numbers(found: Information) -> dict[str, float | None]:
    return {
        "mutual_information_nats": found.mutual_information,
        "mutual_information_ceiling_nats": found.ceiling,
        "marginal_kl_nats": found.marginal_kl,
        "total_correlation_nats": found.total_correlation,
    }


def _kl_by_dimension(context: Context) -> list[dict[str, tuple[float, ...]]]:
    """Under a prior of independent standard normals, the only one for which dimensions have rates of their own."""
    if not context.evaluator.has_standard_prior:
        return [{}] * context.count
    test = context.evaluator.gaussians(context.runs, context.inputs.test)
    return [{"kl_by_dimension_nats": tuple(kl_by_dimension(*own).tolist())} for own in zip(*test, strict=True)]


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
        "total_correlation_nats": Metric(
            label="Total correlation",
            unit="nats",
            better=None,
            about="KL(q(z) || q(z_1) q(z_2) ...) of the aggregated posterior of the training split: 0 where the latent "
            "dimensions are independent; too large where the mutual information is near its ceiling, five times "
            "of 100 dimensions (Chen et al. 2018)",
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
