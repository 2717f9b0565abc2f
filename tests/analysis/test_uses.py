"""What a code is good for: winners beside references, a variant beside its baseline, and what is not needed at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aebench.analysis.choices import uses
from aebench.analysis.configurations import compare
from aebench.analysis.evidence import Evidence
from aebench.analysis.league import league
from aebench.analysis.purposes import USES, validation_elbo
from aebench.analysis.questions.uses import good_for
from aebench.measures import METRICS, OF_IMAGES, ON_REQUEST, kept_arrays
from aebench.page.look import looks

LABELS = USES[0]
CONTRAST = """
[[contrast]]
variant = "vae"
against = "ae"
"""


@pytest.fixture
def known(make_study, expand, make_record) -> Callable[..., Evidence]:
    """known(numbers) -> evidence; `numbers(spec)` are a run's metrics."""

    def made(numbers: Callable[[Any], dict[str, float]], images: Any = None) -> Evidence:
        study = make_study(seeds=4, latent_dim="[2, 4]", beta="[1.0]", more=CONTRAST)
        specs = expand(study)
        records = {spec.run_id: make_record(spec, **numbers(spec)) for spec in specs}
        given = {} if images is None else {"images": images}
        return Evidence(board=compare(study, specs, records).configurations, contrasts=study.contrasts, **given)

    return made


def numbers(ae: float, vae: float, pca: float) -> Callable[[Any], dict[str, float]]:
    """Accuracies from few labels, a little apart from seed to seed."""

    def of_run(spec: Any) -> dict[str, float]:
        own = (vae if spec.variant == "vae" else ae) + 0.001 * spec.seed
        metric = LABELS.metric
        return {metric: own, f"{metric}_validation": own, f"{metric}_pca": pca, f"{metric}_pixels": 0.5}

    return of_run


def told(evidence: Evidence) -> dict[str, Any]:
    return {one.question: one for one in uses(evidence, looks(evidence.board).title)}


def test_a_winner_is_told_with_the_references_that_it_beats(known):
    few = told(known(numbers(0.6, 0.8, 0.9)))["Few labels"]
    assert few.answer.startswith("VAE")
    assert few.standing[0].startswith("Worse than PCA (0.9000: −0.0985 [")
    assert "; better than raw pixels (0.5000: +0.3015 [" in few.standing[0]


def test_uses_of_images_alone_are_left_out_where_none_was_measured(known):
    given = numbers(0.6, 0.8, 0.9)
    assert told(known(given)).keys() == {use.name for use in USES if use.metric not in OF_IMAGES}
    found = told(known(lambda spec: {**given(spec), "compression_mse_16": 0.1 + 0.01 * spec.seed}))
    assert found.keys() == {use.name for use in USES if use.metric not in ON_REQUEST}
    asked = told(known(lambda spec: {**given(spec), "unseen_class_auroc": 0.9 + 0.01 * spec.seed}))
    assert "Unseen class" in asked, "what a study asks for is shown where it was measured"
    assert "Other data sets" not in asked
    assert found["Denoising"].winner is None
    assert found["Denoising"].answer.startswith("n/a")


def test_a_difference_inside_the_margin_is_no_better(known):
    few = told(known(numbers(0.6, 0.8, 0.8)))["Few labels"]
    assert few.standing[0].startswith("Better than raw pixels")
    assert "; no better than PCA (0.8000: +0.0015 [" in few.standing[0]


def test_where_no_use_was_measured_nothing_is_told(known):
    evidence = known(lambda spec: {})
    assert uses(evidence, looks(evidence.board).title) == ()
    assert [*good_for(evidence)] == []
    assert league(evidence, USES).purposes == ()


def test_a_variant_is_held_against_its_baseline_and_both_against_what_needs_no_training(known):
    (verdict,) = good_for(known(numbers(0.6, 0.8, 0.7)))
    assert verdict.question.startswith("What is a code good for: where does the VAE beat the AE")
    ((use, cells),) = verdict.matrix.rows
    assert use == "Few labels"
    signs = [(words.replace("\N{NO-BREAK SPACE}", ""), mark) for words, mark in cells]
    assert signs == [("▲ z=2, ▲ z=4", "yes"), ("▲ z=2, ▲ z=4", "yes"), ("▼ z=2, ▼ z=4", "no")]
    assert verdict.answer.startswith("The VAE is better than the AE for few labels, and worse for no use")
    assert verdict.answer.endswith("neighbours for no use.")
    (verdict,) = good_for(known(numbers(0.6, 0.8, 0.9)))
    assert verdict.answer.endswith("neighbours for few labels.")


def test_a_reference_s_test_images_enter_the_interval(known):
    """Seeds agree to .001, and single images differ by far more than that: the interval is theirs."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0.0, 0.5, 50)

    def images(record, metric):
        if metric == LABELS.metric:
            return record.metrics[metric] + noise - noise.mean()
        return np.full(50, record.metrics[metric]) if metric == f"{LABELS.metric}_pca" else None

    evidence = known(numbers(0.6, 0.8, 0.7), images)
    item = evidence.board[-1]
    found = evidence.against(item, LABELS.metric, f"{LABELS.metric}_pca")
    assert found.image_se == pytest.approx(noise.std(ddof=1) / np.sqrt(50), rel=1e-3)
    alone = evidence.against(item, LABELS.metric, f"{LABELS.metric}_pixels")
    assert alone.image_se is None
    assert found.se > 10 * alone.se


def test_the_metrics_of_uses_and_their_references_are_there_and_comparable():
    for use in USES:
        if use.criterion is not validation_elbo:  # which learning curves tell
            assert METRICS[use.metric].better == METRICS[f"{use.metric}_validation"].better
        assert METRICS[use.metric].margin > 0
        for reference, _ in use.references:
            assert METRICS[reference].better == METRICS[use.metric].better
            assert bool(kept_arrays(reference)) == bool(kept_arrays(use.metric)), "or images would not enter intervals"
