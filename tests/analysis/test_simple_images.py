"""What made-up runs answer about likelihoods of simple images: as found, whichever way it goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from asked import one

from aebench.analysis.questions.likelihoods import simple_images

RNG = np.random.default_rng(0)


def shares(by_size: dict[int, float], spread: float = 0.01) -> Any:
    """Numbers of runs that have a likelihood: its share of pairs by latent size, and .9 by the ratio."""

    def numbers(spec: Any) -> dict[str, float]:
        if spec.variant == "ae":
            return {"anomaly_auroc_simple_reconstruction": 0.2}
        share = by_size[spec.latent_dim] + spread * RNG.normal()
        return {"anomaly_auroc_simple_likelihood": share, "anomaly_auroc_simple_ratio": 0.9}

    return numbers


@pytest.mark.parametrize(
    ("by_size", "standing", "words"),
    [
        ({2: 0.1, 4: 0.2, 8: 0.3}, "confirmed", "Yes, in all configurations"),
        ({2: 0.1, 4: 0.2, 8: 0.9}, "confirmed in part", "Yes in 4 of 6"),
        ({2: 0.8, 4: 0.7, 8: 0.9}, "refuted", "the less likely one in 6 of 6 configurations."),
    ],
)
def test_whether_simple_images_are_the_more_likely_ones(found, by_size, standing, words) -> None:
    verdict = one(simple_images, found(shares(by_size), beta="[1.0, 4.0]"))
    assert verdict.standing == standing
    assert words in verdict.answer
    assert ("0.90 by likelihood ratio" in verdict.answer) == (standing != "refuted")
    assert len(verdict.lines) == 6


def test_what_seeds_disagree_about_is_not_told(found) -> None:
    verdict = one(simple_images, found(shares({2: 0.5, 4: 0.5, 8: 0.5}, spread=0.2), seeds=3))
    assert (verdict.standing, verdict.answer) == ("not settled", "It cannot be told.")


def test_some_that_cannot_be_told(found) -> None:
    verdict = one(simple_images, found(lambda spec: {
        "anomaly_auroc_simple_likelihood": {2: 0.9, 4: 0.95, 8: 0.3 + 0.1 * spec.seed}[spec.latent_dim]
    }))  # fmt: skip
    assert verdict.standing == "refuted in part"
    assert "; in " in verdict.answer


def test_without_a_likelihood_nothing_is_asked(found) -> None:
    assert one(simple_images, found(lambda spec: {"anomaly_auroc_simple_reconstruction": 0.2})) is None
