"""Geometry of codes, without labels: how many directions they fill, and how evenly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.records.record import Numbers


def measure(context: Context) -> Sequence[Measured]:
    """Measures the codes of each run's test images."""
    return [Measured(numbers=geometry(codes)) for codes in context.codes]


def geometry(codes: np.ndarray) -> Numbers:
    """The measures of codes `(n, d)`; nothing of those that aren't finite or all alike."""
    if not np.isfinite(codes).all():
        return {}
    codes = codes.astype("float64")
    centred = codes - codes.mean(axis=0)
    size, spread = np.abs(codes).max(), np.abs(centred).max()
    if spread <= 1e-6 * size or size == 0.0:
        return {}
    variances = np.linalg.svd(centred / spread, compute_uv=False) ** 2
    return {
        "rankme": effective_number(np.linalg.svd(codes / size, compute_uv=False)),
        "effective_rank": effective_number(variances),
        "isotropy": isotropy(variances) if codes.shape[1] > 1 else None,
    }


def effective_number(values: np.ndarray) -> float:
    """How many equal values have the entropy of these values' shares (Roy & Vetterli 2007): 1 to `len(values)`."""
    shares = values[values > 0.0] / values.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))


def isotropy(variances: np.ndarray) -> float:
    """IsoScore of the variances `(d,)`, d > 1, along a cloud's principal axes (Rudman et al. 2022, algorithm 1).

    Returns:
        1 if they are equal, 0 if all but one are 0; (k - 1) / (d - 1) if k of them are equal and the others 0.
    """
    count = len(variances)
    normalised = math.sqrt(count) * variances / np.linalg.norm(variances)
    defect = np.linalg.norm(normalised - 1.0) / math.sqrt(2.0 * (count - math.sqrt(count)))
    filled = (count - defect**2 * (count - math.sqrt(count))) ** 2 / count**2
    return float((count * filled - 1.0) / (count - 1.0))


FAMILY = Family(
    name="geometry",
    group="uses",
    measure=measure,
    metrics={
        "rankme": Metric(
            label="RankMe",
            unit="dimensions",
            better=None,
            about="exponential of the entropy of the shares of the codes' singular values, test split (Garrido et al. "
            "2023); the codes' mean counts as a direction",
        ),
        "effective_rank": Metric(
            label="Effective rank",
            unit="dimensions",
            better=None,
            about="exponential of the entropy of the shares of variance along the principal axes of the codes (after "
            "Roy & Vetterli 2007), test split: how many directions they fill about their mean",
        ),
        "isotropy": Metric(
            label="Isotropy",
            unit="0..1",
            better=None,
            about="IsoScore: 1 if the codes' variance is the same in all directions, 0 if it lies in one (Rudman et "
            "al. 2022), test split",
        ),
    },
)
