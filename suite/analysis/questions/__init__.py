"""What a board says to the questions of the two studies that the suite grew out of, and to those like them. No Keras.

A question is a function of the evidence that yields a verdict for each thing that it can be asked of: each contrast
that the study declares, each setting that it varies, or the board as a whole. Which variants these are, it takes from
there alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from aebench.analysis.evidence import Evidence
from aebench.analysis.milestones import words
from aebench.analysis.questions import factors, latent_space, likelihoods, samples, separation, settings, uses
from aebench.analysis.questions.verdict import Verdict

__all__ = ["QUESTIONS", "Verdict", "verdicts"]

# In the order of the page.
QUESTIONS: tuple[Callable[[Evidence], Iterator[Verdict]], ...] = (
    separation.better_than_the_baseline,
    settings.effect_of_settings,
    uses.good_for,
    likelihoods.simple_images,
    samples.prior_samples_without_a_prior,
    samples.why_samples_look_primitive,
    samples.centroids,
    latent_space.pictures,
    latent_space.worst_classes,
    samples.midpoints,
    latent_space.collapse,
    factors.told_factors,
    factors.method_setting_or_seed,
    factors.without_knowing_factors,
)


def verdicts(evidence: Evidence) -> tuple[Verdict, ...]:
    """One for each question to which the evidence of one board has an answer."""
    before = {part: {one.question: one for one in _answered(known)} for part, known in evidence.earlier.items()}
    return tuple(replace(one, stood=_stood(one, before, evidence.epochs)) for one in _answered(evidence))


def _answered(evidence: Evidence) -> Iterator[Verdict]:
    return (verdict for question in QUESTIONS for verdict in question(evidence))


def _stood(verdict: Verdict, before: Mapping[float, Mapping[str, Verdict]], epochs: int) -> str:
    """Whether the question had the same answer after parts of the training; nothing where one had none, or has none."""
    found = {part: own[verdict.question].essence for part, own in before.items() if verdict.question in own}
    if verdict.essence in (None, "not settled") or len(found) < len(before):
        return ""
    return words(
        verdict.essence,
        found,
        epochs,
        lambda essence: f"the claim was {essence}" if isinstance(essence, str) else "some marks were others",
    )
