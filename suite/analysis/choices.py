"""What to choose for which purpose: chosen on validation, scored on test, ties stated. Imports no Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aebench.analysis.configurations import Configuration, summarise
from aebench.analysis.evidence import Evidence
from aebench.analysis.milestones import words
from aebench.analysis.numbers import (
    column_decimals,
    counted,
    interval,
    listed,
    measured,
    number,
    plus_minus,
    significant,
    sized,
)
from aebench.analysis.purposes import (
    CLASS_STRUCTURE,
    LIKELIHOOD,
    RECONSTRUCTION,
    SAMPLING,
    USES,
    BySeed,
    Purpose,
    mean_over_seeds,
)
from aebench.analysis.ranking import Ranking
from aebench.analysis.standing import NAMED, Name, standing
from aebench.analysis.statistics import Side, better_or_worse, conclusions
from aebench.analysis.timings import TimedOperation
from aebench.measures import METRICS, NEED_LABELS, OF_IMAGES, ON_REQUEST
from aebench.measures.classes.family import references_of

# What is said of a winner and a reference, what speaks against it first.
_AGAINST: Final[dict[Side, str]] = {
    "worse": "worse than",
    "better": "better than",
    "equivalent": "no better than",
    "unclear": "not told from",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is best for one purpose.

    Attributes:
        question: the purpose.
        answer: the configuration's name, or why there is none.
        figure: the number behind it, with unit and uncertainty; it opens with the label of `metric`, if there is one.
        standing: what is tied with it or comes next, with the difference.
        stood: since when validation has chosen it; empty where that is not known.
        details: how it was chosen and what speaks against it, one sentence each.
        winner: the configuration it names, if it names one.
        metric: what scored it, a name in `METRICS`; empty of speeds.
    """

    question: str
    answer: str
    figure: str = ""
    standing: tuple[str, ...] = ()
    stood: str = ""
    details: tuple[str, ...] = ()
    winner: Configuration | None = None
    metric: str = ""


def answers(
    evidence: Evidence, name: Name, timed: Sequence[TimedOperation], image_shape: tuple[int, ...] | None = None
) -> tuple[Answer, ...]:
    """The best of one board for each purpose; a purpose that it has no numbers for is left out.

    Args:
        evidence: of the board.
        name: of a configuration on the page.
        timed: timings of the study.
        image_shape: of the board's data set, where it is known: timings of images of other shapes are not of it.
    """
    found = [
        _best(evidence, name, LIKELIHOOD),
        _best(evidence, name, RECONSTRUCTION),
        _best_silhouette(evidence, name),
        _best_sampler(evidence, name),
        _fastest(evidence.board, timed, image_shape),
    ]
    return tuple(answer for answer in found if answer is not None)


def uses(evidence: Evidence, name: Name) -> tuple[Answer, ...]:
    """The best of one board for each use of codes, and which references it beats; nothing where no use was measured.

    Uses of images alone are left out where none of them was measured, as of vectors, and those that studies ask for
    where none did.

    Args:
        evidence: of the board.
        name: of a configuration on the page.
    """
    found = {use: _best(evidence, name, use) for use in USES}
    found = {use: answer for use, answer in found.items() if answer or use.metric not in ON_REQUEST}
    if not any(found.values()):
        return ()
    if not any(answer for use, answer in found.items() if use.metric in OF_IMAGES):
        found = {use: answer for use, answer in found.items() if use.metric not in OF_IMAGES}
    return tuple(
        Answer(question=use.name, answer=f"n/a: {_why_absent(evidence, use)}")
        if answer is None or answer.winner is None
        else replace(answer, standing=(_beside(evidence, use, answer.winner), *answer.standing))
        for use, answer in found.items()
    )


def _why_absent(evidence: Evidence, use: Purpose) -> str:
    """Why nothing is the best for a use on a board where others have their best."""
    if use.metric in NEED_LABELS and not any(item.summaries[name].n for item in evidence.board for name in NEED_LABELS):
        return "no labels, or of one class alone"
    return f"nothing here has {METRICS[use.metric].label}"


