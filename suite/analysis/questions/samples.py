"""What samples, centroids and paths look like, and why."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence, Pair
from aebench.analysis.questions.verdict import Standing, Verdict, from_to, mean_profile, mean_sd, name
from aebench.measures.similarity import image_correlation
from aebench.records.kept import Latents
from aebench.study.contrasts import Contrast

ALIKE, CLOSE = 0.9, 0.8  # correlations of pixels from which on images are alike, and come close to one another
PART = 0.5  # samples of which fewer than this part of real images' share is recognised don't look like the data


def prior_samples_without_a_prior(evidence: Evidence) -> Iterator[Verdict]:
    """Do the prior samples of a baseline that never saw a prior look like the data; does a fitted mixture mend that?"""
    needed = ("prior_recognisable", "train_recognisable")
    for baseline in dict.fromkeys(contrast.against for contrast in evidence.contrasts):
        own = [item for item in evidence.of(baseline) if all(item.summaries[metric].n for metric in needed)]
        if own and not any(item.summaries["rate_nats"].n for item in own):
            others = [item for item in evidence.compared if item.variant != baseline]
            yield _prior_samples(evidence, own, others)


def _prior_samples(evidence: Evidence, own: Sequence[Configuration], others: Sequence[Configuration]) -> Verdict:
    unlike = [item for item in own if _share(item, "prior") < PART * _share(item, "train")]
    standing: Standing = "confirmed" if unlike == own else "confirmed in part" if unlike else "refuted"
    share = f"{'fewer than' if unlike else 'at least'} half as many recognised as of real images"
    look = f"They don't at {evidence.places(unlike)}" if unlike else "At every latent size they do"
    whose = name(own[0].variant)
    return Verdict(
        question=f"Do {whose} prior samples look like the data, and does a fitted mixture repair that?",
        claim=f"{whose} prior samples don't look like {_things(evidence)}",
        standing=standing,
        answer=f"{look} ({share}).{_mended(evidence, own, unlike)}",
        lines=tuple(f"{evidence.named(item)}: {_recognised(item)}" for item in (*own, *others)),
    )


def _mended(evidence: Evidence, own: Sequence[Configuration], unlike: Sequence[Configuration]) -> str:
    """What a fitted mixture does to the share that is recognised; nothing at milestones, where none is fitted."""
    if not all(item.summaries["mixture_recognisable"].n for item in own):
        return ""
    gains = [_share(item, "mixture") - _share(item, "prior") for item in own]
    repaired = [item for item in unlike if _share(item, "mixture") >= PART * _share(item, "train")]
    mend = (
        f"brings most back at {evidence.places(repaired)}"
        if repaired
        else "does not repair it"
        if unlike
        else "is not needed for that"
    )
    change = from_to(gains, "+.2f")
    return f" A Gaussian mixture fitted to the codes {mend}: it changes the share that is recognised by {change}."


def _things(evidence: Evidence) -> str:
    """What the images show, in the studies' own word where it is that."""
    names = evidence.class_names
    return "digits" if names and all(len(one) == 1 and one.isdigit() for one in names) else "images of the data"


def _share(item: Configuration, source: str) -> float:
    return item.summaries[f"{source}_recognisable"].mean or 0.0


def _recognised(item: Configuration) -> str:
    told = {"prior": "prior", "mixture": "mixture", "pca_mixture": "PCA + mixture", "train": "real"}
    shares = ", ".join(f"{name} {mean_sd(item, f'{key}_recognisable')}" for key, name in told.items())
    distances = ", ".join(f"{name} {mean_sd(item, f'{key}_frechet_distance', 1)}" for key, name in told.items())
    return f"recognisable {shares}; Fréchet distance {distances}"


_CAUSES = {
    "prior_sharpness": "train_sharpness",
    "prior_recognisable": "train_recognisable",
    "prior_coverage": "train_coverage",
    "prior_precision": "train_precision",
}


def why_samples_look_primitive(evidence: Evidence) -> Iterator[Verdict]:
    """Where samples of each variant with a prior fall short of real images, the largest shortfall first."""
    for variant in dict.fromkeys(contrast.variant for contrast in evidence.contrasts):
        needed = ("prior_sharpness", "rate_nats")
        own = [item for item in evidence.of(variant) if all(item.summaries[metric].n for metric in needed)]
        if own:
            yield _shortcoming_of(evidence, own)


def _shortcoming_of(evidence: Evidence, own: Sequence[Configuration]) -> Verdict:
    best = max(own, key=lambda item: -(item.summaries["prior_frechet_distance"].mean or np.inf))
    short = sorted(_shortfalls(best), key=lambda pair: pair[1])
    worst = [f"{metric.removeprefix('prior_')} {part:.2f}" for metric, part in short if part < 0.95]
    even = (best.summaries["prior_class_entropy_nats"].mean or 0.0) > 0.95 * (
        best.summaries["train_class_entropy_nats"].mean or 1.0
    )
    classes = "all classes appear about evenly" if even else "some classes are missing"
    found = f"samples have only these parts of real images' values: {', '.join(worst)}"
    whose = name(best.variant)
    return Verdict(
        question=f"Why do {whose} samples look primitive?",
        claim=f"{whose} samples look primitive",
        whose=whose,
        of_all="samples look primitive",
        standing="confirmed" if worst else "refuted",
        answer=f"At {evidence.place(best)}, the best by Fréchet distance, "
        f"{found if worst else 'samples are as good as real images'}; {classes}.",
        lines=tuple(f"{evidence.named(item)}: {_shortcomings(item)}" for item in own),
    )


