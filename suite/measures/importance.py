"""The importance-weighted likelihood: log p(x) by many weighted codes, and how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.bound import bits_per_dim
from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.records.kept import Latents

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.evaluator import Evaluator, Runs

BLOCK = 125  # codes of each image that are drawn in one call: bounds memory


@dataclass(frozen=True, kw_only=True)
class Importance:
    """A run's bound on log p(x) of each image, `(n,)` nats, from `samples` codes drawn from its posterior.

    Attributes:
        log_likelihood: log 1/k Σ p(x, z_i) / q(z_i|x), in expectation a lower bound that rises with k.
        half: the same of the first half of the codes; equal to `log_likelihood` where one code was drawn.
        effective: (Σ w)² / Σ w² of the k weights, 1 to k: how many codes carry the estimate.
    """

    samples: int
    log_likelihood: np.ndarray
    half: np.ndarray
    effective: np.ndarray


def importance_bound(evaluator: Evaluator, runs: Runs, images: np.ndarray, samples: int) -> list[Importance | None]:
    """Estimates log p(x) of `images` under each run (Burda et al. 2016, equation 8).

    Images and codes are taken in parts and only sums of weights are kept, so that memory does not grow with the number
    of codes, and with that of images by three numbers each. All runs see the same noise, whoever their companions are.

    Args:
        evaluator: the cohort's compiled model.
        runs: its runs.
        images: `(n, *image_shape)`.
        samples: codes drawn for each image, >= 1.

    Returns:
        One for each run; `None` for all where the variant is not said to have a posterior, or the posterior that it
        encodes to, or its prior, has no `log_prob`.

    Raises:
        ValueError: fewer than one code.
    """
    from aebench.measures.evaluator import CHUNK

    if samples < 1:
        raise ValueError(f"`samples` must be at least 1. Received: samples={samples}")
    if not evaluator.has_density:
        return [None] * runs.count
    starts = range(0, len(images), CHUNK)
    parts = [_of_part(evaluator, runs, images[start : start + CHUNK], start, samples) for start in starts]
    likelihood, half, effective = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    return [
        Importance(samples=samples, log_likelihood=likelihood[run], half=half[run], effective=effective[run])
        for run in range(runs.count)
    ]


def _of_part(
    evaluator: Evaluator, runs: Runs, images: np.ndarray, start: int, samples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log p_k, log p_k/2 and effective codes of the images that begin at `start`: all `(runs, n)`."""
    from aebench.measures.evaluator import noise

    middle = max(1, samples // 2)

    def summed(draws: Sequence[int], so_far: np.ndarray) -> np.ndarray:
        for block in _blocks(draws):
            states = np.stack([noise(f"importance/{start}", draw) for draw in block])
            sums = np.stack(evaluator.log_weight_sums(runs, images, states)).astype("float64")
            so_far = np.logaddexp(so_far, sums)
        return so_far

    with np.errstate(invalid="ignore"):  # a run that is not finite has no number, and disturbs no other
        half = summed(range(middle), np.full((2, runs.count, len(images)), -np.inf))
        whole = summed(range(middle, samples), half)
        effective = np.exp(2.0 * whole[0] - whole[1])
    return whole[0] - math.log(samples), half[0] - math.log(middle), effective


def _blocks(draws: Sequence[int]) -> Iterator[Sequence[int]]:
    """`draws` in parts of at most `BLOCK`, alike in size: each other size is another program to compile."""
    count = math.ceil(len(draws) / BLOCK)
    return (draws[len(draws) * part // count : len(draws) * (part + 1) // count] for part in range(count))


def measure(context: Context) -> Sequence[Measured]:
    """The likelihood by many codes, where there is a density."""
    found = importance_bound(context.evaluator, context.runs, context.inputs.test, context.settings.nll_samples)
    return [Measured() if one is None else _measured(one, context.inputs.test.shape[1:]) for one in found]


def _measured(found: Importance, image_shape: tuple[int, ...]) -> Measured:
    nll = -float(found.log_likelihood.mean())
    return Measured(
        numbers={
            "nll_nats": nll,
            "nll_samples": float(found.samples),
            "nll_half_nats": -float(found.half.mean()),
            "nll_effective_samples": float(np.median(found.effective)),
            "nll_bits_per_dim": bits_per_dim(nll, image_shape),
        },
        latents={Latents.NLL: -found.log_likelihood.astype("float32")},
    )


FAMILY = Family(
    name="importance",
    group="likelihood",
    measure=measure,
    metrics={
        "nll_nats": Metric(
            label="NLL",
            unit="nats/image",
            better="lower",
            about="-log p(x) by importance weighting of k codes from the posterior: an upper bound in expectation that "
            "falls with k (Burda et al. 2016)",
            margin=0.5,
            kept=((Latents.NLL, 1.0),),
        ),
        "nll_samples": Metric(
            label="NLL, codes k", unit="an image", better=None, about="codes that the NLL was taken with"
        ),
        "nll_half_nats": Metric(
            label="NLL at k/2",
            unit="nats/image",
            better=None,
            about="the same with the first half of the codes: what it exceeds the NLL by, k has not yet settled",
        ),
        "nll_effective_samples": Metric(
            label="NLL, effective codes",
            unit="an image",
            better="higher",
            about="(Σ w)² / Σ w² of the importance weights, median over images: few of many codes means a loose bound",
        ),
        "nll_bits_per_dim": Metric(label="NLL, bits", unit="bits/dim", better="lower", about="NLL / (pixels × ln 2)"),
    },
)
