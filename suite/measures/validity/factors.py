"""Checks of measures of known factors, on codes that hold them in ways that are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from aebench.measures.validity.check import SAME, Check, check

LEVELS, TIMES = (8, 8, 8), 4
NOISE = 0.02  # of a code, in levels: forests and bins then have something to be sure against
FOR_ONE_FACTOR = ("modularity", "dci_disentanglement", "infom")  # whether a dimension knows one factor alone
IN_ONE_DIMENSION = ("mig", "sap", "dci_completeness", "infoc")  # whether a factor is held in one dimension alone
WHETHER_TOLD = ("mig", "sap", "dci_informativeness", "infoe", "irs", "factor_vae_score", "beta_vae_score")
Pair = tuple[np.ndarray, np.ndarray]


def checks() -> Iterator[Check]:
    """All of them: three independent factors of eight values, every combination as often."""
    from scipy.fft import dct

    rng = np.random.default_rng(5)
    values = np.tile(np.array([*product(*map(range, LEVELS))], float), (TIMES, 1))
    train, test = (rng.normal(size=(len(values), 8)) for _ in range(2))
    turn = dct(np.eye(len(LEVELS)), norm="ortho")  # far from the axes in every dimension

    def numbers(codes: Callable[[np.ndarray], np.ndarray], truth: np.ndarray = values) -> dict[str, float]:
        return _measured((codes(train), codes(test)), truth)

    def plain(noise: np.ndarray) -> np.ndarray:
        return values + NOISE * noise[:, :3]

    perfect = numbers(plain)
    changed = {
        "dimensions in another order, change": (SAME, numbers(lambda noise: plain(noise)[:, ::-1])),
        "dimensions on other scales, change": (SAME, numbers(lambda noise: plain(noise) * [100.0, -0.01, 1.0])),
        "images in another order, change": (SAME, numbers(lambda noise: plain(noise)[::-1], values[::-1])),
        "two dimensions of noise added, change": (
            (-0.05, 0.05),
            numbers(lambda noise: np.hstack([plain(noise), noise[:, 6:]])),
        ),
    }
    blind = numbers(lambda noise: noise[:, :3])
    turned = numbers(lambda noise: (plain(noise) - 3.5) @ turn)
    twice = numbers(lambda noise: np.hstack([plain(noise), values + NOISE * noise[:, 3:6]]))
    merged = numbers(lambda noise: np.column_stack([plain(noise) @ [1.0, 8.0, 0.0], plain(noise)[:, 2], noise[:, 3]]))
    # Of a factor that two of six dimensions tell alike.
    evenly_in_two = {"dci_completeness": 1.0 - math.log(2) / math.log(6), "infoc": (1 / 2 - 1 / 6) / (1.0 - 1 / 6)}
    for measure, best in perfect.items():
        yield check(measure, "each factor in a dimension of its own", (0.95, 1.0 + 1e-6), best)
        for case, (bounds, found) in changed.items():
            yield check(measure, case, bounds, found[measure] - best)
        if measure in WHETHER_TOLD:
            level = 1.0 / len(LEVELS) if measure.endswith("score") else 0.0
            yield check(measure, "codes that know no factor, over chance", (-np.inf, 0.1), blind[measure] - level)
        if measure in (*IN_ONE_DIMENSION, *FOR_ONE_FACTOR):
            yield check(measure, "codes turned far from the axes", (-np.inf, 0.6), turned[measure])
        if measure in IN_ONE_DIMENSION:
            most = evenly_in_two.get(measure, 0.05) + 0.05
            yield check(measure, "every factor in two dimensions", (-np.inf, most), twice[measure])
        if measure in FOR_ONE_FACTOR:
            yield check(measure, "two factors in one dimension", (-np.inf, 0.9), merged[measure])


def _measured(codes: Pair, values: np.ndarray) -> dict[str, float]:
    from aebench.measures.factors.known import varying
    from aebench.measures.factors.representations import measured
    from aebench.records.record import Factor

    factors = [Factor(name=f"factor {at}", kind="ordered", levels=levels) for at, levels in enumerate(LEVELS)]
    numbers = measured(*codes, *varying(factors, values, values)).numbers
    return {name: float(value or 0.0) for name, value in numbers.items()}
