"""What a variant's best setting is expected to be worth on validation, by how many settings are tried. No Keras.

A variant with many settings has more chances at a lucky one. Held against others at the same number of settings tried,
it has no such advantage (Dodge et al. 2019, "Show your work: improved reporting of experimental results").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aebench.analysis.evidence import Evidence
from aebench.analysis.purposes import Purpose, mean_over_seeds


def expected_best(values: Sequence[float]) -> list[float]:
    """The expected maximum of n of the values drawn without putting back, for n = 1 to all of them.

    The i-th smallest of B is the largest of n drawn with probability C(i-1, n-1) / C(B, n). Dodge et al. put back what
    they have drawn, which is biased towards variants that were tried with more settings; this is not (Tang et al. 2020,
    "Showing your work doesn't always work").
    """
    ordered, count = np.sort(np.asarray(values, "float64")), len(values)
    place, chances, found = np.arange(1, count + 1), np.full(count, 1.0 / count), []
    for drawn in range(1, count + 1):
        found.append(float(chances @ ordered))
        # From n to n + 1, without binomials, which for thousands of values have thousands of digits.
        chances = chances * np.maximum(place - drawn, 0)
        chances /= max(chances.sum(), np.finfo(float).tiny)
    return found


def budgets(evidence: Evidence, purpose: Purpose) -> dict[str, list[float]]:
    """Each variant's `expected_best` by the purpose's criterion on validation, a mean over seeds: higher is better.

    A setting is a configuration: latent sizes are among what is tuned.
    """
    tried: dict[str, list[float]] = {}
    for item in evidence.board:
        value = mean_over_seeds(purpose.criterion(item))
        if value is not None and np.isfinite(value):
            tried.setdefault(item.variant, []).append(value)
    return {variant: expected_best(values) for variant, values in tried.items()}