def _beside(evidence: Evidence, use: Purpose, winner: Configuration) -> str:
    """`Better than PCA (0.71: +0.04 [+0.02, +0.06]); not told from raw pixels (...)`."""
    known = [(metric, called, found) for metric, called in use.references
             if (found := evidence.against(winner, use.metric, metric)) is not None]  # fmt: skip
    decimals = column_decimals(evidence.ranking(use.metric).scored, use.metric)
    groups: dict[str, list[str]] = {}
    for (metric, called, found), conclusion in zip(known, conclusions([row[2] for row in known]), strict=True):
        words = _AGAINST[better_or_worse(METRICS[use.metric].better, conclusion)]
        value = number(winner.summaries[metric].mean, decimals)
        groups.setdefault(words, []).append(f"{called} ({value}: {interval(found, decimals)})")
    told = "; ".join(f"{words} {listed(groups[words])}" for words in _AGAINST.values() if words in groups)
    corrected = f" Told apart is what stays so when corrected for {len(known)}." if len(known) > 1 else ""
    return f"{told[:1].upper()}{told[1:]}.{corrected if _AGAINST['unclear'] in groups else ''}"


def _best(evidence: Evidence, name: Name, purpose: Purpose) -> Answer | None:
    ranking = evidence.ranking(purpose.metric)
    if not ranking.scored:
        return None
    values = {item.id: found for item in ranking.scored if (found := purpose.criterion(item))}
    if len(values) < len(ranking.scored):
        return _chosen(ranking, name, purpose.name, ranking.on_test, ("test, for want of a validation split,",))
    chosen = max(ranking.scored, key=lambda item: mean_over_seeds(values[item.id]) or 0.0)
    answer = _chosen(ranking, name, purpose.name, chosen, ("validation", *_chosen_anew(ranking, values)))
    return replace(answer, stood=_stood(evidence, ranking, name, purpose, chosen))


def _stood(evidence: Evidence, ranking: Ranking, name: Name, purpose: Purpose, chosen: Configuration) -> str:
    """Whether validation chose the same after parts of the training."""
    earlier = {part: _earlier(known, ranking, purpose) for part, known in evidence.earlier.items()}
    found = {part: item.id for part, item in earlier.items() if item is not None}
    if len(ranking.scored) < 2 or len(found) < len(earlier):
        return ""
    best = {item.id for item in ranking.best}
    items = {item.id: item for item in ranking.scored}

    def before(own: str) -> str:
        tied = ", which is tied with it at the end" if {own, chosen.id} <= best else ""
        return f"validation chose {name(items[own])}{tied}"

    return words(chosen.id, found, evidence.epochs, before)


def _earlier(known: Evidence, ranking: Ranking, purpose: Purpose) -> Configuration | None:
    """What validation chose then among what is ranked now; `None` where one of them has no such number."""
    values = {item.id: purpose.criterion(item) for item in known.board}
    if not all(values.get(item.id) for item in ranking.scored):
        return None
    return max(ranking.scored, key=lambda item: mean_over_seeds(values[item.id]) or 0.0)


def _chosen_anew(ranking: Ranking, values: Mapping[str, BySeed]) -> tuple[str, ...]:
    """What the same choice gets on seeds that it has not seen.

    The winner is the one whose seeds were luckiest among others as good, and its own mean keeps that luck: with two or
    more equal configurations it is too good, by up to a standard error. A choice by all seeds but one, scored on that
    one, is not.
    """
    scored = {item.id: item.values(ranking.metric) for item in ranking.scored}
    seeds = sorted(set.intersection(*(values[key].keys() & scored[key].keys() for key in scored)))
    if len(seeds) < 3 or len(scored) < 2:
        return ()
    found = []
    for seed in seeds:
        others = {key: {one: value for one, value in own.items() if one != seed} for key, own in values.items()}
        found.append(scored[max(scored, key=lambda key: mean_over_seeds(others[key]) or 0.0)][seed])
    decimals = column_decimals(ranking.scored, ranking.metric)
    return (
        f"Its number keeps the luck of the seeds that chose it; chosen without each seed and scored on that one: "
        f"{plus_minus(summarise(found), decimals)}.",
    )


