"""Whether likelihoods take simple images for better ones than real images are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import counted
from aebench.analysis.questions.verdict import Standing, Verdict, from_to, interval, listed
from aebench.analysis.statistics import Conclusion, Difference, conclusions, difference_of
from aebench.measures.uses.anomalies import SCORES

FEW = 3  # configurations that are named rather than counted
_HALF = 0.5  # the share of pairs that a score without any say gets right


def simple_images(evidence: Evidence) -> Iterator[Verdict]:
    """How often faded and blank images are stranger than test images, by likelihood and by the other scores."""
    known = [(item, found) for item in evidence.board if (found := _above_half(item, "likelihood")) is not None]
    if not known:
        return
    told = conclusions([found for _, found in known])
    fooled = [item for (item, _), conclusion in zip(known, told, strict=True) if conclusion == "lower"]
    yield Verdict(
        question="Do likelihoods take simple images for better ones than real images?",
        claim="faded and blank images have higher likelihoods than test images (Nalisnick et al. 2019)",
        standing=_standing(told),
        answer=f"{_answer(evidence, fooled, told)}{_others(fooled)}",
        lines=tuple(_line(evidence, item, found) for item, found in known),
    )


def _metric(score: str) -> str:
    return f"anomaly_auroc_simple_{score}"


def _above_half(item: Configuration, score: str) -> Difference | None:
    return difference_of([value - _HALF for value in item.values(_metric(score)).values()])


def _standing(told: Sequence[Conclusion]) -> Standing:
    found = {*told}
    if found == {"lower"}:
        return "confirmed"
    if "lower" in found:
        return "confirmed in part"
    if found == {"higher"}:
        return "refuted"
    return "refuted in part" if "higher" in found else "not settled"


def _answer(evidence: Evidence, fooled: Sequence[Configuration], told: Sequence[Conclusion]) -> str:
    clear = sum(conclusion == "higher" for conclusion in told)
    if not clear and not fooled:
        return "It cannot be told."
    if not fooled:
        rest = f"; in {len(told) - clear} it cannot be told" if clear < len(told) else ""
        of_all = counted(len(told), "configuration")
        return f"No: such an image is mostly the less likely one in {clear} of {of_all}{rest}."
    if len(fooled) == len(told):
        return "Yes, in all configurations: such an image is more likely than a test image more often than not."
    where = listed([evidence.named(item) for item in fooled]) if len(fooled) <= FEW else f"{len(fooled)} of {len(told)}"
    return f"Yes in {where}: such an image is more likely than a test image there more often than not."


def _others(fooled: Sequence[Configuration]) -> str:
    """What the other scores do where the likelihood fails."""
    shares = {
        by: [mean for item in fooled if (mean := item.summaries[_metric(score)].mean) is not None]
        for score, (by, _) in SCORES.items()
        if score != "likelihood"
    }
    told = [f"{from_to(found)} {by}" for by, found in shares.items() if found]
    return f" There, simple images are the stranger ones in these shares of pairs: {listed(told)}." if told else ""


def _line(evidence: Evidence, item: Configuration, found: Difference) -> str:
    others = [
        f"{by} {mean:.2f}"
        for score, (by, _) in SCORES.items()
        if score != "likelihood" and (mean := item.summaries[_metric(score)].mean) is not None
    ]
    mean = item.summaries[_metric("likelihood")].mean
    return f"{evidence.named(item)}: by likelihood {mean:.2f}, minus half {interval(found)}; {', '.join(others)}"
