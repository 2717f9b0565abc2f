"""Is a variant better than its baseline? By silhouette: does it separate classes better?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence, slack_of
from aebench.analysis.questions.verdict import Standing, Verdict, interval, name, sources, with_settings
from aebench.analysis.statistics import (
    ALPHA,
    Conclusion,
    Difference,
    SignFlips,
    better_or_worse,
    conclusions,
    holm,
    sign_flip_test,
    towards_zero,
)
from aebench.measures import METRICS
from aebench.study.contrasts import Contrast

Found = tuple[Configuration, Configuration, Difference]
Told = tuple[Configuration, Difference, Conclusion]
_WORDS = {
    "better": "better",
    "worse": "worse",
    "equivalent": "no difference that matters",
    "unclear": "no clear difference",
}
# How what a metric tells is said of a variant; of others, by the metric's own name.
_SAID = {"silhouette": "separate classes better"}


def better_than_the_baseline(evidence: Evidence) -> Iterator[Verdict]:
    """Judges each contrast by its first metric, then by the others. For AE and VAE: the thesis's main question."""
    for contrast in evidence.contrasts:
        metric = contrast.metrics[0]
        found = _differences(evidence, contrast, metric)
        if found:
            yield _verdict(evidence, contrast, found)
        elif bounds := _bounds(evidence, contrast, metric):
            yield replace(_question(contrast, metric, []), answer=f"{bounds[0].upper()}{bounds[1:]}.")


def _verdict(evidence: Evidence, contrast: Contrast, found: Sequence[Found]) -> Verdict:
    metric = contrast.metrics[0]
    ours, theirs = name(contrast.variant), name(contrast.against)
    margin = METRICS[metric].margin
    within = f" Differences within ±{margin} count as none." if margin is not None else ""
    told = conclusions([difference for _, _, difference in found])
    sides = [better_or_worse(METRICS[metric].better, conclusion) for conclusion in told]
    lines = [
        f"{evidence.place(first)}: {_line(difference, conclusion)}"
        for (first, _, difference), conclusion in zip(found, told, strict=True)
    ]
    lines += [_bounds(evidence, contrast, metric), _test_line(evidence, contrast)]
    lines += [_other(evidence, contrast, other) for other in contrast.metrics[1:] if evidence.has(other)]
    return replace(
        _question(contrast, metric, [first for first, _, _ in found]),
        standing=_standing(sides),
        answer=f"{METRICS[metric].label}, {ours} minus {theirs} with 95 % interval: {_by_side(evidence, found, sides)}."
        f"{_corrected(found, sides)}{within}",
        lines=tuple(filter(None, lines)),
    )


def _question(contrast: Contrast, metric: str, firsts: Sequence[Configuration]) -> Verdict:
    """What is asked and was claimed, not settled yet."""
    ours, theirs = name(contrast.variant), name(contrast.against)
    better = _SAID.get(metric, f"do better in {METRICS[metric].label}")
    return Verdict(
        question=f"Does the {with_settings(firsts) if firsts else ours} {better} than the {theirs} of the same "
        "latent size?",
        claim=contrast.claim or f"the {ours} does not {better} than the {theirs}",
        whose="" if contrast.claim else ours,
        of_all=f"variants do not {better} than the {theirs}",
        standing="not settled",
        answer="",
        lines=(),
    )


def _bounds(evidence: Evidence, contrast: Contrast, metric: str) -> str:
    """At which latent sizes a number is a bound alone, and what that does to the answer."""
    pairs = [pair for pair in evidence.pairs(contrast) if all(item.values(metric) for item in pair)]
    slacks = [(first, slack_of(first, second, metric)) for first, second in pairs]
    label, parts = METRICS[metric].label, []
    if unknown := [first for first, slack in slacks if slack is None]:
        parts.append(f"no answer at {evidence.places(unknown)}, where {label} is a bound of unknown error")
    if wide := [(first, slack) for first, slack in slacks if slack is not None and any(slack)]:
        told = ", ".join(
            f"{evidence.place(first)} (by {below:.2g} down and {above:.2g} up)" for first, (below, above) in wide
        )
        parts.append(f"intervals allow for what {label}, where it is a bound, may be off by: at {told}")
    return "; ".join(parts)


def _differences(evidence: Evidence, contrast: Contrast, metric: str) -> list[Found]:
    pairs = ((first, second, evidence.difference(first, second, metric)) for first, second in evidence.pairs(contrast))
    return [(first, second, difference) for first, second, difference in pairs if difference is not None]


