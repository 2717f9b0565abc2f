"""Codes drawn for importance-weighted likelihoods: from which proposals, for which images of which runs, how many."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aebench.measures.evaluator import CHUNK, Draws, Evaluator, Runs, noise
from aebench.measures.importance_weights import START, STEP, ImportanceWeights, Request, pursue

SCALES = 0.5, 8.0  # what a posterior's standard deviations are multiplied by, at least and at most
FITS = 3  # times that the proposal is fitted before
NOISE_APART = 64  # states between those of two codes: a posterior of several parts takes one for each


@dataclass(frozen=True, kw_only=True)
class Importance:
    """A run's bound on log p(x) of each image, and how far it can be trusted.

    Attributes:
        log_likelihood: log 1/k Σ p(x, z_i) / q(z_i|x), `(n,)` nats; in expectation a lower bound that rises with k.
        codes: k of each image, `(n,)`.
        error: how far the mean over images may be from that of log p(x), nats: see `remaining_error`.
    """

    log_likelihood: np.ndarray
    codes: np.ndarray
    error: float


def importance_bound(
    evaluator: Evaluator, runs: Runs, images: np.ndarray, tolerance: float, budget: int
) -> list[Importance | None]:
    """Estimates log p(x) of `images` under each run (Burda et al. 2016, equation 8), with as many codes as it takes.

    Codes come from the encoder's posterior; if that is Gaussian its standard deviations are first fitted, for each
    run and dimension, to those of the exact posterior: an encoder that was trained at β < 1 is too sure of its codes.
    Images get codes as they need them, see `pursue`. Only sums of weights are kept, so that memory does not grow with
    the number of codes. Which codes a run gets depends on itself alone, and not on its companions.

    Args:
        evaluator: the cohort's compiled model.
        runs: its runs.
        images: `(n, *image_shape)`.
        tolerance: of the mean over images, nats; with 0 every image gets `budget` codes.
        budget: the most codes that count, mean over images: at least `START`, of which it is taken a multiple. The
            pilot that finds out which images need many draws an eighth more.

    Returns:
        One for each run; `None` for all where the variant is not said to have a posterior, or the posterior that it
        encodes to, or its prior, has no `log_prob`.

    Raises:
        ValueError: a budget of fewer codes, or a negative tolerance.
    """
    if budget < START or tolerance < 0.0:
        raise ValueError(
            f"`budget` must be at least {START} and `tolerance` at least 0. Received: budget={budget}, "
            f"tolerance={tolerance}"
        )
    if not evaluator.has_density:
        return [None] * runs.count
    with np.errstate(invalid="ignore"):  # a run that is not finite has no number, and disturbs no other
        scales = fitted(evaluator, runs, images)
        pursuits = {run: pursue(len(images), tolerance, budget // START * START) for run in range(runs.count)}
        found: dict[int, ImportanceWeights] = {}
        for number in itertools.count():
            requests = {}
            for run in pursuits.keys() - found.keys():
                try:
                    requests[run] = next(pursuits[run])
                except StopIteration as end:
                    found[run] = end.value
            if not requests:
                return [_found(found[run]) for run in range(runs.count)]
            _draw(evaluator, runs, images, scales, requests, f"importance/{number}")
    raise AssertionError  # the loop has no end of its own


def _found(weights: ImportanceWeights) -> Importance:
    return Importance(log_likelihood=weights.bounds()[0], codes=weights.codes, error=weights.error().total)


def fitted(evaluator: Evaluator, runs: Runs, images: np.ndarray) -> np.ndarray:
    """What the standard deviations of each run's posteriors are multiplied by, `(runs, code_dim)`."""
    scales = np.ones((runs.count, evaluator.model.code_dim))
    if not evaluator.has_gaussian_posterior:
        return scales
    places = np.linspace(0, len(images) - 1, _rows(images), dtype="int32")
    for turn in range(FITS):
        draws = [
            Draws(run=run, places=places, states=states(f"importance/fit/{turn}", 0), scale=scale.astype("float32"))
            for run, scale in enumerate(scales)
        ]
        found = np.sqrt(evaluator.second_moments(runs, images, draws))
        scales = np.where(np.isfinite(found) & (found > 0.0), np.clip(found, *SCALES), 1.0)
    return scales


def _rows(images: np.ndarray) -> int:
    """How many images a call takes, some perhaps several times: the same in all calls, which are compiled once."""
    return min(len(images), CHUNK)


def _draw(
    evaluator: Evaluator,
    runs: Runs,
    images: np.ndarray,
    scales: np.ndarray,
    requests: Mapping[int, Request],
    stream: str,
) -> None:
    """Draws what runs ask for and adds it to their weights."""
    rows, draws, parts = _rows(images), [], []
    for run, asked in sorted(requests.items()):
        for start in range(0, len(asked.places), rows):
            part = slice(start, start + rows)
            parts.append((asked, part))
            places = np.resize(asked.places[part], rows).astype("int32")
            noise = states(stream, start // rows)
            draws.append(Draws(run=run, places=places, states=noise, scale=scales[run].astype("float32")))
    for (asked, part), sums, squares in zip(parts, *evaluator.log_weight_sums(runs, images, draws), strict=True):
        places = asked.places[part]
        asked.weights.add(places, asked.parts[part], sums[: len(places)], squares[: len(places)])


def states(stream: str, number: int) -> np.ndarray:
    """The harness's noise for part `number` of what is drawn, one state for each of `STEP` codes: `(STEP, 2)`."""
    first, _ = noise(stream)
    own = (number * STEP + np.arange(STEP)) * NOISE_APART
    return np.stack([np.full(STEP, first), own], axis=1).astype("uint32")
