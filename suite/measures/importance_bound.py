"""Codes drawn for importance-weighted likelihoods: from which proposals, for which images of which runs, how many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from aebench.measures import proposals
from aebench.measures.evaluator import Draws, Evaluator
from aebench.measures.importance_weights import START, STEP, ImportanceWeights, Request, pursue
from aebench.measures.programs import CHUNK, FIXED_SEED, Runs, noise
from aebench.measures.proposals import Proposals
from aebench.measures.shared_codes import FAIR, MOST, SharedProposal, SharedWeights
from aebench.measures.shared_weights import SharedDraws
from aebench.models.streams import stream
from aebench.records.keeping import Keeping, Piece, unkept

Drawn = TypeVar("Drawn", Draws, SharedDraws)
MOST_FACTORS = 2**27  # numbers in the proposals of all runs that are worked at together: half a gigabyte
CALLS = 16  # of the device whose sums of weights are kept together: some seconds on a CPU
SLOW_CALLS = 4  # whose slopes are kept together, which are taken at many points of each image
MOST_KEPT = 2**22  # numbers in slopes that are kept together: 16 MB
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
    evaluator: Evaluator, runs: Runs, images: np.ndarray, tolerance: float, budget: int, kept: Keeping = unkept
) -> list[Importance | None]:
    """Estimates log p(x) of `images` under each run (Burda et al. 2016, equation 8), with as many codes as it takes.

    Codes come from the encoder's posterior; if that is a diagonal Gaussian, from a t-distribution that is first fitted
    to the exact posterior of each image, correlations and all, and now and then from far around it: encoders are off
    by more than many codes can mend, above all those that were trained at a β other than 1.
    Where codes have few numbers, all images of a run share theirs instead, see `shared_codes`.
    Images get codes as they need them, see `pursue`. Only sums of weights are kept, so that memory does not grow with
    the number of codes. Which codes a run gets depends on itself alone, and not on its companions.

    Args:
        evaluator: the cohort's compiled model.
        runs: its runs.
        images: `(n, *image_shape)`.
        tolerance: of the mean over images, nats; with 0 every image gets `budget` codes of its own.
        budget: the most codes that count, mean over images: at least `START`, of which it is taken a multiple. The
            pilot that finds out which images need many draws an eighth more. It does not bind codes that are shared.
        kept: keeps slopes and sums of weights, some calls at a time.

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
    found: list[Importance | None] = []
    with np.errstate(invalid="ignore"):  # a run that is not finite has no number, and disturbs no other
        for some in _together(evaluator, runs, len(images)):
            found += _of_some(evaluator, runs, some, images, tolerance, budget // START * START, kept)
    return found


def _together(evaluator: Evaluator, runs: Runs, images: int) -> list[range]:
    """The runs in parts whose proposals there is room for."""
    each = images * evaluator.dimension**2 if evaluator.fits_proposals else 1
    size = max(1, MOST_FACTORS // each)
    return [range(start, min(start + size, runs.count)) for start in range(0, runs.count, size)]


def _of_some(
    evaluator: Evaluator, runs: Runs, some: range, images: np.ndarray, tolerance: float, budget: int, kept: Keeping
) -> list[Importance]:
    """The bounds of the runs at the places `some`: by codes that images share, and by codes of their own if need be."""
    sharing = tolerance > 0.0 and evaluator.shares_codes
    shared = _shared(evaluator, runs, some, images, tolerance, kept) if sharing else {}
    rest = [run for run in some if run not in shared or not shared[run].error <= FAIR * tolerance]
    own = _own(evaluator, runs, rest, images, tolerance, budget, kept) if rest else {}
    each = ([found[run] for found in (shared, own) if run in found] for run in some)
    return [min(found, key=lambda one: (math.isnan(one.error), one.error)) for found in each]


def _shared(
    evaluator: Evaluator, runs: Runs, some: Sequence[int], images: np.ndarray, tolerance: float, kept: Keeping
) -> dict[int, Importance]:
    """Bounds by codes that all images share, as many as it takes; none of a run whose encoder is not finite."""
    means, log_vars = (part.astype(float) for part in evaluator.gaussians(runs, images))
    finite = [run for run in some if np.isfinite(means[run]).all() and np.isfinite(log_vars[run]).all()]
    proposals = {run: SharedProposal(means[run], np.exp(0.5 * log_vars[run])) for run in finite}
    weights = {run: SharedWeights(len(images)) for run in finite}
    going = finite

    def found(part: Sequence[SharedDraws]) -> Piece:
        sums, squares = evaluator.shared_log_weight_sums(runs, images, part)
        return {"sums": sums, "squares": squares}

    for turn in itertools.count():
        if not going:
            break
        asked = [(run, *task) for run in going for task in weights[run].wanted()]
        draws = [SharedDraws.of(run, proposals[run], *task) for run, *task in asked]
        pieces = _in_pieces(found, draws, SLOW_CALLS * runs.at_once, f"importance/shared/{turn}", kept)
        for (run, batch, _), sums, squares in zip(asked, pieces["sums"], pieces["squares"], strict=True):
            weights[run].add(batch, sums, squares)
        going = [run for run in going if weights[run].error().total > tolerance and 2 * weights[run].codes <= MOST]
    return {run: _found_shared(found) for run, found in weights.items()}


def _own(
    evaluator: Evaluator,
    runs: Runs,
    some: Sequence[int],
    images: np.ndarray,
    tolerance: float,
    budget: int,
    kept: Keeping,
) -> dict[int, Importance]:
    """Bounds by codes that each image has for itself."""
    fits = fitted(evaluator, runs, some, images, kept)
    pursuits = {run: pursue(len(images), tolerance, budget) for run in some}
    found: dict[int, ImportanceWeights] = {}
    for number in itertools.count():
        requests = {}
        for run in pursuits.keys() - found.keys():
            try:
                requests[run] = next(pursuits[run])
            except StopIteration as end:
                found[run] = end.value
        if not requests:
            break
        _draw(evaluator, runs, images, fits, requests, number, kept)
    return {run: _found(weights) for run, weights in found.items()}


def _found_shared(weights: SharedWeights) -> Importance:
    bound = weights.bound()
    return Importance(log_likelihood=bound, codes=np.full(len(bound), weights.codes), error=weights.error().total)


def _found(weights: ImportanceWeights) -> Importance:
    return Importance(log_likelihood=weights.bounds()[0], codes=weights.codes, error=weights.error().total)


def fitted(
    evaluator: Evaluator, runs: Runs, some: Sequence[int], images: np.ndarray, kept: Keeping = unkept
) -> Mapping[int, Proposals | None]:
    """Proposals for all images of each of the runs at the places `some`; `None` where codes are drawn as encoded."""
    if not evaluator.fits_proposals:
        return dict.fromkeys(some)
    size, parts = evaluator.dimension, [places for places, _ in _parts(np.arange(len(images)), _rows(images))]
    fits = {run: Proposals.as_encoded(len(images), size) for run in some}
    for turn in range(proposals.ROUNDS):
        points = proposals.directions(size, stream(FIXED_SEED, f"measure/importance/fit/{turn}"))
        draws = [Draws(run=run, places=part, steps=points, proposals=fits[run]) for run in some for part in parts]
        found = zip(draws, *_slopes(evaluator, runs, images, draws, turn, kept), strict=True)
        better = [fits[draw.run].of(draw.places).improved(*slopes) for draw, *slopes in found]
        for number, run in enumerate(some):
            own = Proposals.joined(better[number * len(parts) : (number + 1) * len(parts)])
            fits[run] = own.of(np.arange(len(images)))
    return {run: fit.widened() for run, fit in fits.items()}


def _slopes(
    evaluator: Evaluator, runs: Runs, images: np.ndarray, draws: Sequence[Draws], turn: int, kept: Keeping
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of all `draws`, in pieces that are kept unless they are large."""
    each = runs.at_once * _rows(images) * evaluator.dimension**2  # numbers that a call gives
    if each > MOST_KEPT:
        return evaluator.slopes(runs, images, draws)

    def found(part: Sequence[Draws]) -> Piece:
        slopes, products = evaluator.slopes(runs, images, part)
        return {"slopes": slopes, "products": products}

    size = min(SLOW_CALLS, MOST_KEPT // each) * runs.at_once
    pieces = _in_pieces(found, draws, size, f"importance/fit/{turn}", kept)
    return pieces["slopes"], pieces["products"]


def _in_pieces(
    found: Callable[[Sequence[Drawn]], Piece], draws: Sequence[Drawn], size: int, name: str, kept: Keeping
) -> Piece:
    """The arrays that `found` makes of draws, taken and kept `size` at a time: of whole calls, so that bits stay."""
    pieces = [
        kept(f"{name}/{draws[start].run}/{start}", partial(found, draws[start : start + size]))
        for start in range(0, len(draws), size)
    ]
    return {array: np.concatenate([piece[array] for piece in pieces]) for array in pieces[0]}


def _rows(images: np.ndarray) -> int:
    """How many images a call takes, some perhaps several times: the same in all calls, which are compiled once."""
    return min(len(images), CHUNK)


def _parts(places: np.ndarray, rows: int) -> Iterator[tuple[np.ndarray, slice]]:
    """Places of images in parts of `rows`, the last filled up with some of its own, and where they come from."""
    for start in range(0, len(places), rows):
        part = slice(start, start + rows)
        yield np.resize(places[part], rows).astype("int32"), part


def _draw(
    evaluator: Evaluator,
    runs: Runs,
    images: np.ndarray,
    fits: Mapping[int, Proposals | None],
    requests: Mapping[int, Request],
    turn: int,
    kept: Keeping,
) -> None:
    """Draws what runs ask for and adds it to their weights."""
    draws, parts = [], []
    for run, asked in sorted(requests.items()):
        for number, (places, part) in enumerate(_parts(asked.places, _rows(images))):
            parts.append((asked, part))
            draws.append(Draws(run=run, places=places, steps=states(f"importance/{turn}", number), proposals=fits[run]))

    def found(part: Sequence[Draws]) -> Piece:
        sums, squares = evaluator.log_weight_sums(runs, images, part)
        return {"sums": sums, "squares": squares}

    pieces = _in_pieces(found, draws, CALLS * runs.at_once, f"importance/{turn}", kept)
    for (asked, part), sums, squares in zip(parts, pieces["sums"], pieces["squares"], strict=True):
        places = asked.places[part]
        asked.weights.add(places, asked.parts[part], sums[: len(places)], squares[: len(places)])


def states(stream: str, number: int) -> np.ndarray:
    """The harness's noise for part `number` of what is drawn, one state for each of `STEP` codes: `(STEP, 2)`."""
    first, _ = noise(stream)
    own = (number * STEP + np.arange(STEP)) * NOISE_APART
    return np.stack([np.full(STEP, first), own], axis=1).astype("uint32")
