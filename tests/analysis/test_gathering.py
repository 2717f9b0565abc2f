"""What is asked of many variants alike is told together."""

from __future__ import annotations

from typing import Any

import pytest

from aebench.analysis.questions.gathering import MOST_SINGLY, gathered
from aebench.analysis.questions.verdict import Verdict, from_to
from aebench.page.templating import as_heading


def verdict(whose: str, standing: Any = "confirmed", claim: str = "it is so", of_all: str = "they are so") -> Verdict:
    return Verdict(
        question=f"Is it so of {whose}?",
        claim=claim,
        standing=standing,
        answer="",
        lines=(),
        whose=whose,
        of_all=of_all,
    )


def test_few_alike_stay_by_themselves() -> None:
    few = [verdict(f"V{at}") for at in range(MOST_SINGLY)]
    assert [one.verdicts for one in gathered(few)] == [(one,) for one in few]
    assert {one.claim for one in gathered(few)} == {""}


def test_many_alike_are_together_at_the_place_of_the_first_and_nothing_is_lost() -> None:
    standings = ["confirmed", "refuted", "not settled", "confirmed", "refuted in part"]
    many = [verdict(f"V{at}", standing) for at, standing in enumerate(standings)]
    own, other = verdict("", claim="something else", of_all=""), verdict("V0", claim="a third", of_all="thirds")
    first, *rest = gathered([own, many[0], other, *many[1:]])
    assert first.verdicts == (own,)
    assert [one.claim for one in rest] == ["they are so", ""]
    assert rest[0].verdicts == tuple(many)
    assert rest[1].verdicts == (other,)
    assert rest[0].found == (
        ("refuted", ("V1",)),
        ("refuted in part", ("V4",)),
        ("confirmed", ("V0", "V3")),
        ("not settled", ("V2",)),
    )


def test_a_claim_in_the_study_s_own_words_is_never_gathered() -> None:
    own = [verdict("", claim=f"claim {at}") for at in range(9)]
    assert [one.verdicts for one in gathered(own)] == [(one,) for one in own]


@pytest.mark.parametrize(
    ("text", "heading"), [("the VAE", "The VAE"), ("δ-VAE samples", "δ-VAE samples"), ("β-TCVAE", "β-TCVAE"), ("", "")]
)
def test_greek_names_keep_their_letters(text: str, heading: str) -> None:
    assert as_heading(text) == heading


def test_a_range_whose_ends_are_written_alike_is_one_number() -> None:
    assert from_to([0.981, 0.984]) == "0.98"
    assert from_to([0.2, -0.1], "+.2f") == "-0.10 to +0.20"