def _best_silhouette(evidence: Evidence, name: Name) -> Answer:
    ranking, answer = evidence.ranking(CLASS_STRUCTURE.metric), _best(evidence, name, CLASS_STRUCTURE)
    if answer is None:
        return Answer(question=CLASS_STRUCTURE.name, answer="n/a: no labels")
    assert answer.winner is not None
    references = [
        f"{METRICS[metric].label.removeprefix('Silhouette').lstrip(' ,')} "
        f"{plus_minus(answer.winner.summaries[metric], column_decimals(ranking.scored, ranking.metric))}"
        for metric in references_of("silhouette")
        if answer.winner.summaries[metric].mean is not None
    ]
    beside = f"The same measure {listed(references)}." if references else ""
    return replace(answer, details=tuple(filter(None, [beside, *answer.details])))


def _best_sampler(evidence: Evidence, name: Name) -> Answer | None:
    """Ranks by codes from the prior; beside it stands what real images have, and what a fitted mixture can do."""
    ranking, answer = evidence.ranking(SAMPLING.metric), _best(evidence, name, SAMPLING)
    if answer is None or answer.winner is None:
        return answer
    decimals, floor = column_decimals(ranking.scored, ranking.metric), answer.winner.summaries["train_frechet_distance"]
    real = "" if floor.mean is None else f"As many real training images have {plus_minus(floor, decimals)}."
    seeds = "Its intervals are over seeds alone: the choice of test images is not in them."
    details = (*filter(None, [seeds, *_best_mixture(ranking.board, name, decimals)]), *answer.details)
    return replace(answer, standing=(*filter(None, [real]), *answer.standing), details=details)


def _best_mixture(board: Sequence[Configuration], name: Name, decimals: int) -> tuple[str, ...]:
    mixtures = [item for item in board if item.summaries["mixture_frechet_distance"].mean is not None]
    if not mixtures:
        return ()
    best = min(mixtures, key=lambda item: item.summaries["mixture_frechet_distance"].mean or 0.0)
    return (
        "With codes from a mixture fitted to training codes instead of the prior, the lowest on test is "
        f"{plus_minus(best.summaries['mixture_frechet_distance'], decimals)}: {name(best)}.",
    )


def _fastest(
    board: Sequence[Configuration], timed: Sequence[TimedOperation], image_shape: tuple[int, ...] | None
) -> Answer | None:
    """Ranks by training steps at the batch size of the study; scalars and seed don't change the speed."""
    spec = board[0].specs[0]
    steps = [row for row in timed if row.operation == "train step" and row.batch_size == spec.batch_size]
    if image_shape is not None:
        steps = [row for row in steps if row.shape == "x".join(map(str, image_shape))]
    by_configuration = [(item, row) for item in board for row in steps if _is_of(row, item)]
    if not by_configuration:
        return None
    item, best = max(by_configuration, key=lambda pair: pair[1].median)
    tied = [row for row in {id(row): row for _, row in by_configuration}.values()
            if row is not best and row.place == best.place and row.high >= best.low]  # fmt: skip
    named = [sized(row.name, row.latent_dim) for row in tied]
    if len(named) > NAMED:
        named[NAMED:] = [f"{len(named) - NAMED} more"]
    return Answer(
        question="Speed",
        answer=sized(best.name, best.latent_dim),
        figure=f"{significant(best.median)} images/s in training [{significant(best.low)}, {significant(best.high)}]",
        standing=(f"Tied with it (quartiles overlap): {listed(named)}.",) if named else (),
        details=(
            f"Median and quartiles of the faster half of rounds of train steps of {spec.batch_size} images on "
            f"{best.device}; one model at a time, compilation apart.",
        ),
        winner=item,
    )


def _is_of(row: TimedOperation, item: Configuration) -> bool:
    return (row.variant, row.latent_dim, row.network) == (item.variant, item.latent_dim, item.network)


def _chosen(ranking: Ranking, name: Name, question: str, best: Configuration, where: Sequence[str]) -> Answer:
    metric, decimals = ranking.metric, column_decimals(ranking.scored, ranking.metric)
    stands, details = standing(ranking, name, best)
    how = f"Chosen on {where[0]} among {counted(len(ranking.scored), 'configuration')}; scored on test."
    return Answer(
        question=question,
        answer=name(best),
        figure=f"{METRICS[metric].label} {measured(best.summaries[metric], metric, decimals)}",
        standing=stands,
        details=(*details, how, *where[1:], *_doubt(best)),
        winner=best,
        metric=metric,
    )


def _doubt(best: Configuration) -> tuple[str, ...]:
    found = best.convergence
    return () if found is None or found.state == "converged" else (f"Its training: {found.state}, see below.",)