def _standing(sides: Sequence[str]) -> Standing:
    """What becomes of the claim that the first is not better."""
    found = {*sides}
    if "better" in found:
        return "refuted" if found == {"better"} else "refuted in part"
    if "unclear" in found:
        return "not settled" if found == {"unclear"} else "confirmed in part"
    return "confirmed"


def _by_side(evidence: Evidence, found: Sequence[Found], sides: Sequence[str]) -> str:
    """`worse at z = 8 (-0.031 [-0.036, -0.026]); no clear difference at z = 2 (...)`."""
    groups: dict[str, list[str]] = {}
    for (first, _, difference), side in zip(found, sides, strict=True):
        groups.setdefault(side, []).append(f"{evidence.place(first)} ({interval(difference)})")
    return "; ".join(f"{words} at {', '.join(groups[it])}" for it, words in _WORDS.items() if it in groups)


def _corrected(found: Sequence[Found], sides: Sequence[str]) -> str:
    """Why an interval that leaves out 0 is not called clear: one of several may do so by luck."""
    taken_back = any(
        side == "unclear" and difference.clear for (_, _, difference), side in zip(found, sides, strict=True)
    )
    return f" Clear is what stays so when corrected for {len(found)} latent sizes." if taken_back else ""


def _line(difference: Difference, conclusion: Conclusion) -> str:
    parts = {"seeds": difference.seed_se, "test images": difference.image_se}
    errors = ", ".join(f"{source} ± {se:.4f}" for source, se in parts.items() if se is not None)
    return f"{interval(difference)} (standard errors: {errors}; n = {difference.n} seeds): {conclusion}"


def _test_line(evidence: Evidence, contrast: Contrast) -> str:
    """The permutation test over all latent sizes and seeds, corrected for all metrics of the contrast."""
    found = ((metric, blocked_test(evidence, contrast, metric)) for metric in contrast.metrics)
    tests = {metric: test for metric, test in found if test is not None}
    main = tests[contrast.metrics[0]]
    if main.p is None:
        return f"no permutation test: {main.pairs} pairs cannot reach p = 0.05 (smallest {main.smallest:.3f})"
    adjusted = holm({metric: test.p for metric, test in tests.items() if test.p is not None})
    each = ", ".join(f"{METRICS[metric].label} {p:.2g}" for metric, p in adjusted.items())
    split = [
        METRICS[metric].label for metric, p in adjusted.items() if p < ALPHA and _split(evidence, contrast, metric)
    ]
    average = f"; latent sizes differ in sign, so that of {', '.join(split)} is of their average alone" if split else ""
    return (
        f"sign flips over all latent sizes and seeds ({main.pairs} pairs; smallest possible p {main.smallest:.1g}), "
        f"Holm-corrected p: {each}{average}"
    )


def _split(evidence: Evidence, contrast: Contrast, metric: str) -> bool:
    """Whether the differences of some latent sizes are above 0 and those of others below."""
    means = [difference.mean for _, _, difference in _differences(evidence, contrast, metric)]
    return min(means) < 0.0 < max(means)


def blocked_test(evidence: Evidence, contrast: Contrast, metric: str) -> SignFlips | None:
    """First minus second of one metric by sign flips within each pair of runs, blocks being latent sizes."""
    blocks = []
    for first, second in evidence.pairs(contrast):
        slack = slack_of(first, second, metric)
        if slack is None:
            continue
        ours, theirs = first.values(metric), second.values(metric)
        common = sorted(ours.keys() & theirs.keys())
        blocks.append([towards_zero(ours[seed] - theirs[seed], slack) for seed in common])
    pairs = [*itertools.chain.from_iterable(blocks)]
    return sign_flip_test(pairs) if pairs else None


def _other(evidence: Evidence, contrast: Contrast, metric: str) -> str:
    found = _differences(evidence, contrast, metric)
    each = by_place(
        evidence,
        (
            (first, difference, conclusion)
            for (first, _, difference), conclusion in zip(found, conclusions([row[2] for row in found]), strict=True)
        ),
    )
    told = sources([difference for _, _, difference in found])
    label = f"{METRICS[metric].label}, {name(contrast.variant)} minus {name(contrast.against)}"
    return f"{label}{told}: {each}" if found else ""


def by_place(evidence: Evidence, found: Iterable[Told]) -> str:
    """`z = 2 +0.1 [+0.0, +0.2] higher, n = 5; z = 4 ...`."""
    return "; ".join(
        f"{evidence.place(item)} {interval(difference)} {conclusion}, n = {difference.n}"
        for item, difference, conclusion in found
    )
