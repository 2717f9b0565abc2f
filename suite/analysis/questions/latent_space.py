"""How latent spaces differ, which classes come out worst, and where the posterior collapses."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.questions.verdict import Standing, Verdict, mean_profile, mean_sd, name
from aebench.measures.similarity import chance_overlap, linear_cka, neighbour_overlap
from aebench.records.kept import Latents
from aebench.study.contrasts import Contrast

COMPARED = 1000  # test images whose codes are compared
SAME = 0.05  # two models that are this much less alike than two seeds are as alike
Codes = dict[int, np.ndarray]
Alike = tuple[float | None, float | None]  # of two variants, and of two seeds of one


def pictures(evidence: Evidence) -> Iterator[Verdict]:
    """Linear CKA and neighbour overlap of the two variants of each contrast, against those of two seeds of one."""
    for contrast in evidence.contrasts:
        rows = [
            (evidence.place(first), _codes(evidence, first), _codes(evidence, second))
            for first, second in evidence.pairs(contrast)
        ]
        found = [_likeness(place, *codes) for place, *codes in rows if codes[0].keys() & codes[1].keys()]
        if found:
            yield _pictures(contrast, found)


def _pictures(contrast: Contrast, found: Sequence[_Likeness]) -> Verdict:
    both = [pair for row in found for pair in (row.cka, row.overlap)]
    told = [across >= within - SAME for across, within in both if across is not None and within is not None]
    standing: Standing = (
        "not settled" if not told else "confirmed" if all(told) else "confirmed in part" if any(told) else "refuted"
    )
    first, second = name(contrast.variant), name(contrast.against)
    words = {
        "confirmed": f"{second} and {first} differ no more from each other than two seeds of one of them do",
        "confirmed in part": "At some latent sizes or by some measure they differ more than two seeds of one of them",
        "refuted": f"{second} and {first} differ more from each other than two seeds of one of them do",
        "not settled": "One seed, or codes that have collapsed: nothing to compare the difference with",
    }
    return Verdict(
        question=f"Do the latent pictures of {second} and {first} differ?",
        claim="the latent pictures hardly differ",
        whose=first,
        of_all=f"latent pictures hardly differ from those of {second}",
        standing=standing,
        answer=f"{words[standing]}.",
        lines=tuple(row.line(first, second) for row in found),
    )


@dataclass(frozen=True, kw_only=True)
class _Likeness:
    """How alike two variants are at one place; `chance` is the overlap that independent codes would have."""

    place: str
    cka: Alike
    overlap: Alike
    chance: float

    def line(self, first: str, second: str) -> str:
        return (
            f"{self.place}: CKA of {second} with {first} {_maybe(self.cka[0])}, between seeds of one variant "
            f"{_maybe(self.cka[1])}; shared nearest neighbours {_maybe(self.overlap[0])}, between seeds "
            f"{_maybe(self.overlap[1])}, by chance {self.chance:.3f}"
        )


def _likeness(place: str, ours: Codes, theirs: Codes) -> _Likeness:
    return _Likeness(
        place=place,
        cka=_alike(ours, theirs, linear_cka),
        overlap=_alike(ours, theirs, neighbour_overlap),
        chance=chance_overlap(len(next(iter(ours.values())))),
    )


def _codes(evidence: Evidence, item: Configuration) -> Codes:
    found = {record.spec.seed: evidence.arrays(record, Latents.MEAN) for record in item.usable}
    rng = np.random.default_rng(0)
    known = {seed: codes for seed, codes in found.items() if codes is not None and np.isfinite(codes).all()}
    count = min((len(codes) for codes in known.values()), default=0)
    index = rng.permutation(count)[:COMPARED]
    return {seed: codes[index] for seed, codes in known.items()}


def _alike(ours: Codes, theirs: Codes, measure: Callable[[np.ndarray, np.ndarray], float]) -> Alike:
    """Mean over seeds of a measure of two variants, and over pairs of seeds within each."""
    across = [measure(ours[seed], theirs[seed]) for seed in sorted(ours.keys() & theirs.keys())]
    within = [measure(own[a], own[b]) for own in (ours, theirs) for a, b in itertools.combinations(sorted(own), 2)]
    return _mean_of_known(across), _mean_of_known(within)


def _mean_of_known(values: Sequence[float]) -> float | None:
    """The mean without values of codes that have collapsed to one point, which are like nothing: NaN."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def _maybe(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"


def worst_classes(evidence: Evidence) -> Iterator[Verdict]:
    """Which classes cost most to reconstruct."""
    found = ((item, mean_profile(item, "recon_mse_by_class")) for item in evidence.compared)
    rows = [(item, steps) for item, steps in found if steps is not None]
    if not rows:
        return
    names = evidence.class_names
    orders = [np.argsort(-steps) for _, steps in rows]
    first = Counter(_class(names, order[0]) for order in orders)
    last = Counter(_class(names, order[-1]) for order in orders)
    runs = [record for item, _ in rows for record in item.usable if "recon_mse_by_class" in record.profiles]
    worst, count = first.most_common(1)[0]
    agree = sum(_class(names, np.argmax(record.profiles["recon_mse_by_class"])) == worst for record in runs)
    lines = [
        f"{evidence.named(item)}: worst {_ranked(names, steps, order[:3])}; best {_ranked(names, steps, order[-1:])}"
        for (item, steps), order in zip(rows, orders, strict=True)
    ]
    yield Verdict(
        question="Which classes reconstruct worst?",
        claim="",
        standing="found",
        answer=f"{worst}, in {count} of {len(rows)} configurations and {agree} of {len(runs)} runs; best "
        f"{last.most_common(1)[0][0]}.",
        lines=tuple(lines),
    )


def _class(names: Sequence[str], index: int | np.integer) -> str:
    return names[int(index)] if int(index) < len(names) else f"class {int(index)}"


def _ranked(names: Sequence[str], values: np.ndarray, order: np.ndarray) -> str:
    return ", ".join(f"{_class(names, index)} ({values[index]:.4f})" for index in order)


def collapse(evidence: Evidence) -> Iterator[Verdict]:
    """Configurations whose posterior leaves latent dimensions unused."""
    with_rate = [item for item in evidence.board if item.summaries["rate_nats"].n]
    if not with_rate:
        return
    partly = [item for item in with_rate if _active(item) < item.latent_dim - 0.5]
    wholly = [item for item in partly if _active(item) < 0.5]
    lines = [
        f"{evidence.named(item)}: {mean_sd(item, 'active_units', 1)} of {item.latent_dim} units active, "
        f"rate {mean_sd(item, 'rate_nats')} nats{_spectrum(item)}"
        for item in partly
    ]
    names = ", ".join(map(evidence.named, wholly))
    whole = f"wholly collapsed: {names}" if wholly else "none has collapsed wholly"
    some = f"{len(partly)} of {len(with_rate)} configurations leave units unused; {whole}."
    yield Verdict(
        question="Where does the posterior collapse?",
        claim="",
        standing="found",
        answer=some if partly else f"Nowhere: all units are active in all {len(with_rate)} configurations.",
        lines=tuple(lines),
    )


def _active(item: Configuration) -> float:
    return item.summaries["active_units"].mean or 0.0


def _spectrum(item: Configuration) -> str:
    """KL by dimension, sorted within each run, since dimensions have no order."""
    found = [
        sorted(r.profiles[name], reverse=True) for r in item.usable if (name := "kl_by_dimension_nats") in r.profiles
    ]
    return f"; KL by dimension {', '.join(f'{value:.2f}' for value in np.mean(found, axis=0))}" if found else ""
