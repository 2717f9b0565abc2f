"""What made-up runs answer about likelihoods of simple images: as found, whichever way it goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from asked import one

from aebench.analysis.questions.likelihoods import simple_images
from aebench.measures.uses.outliers import KINDS

RNG = np.random.default_rng(0)


def by_kind(faded: float, blank: float) -> tuple[float, ...]:
    return tuple({"faded": faded, "blank": blank}.get(kind, 0.99) for kind in KINDS)


def shares(by_size: dict[int, tuple[float, float]], spread: float = 0.01) -> Any:
    """Profiles of runs that have a likelihood: its shares of pairs by latent size, and .9 by the ratio."""

    def numbers(spec: Any) -> dict[str, Any]:
        if spec.variant == "ae":
            return {"anomaly_auroc_reconstruction_by_kind": by_kind(0.2, 0.2)}
        found = [share + spread * RNG.normal() for share in by_size[spec.latent_dim]]
        return {"anomaly_auroc_likelihood_by_kind": by_kind(*found), "anomaly_auroc_ratio_by_kind": by_kind(0.9, 0.9)}

    return numbers


@pytest.mark.parametrize(
    ("by_size", "standing", "words"),
    [
        (
            {2: (0.1, 0.1), 4: (0.2, 0.2), 8: (0.3, 0.3)},
            "confirmed",
            "Faded images are the more likely ones in most pairs in 6 of 6 configurations",
        ),
        (
            {2: (0.1, 0.1), 4: (0.2, 0.2), 8: (0.9, 0.9)},
            "confirmed in part",
            "Faded images are the more likely ones in most pairs in 4 of 6 configurations",
        ),
        (
            {2: (0.8, 0.1), 4: (0.7, 0.1), 8: (0.9, 0.1)},
            "confirmed in part",
            "Faded images are the more likely ones in most pairs in 0 of 6 configurations",
        ),
        (
            {2: (0.8, 0.8), 4: (0.7, 0.7), 8: (0.9, 0.9)},
            "refuted",
            "the less likely ones in 6; blank images are the more likely ones in most pairs in 0 of 6",
        ),
    ],
)
def test_whether_simple_images_are_the_more_likely_ones(found, by_size, standing, words) -> None:
    verdict = one(simple_images, found(shares(by_size), beta="[1.0, 4.0]"))
    assert verdict.standing == standing
    assert words in verdict.answer
    assert ("0.90 by likelihood ratio" in verdict.answer) == (standing != "refuted")
    assert len(verdict.lines) == 7
    assert "over seeds alone" in verdict.lines[-1]


def test_what_seeds_disagree_about_is_not_told(found) -> None:
    unsure = dict.fromkeys((2, 4, 8), (0.5, 0.5))
    verdict = one(simple_images, found(shares(unsure, spread=0.2), seeds=3))
    assert verdict.standing == "not settled"
    assert (
        "blank images are the more likely ones in most pairs in 0 of 6 configurations, the less likely ones in 0"
        in verdict.answer
    )


def test_some_that_cannot_be_told(found) -> None:
    verdict = one(simple_images, found(lambda spec: {
        "anomaly_auroc_likelihood_by_kind": by_kind({2: 0.9, 4: 0.95, 8: 0.3 + 0.1 * spec.seed}[spec.latent_dim], 0.9)
    }))  # fmt: skip
    assert verdict.standing == "refuted in part"
    assert "the less likely ones in 6; blank" in verdict.answer


def test_without_a_likelihood_nothing_is_asked(found) -> None:
    without = found(lambda spec: {"anomaly_auroc_reconstruction_by_kind": by_kind(0.2, 0.2)})
    assert one(simple_images, without) is None
