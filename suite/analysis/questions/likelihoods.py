"""Whether likelihoods take simple images for better ones than real images are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import counted
from aebench.analysis.questions.verdict import Standing, Verdict, from_to, interval, listed, mean_profile, sources
from aebench.analysis.statistics import Conclusion, Difference, conclusions, difference_of
from aebench.measures.uses.anomalies import SCORES
from aebench.measures.uses.outliers import KINDS, SIMPLE

_HALF = 0.5  # the share of pairs that a score without any say gets right
_PLACES = {kind: [*KINDS].index(kind) for kind in SIMPLE}  # in profiles by kind of outlier
ByKind = Mapping[str, Difference]


def simple_images(evidence: Evidence) -> Iterator[Verdict]:
    """How often faded and blank images are stranger than test images, by likelihood and by the other scores."""
    known = [(item, found) for item in evidence.board if (found := _above_half(item))]
    if not known:
        return
    differences = [found[kind] for kind in SIMPLE for _, found in known]
    told = conclusions(differences)
    by_kind = {kind: told[at * len(known) : (at + 1) * len(known)] for at, kind in enumerate(SIMPLE)}
    fooled = {kind: [item for (item, _), one in zip(known, own, strict=True) if one == "lower"]
              for kind, own in by_kind.items()}  # fmt: skip
    yield Verdict(
        question="Do likelihoods take simple images for better ones than real images?",
        claim="faded and blank images have higher likelihoods than test images (Nalisnick et al. 2019)",
        standing=_standing(told),
        answer=f"{_answer(by_kind)}{_others(fooled)}",
        lines=(*(_line(evidence, item, found) for item, found in known), f"Intervals{sources(differences)}"),
    )


def _profile(score: str) -> str:
    return f"anomaly_auroc_{score}_by_kind"


def _above_half(item: Configuration) -> ByKind:
    """How much more often than not each simple kind is less likely than a test image; empty where nobody knows."""
    runs = [record.profiles[name] for record in item.usable if (name := _profile("likelihood")) in record.profiles]
    found = {kind: difference_of([run[place] - _HALF for run in runs]) for kind, place in _PLACES.items()}
    return {kind: one for kind, one in found.items() if one is not None}


def _standing(told: Sequence[Conclusion]) -> Standing:
    found = {*told}
    if found == {"lower"}:
        return "confirmed"
    if "lower" in found:
        return "confirmed in part"
    if found == {"higher"}:
        return "refuted"
    return "refuted in part" if "higher" in found else "not settled"


def _answer(by_kind: Mapping[str, Sequence[Conclusion]]) -> str:
    """`Faded images are the more likely ones in most pairs in 2 of 6 configurations, the less likely ones in 3`."""
    parts = []
    for kind, told in by_kind.items():
        likelier, less = (sum(one == side for one in told) for side in ("lower", "higher"))
        where = f"{likelier} of {counted(len(told), 'configuration')}"
        parts.append(f"{kind} images are the more likely ones in most pairs in {where}, the less likely ones in {less}")
    told_all = "; ".join(parts)
    return f"{told_all[:1].upper()}{told_all[1:]}."


def _others(fooled: Mapping[str, Sequence[Configuration]]) -> str:
    """What the other scores do where the likelihood fails."""
    shares: dict[str, list[float]] = {}
    for kind, items in fooled.items():
        for score, (by, _) in SCORES.items():
            means = [mean_profile(item, _profile(score)) for item in items] if score != "likelihood" else []
            shares.setdefault(by, []).extend(float(mean[_PLACES[kind]]) for mean in means if mean is not None)
    told = [f"{from_to(found)} {by}" for by, found in shares.items() if found]
    return f" There, such images are the stranger ones in these shares of pairs: {listed(told)}." if told else ""


def _line(evidence: Evidence, item: Configuration, found: ByKind) -> str:
    known = {by: mean for score, (by, _) in SCORES.items()
             if score != "likelihood" and (mean := mean_profile(item, _profile(score))) is not None}  # fmt: skip
    parts = []
    for kind, difference in found.items():
        others = "".join(f", {by} {mean[_PLACES[kind]]:.2f}" for by, mean in known.items())
        parts.append(f"{kind} images are the stranger ones by likelihood in {_HALF + difference.mean:.2f} of pairs, "
                     f"minus half {interval(difference)}{others}")  # fmt: skip
    return f"{evidence.named(item)}: {'; '.join(parts)}"