def _shortfalls(item: Configuration) -> Iterator[tuple[str, float]]:
    for metric, floor in _CAUSES.items():
        ours, real = item.summaries[metric].mean, item.summaries[floor].mean
        if ours is not None and real:
            yield metric, ours / real


def _shortcomings(item: Configuration) -> str:
    told = ("sharpness", "recognisable", "ambiguous", "class_entropy_nats", "precision", "recall", "coverage")
    parts = [
        f"{name.removesuffix('_nats').replace('_', ' ')} {mean_sd(item, f'prior_{name}')} (mixture "
        f"{mean_sd(item, f'mixture_{name}')}, real {mean_sd(item, f'train_{name}')})"
        for name in told
    ]
    gap = f"KL(q(z) || p(z)) {mean_sd(item, 'marginal_kl_nats')} nats"
    return f"{', '.join(parts)}; {gap}"


@dataclass(frozen=True, kw_only=True)
class _Likeness:
    """Correlation of the pixels of decoded centroids between two variants, and between seeds of one."""

    pair: Pair
    across: float
    within: float | None


def centroids(evidence: Evidence) -> Iterator[Verdict]:
    """How alike decoded class centroids are across the two variants of each contrast, and why."""
    for contrast in evidence.contrasts:
        rows = [row for pair in evidence.pairs(contrast) if (row := _likeness(evidence, pair)) is not None]
        if rows:
            yield _centroids(evidence, contrast, rows)


def _likeness(evidence: Evidence, pair: Pair) -> _Likeness | None:
    ours, theirs = (_kept(evidence, item) for item in pair)
    seeds = sorted(ours.keys() & theirs.keys())
    across = [image_correlation(ours[seed], theirs[seed]).mean() for seed in seeds]
    within = [
        image_correlation(own[a], own[b]).mean()
        for own in (ours, theirs)
        for a, b in itertools.combinations(sorted(own), 2)
    ]
    if not across:
        return None
    return _Likeness(pair=pair, across=float(np.mean(across)), within=float(np.mean(within)) if within else None)


def _centroids(evidence: Evidence, contrast: Contrast, rows: Sequence[_Likeness]) -> Verdict:
    first, second = name(contrast.variant), name(contrast.against)
    alike = [row for row in rows if row.across >= ALIKE]
    standing: Standing = "confirmed" if len(alike) == len(rows) else "confirmed in part" if alike else "refuted"
    means = [item.summaries["centroid_mean_correlation"].mean for row in rows for item in row.pair]
    known = [value for value in means if value is not None]
    why = (
        f" All come close to the class's mean image (correlation {from_to(known)})."
        if known and min(known) >= CLOSE
        else ""
    )
    return Verdict(
        question=f"Are class-centroid images of {second} and {first} alike, and why?",
        claim="centroid images are oddly alike across models",
        whose=first,
        of_all=f"centroid images are oddly like those of {second}",
        standing=standing,
        answer=f"Their pixels correlate {from_to([row.across for row in rows])} between {second} and {first}.{why}",
        lines=tuple(f"{evidence.place(row.pair[0])}: {_centroid_line(row, first, second)}" for row in rows),
    )


def _centroid_line(row: _Likeness, first: str, second: str) -> str:
    ours, theirs = row.pair
    both = {
        "with the class's mean image": ("centroid_mean_correlation", 3),
        "recognised": ("centroid_recognised", 2),
        "sharpness": ("centroid_sharpness", 2),
    }
    told = "; ".join(
        f"{words} {second} {mean_sd(theirs, metric, decimals)}, {first} {mean_sd(ours, metric, decimals)}"
        for words, (metric, decimals) in both.items()
    )
    within = "n/a" if row.within is None else f"{row.within:.3f}"
    return (
        f"correlation of pixels {second} with {first} {row.across:.3f}, between seeds of one variant {within}; {told}"
    )


def _kept(evidence: Evidence, item: Configuration) -> dict[int, np.ndarray]:
    found = {record.spec.seed: evidence.arrays(record, Latents.CENTROID_IMAGES) for record in item.usable}
    return {seed: images for seed, images in found.items() if images is not None}


def midpoints(evidence: Evidence) -> Iterator[Verdict]:
    """Whether the classifier is least sure half way between two images."""
    found = [(item, mean_profile(item, "path_entropy_nats")) for item in evidence.compared]
    known = [(item, steps) for item, steps in found if steps is not None]
    if not known:
        return
    middle = len(known[0][1]) // 2
    central = [item for item, steps in known if abs(int(np.argmax(steps)) - middle) <= 1]
    lines = [
        f"{evidence.named(item)}: entropy {steps[0]:.2f} at the ends, {steps[middle]:.2f} half way "
        f"(difference {mean_sd(item, 'path_entropy_excess_nats')}), most at step {int(np.argmax(steps))} of "
        f"{len(steps) - 1}; peak in the middle for {mean_sd(item, 'path_peaks_at_midpoint')} of the paths"
        for item, steps in known
    ]
    pixels = mean_profile(known[0][0], "path_entropy_nats_pixels")
    if pixels is not None:
        lines.append(f"pixels themselves, no model: {pixels[0]:.2f} at the ends, {pixels[middle]:.2f} half way")
    standing: Standing = "confirmed" if len(central) == len(known) else "confirmed in part" if central else "refuted"
    yield Verdict(
        question="Are interpolation midpoints the most ambiguous images?",
        claim=f"images half way between two {_things(evidence)} are ambiguous",
        standing=standing,
        answer=f"The classifier is least sure in the middle (give or take one step of {len(known[0][1]) - 1}) for "
        f"{len(central)} of {len(known)} models.",
        lines=tuple(lines),
    )
