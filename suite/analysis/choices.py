"""What to choose for which purpose: chosen on validation, scored on test, ties stated. Imports no Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aebench.analysis.configurations import Configuration
from aebench.analysis.convergence import mean_curve
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import (
    column_decimals,
    counted,
    interval,
    listed,
    measured,
    plus_minus,
    significant,
    sized,
)
from aebench.analysis.statistics import Difference
from aebench.analysis.timings import TimedOperation
from aebench.measures import METRICS
from aebench.measures.classes.family import references_of

Name = Callable[[Configuration], str]
Criterion = Callable[[Configuration], float | None]
_FEW = 3


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is best for one purpose.

    Attributes:
        question: the purpose.
        answer: the configuration's name, or why there is none.
        figure: the number behind it, with unit and uncertainty.
        standing: what is tied with it or comes next, with the difference.
        details: how it was chosen and what speaks against it, one sentence each.
        winner: the configuration it names, if it names one.
    """

    question: str
    answer: str
    figure: str = ""
    standing: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    winner: Configuration | None = None


def answers(
    evidence: Evidence, name: Name, timed: Sequence[TimedOperation], image_shape: tuple[int, int, int] | None = None
) -> tuple[Answer, ...]:
    """The best of one board for each purpose; a purpose that it has no numbers for is left out.

    Args:
        evidence: of the board.
        name: of a configuration on the page.
        timed: timings of the study.
        image_shape: of the board's data set, where it is known: timings of images of other shapes are not of it.
    """

    def ranking(metric: str) -> _Ranking:
        return _Ranking(metric=metric, evidence=evidence, name=name)

    found = [
        _best(ranking("elbo_nats"), "Likelihood", validation_elbo),
        _best(ranking("recon_mse"), "Reconstruction", validation_distortion),
        _best_silhouette(ranking("silhouette")),
        _best_sampler(ranking("prior_frechet_distance")),
        _fastest(evidence.board, timed, image_shape),
    ]
    return tuple(answer for answer in found if answer is not None)


def validation_elbo(configuration: Configuration) -> float | None:
    """-(distortion + rate) on validation after the last epoch, mean over seeds; `None` without a rate."""
    rate = _last(configuration, "val_rate")
    distortion = _last(configuration, "val_distortion")
    return None if rate is None or distortion is None else -(distortion + rate)


def validation_distortion(configuration: Configuration) -> float | None:
    """-distortion on validation after the last epoch (higher is better), mean over seeds."""
    distortion = _last(configuration, "val_distortion")
    return None if distortion is None else -distortion


def validation_metric(metric: str, better: int) -> Criterion:
    """The metric's mean over seeds, negated where less is better: `better` is 1 or -1."""

    def criterion(configuration: Configuration) -> float | None:
        mean = configuration.summaries[metric].mean
        return None if mean is None or _saw_validation(configuration) else better * mean

    return criterion


def _saw_validation(configuration: Configuration) -> bool:
    """Whether it was trained on the validation split, which then chooses nothing."""
    return configuration.specs[0].train_on != "train"


def _last(configuration: Configuration, curve: str) -> float | None:
    if _saw_validation(configuration):
        return None
    values = mean_curve(configuration.usable, curve)
    return values[-1] if values else None


@dataclass(frozen=True, kw_only=True)
class _Ranking:
    """One board's configurations that have a metric, and how to tell them apart in it."""

    metric: str
    evidence: Evidence
    name: Name

    @property
    def scored(self) -> list[Configuration]:
        return [item for item in self.evidence.board if item.summaries[self.metric].mean is not None]

    @property
    def decimals(self) -> int:
        return column_decimals(self.scored, self.metric)

    @property
    def sign(self) -> float:
        return -1.0 if METRICS[self.metric].better == "lower" else 1.0

    def on_test(self) -> Configuration:
        return max(self.scored, key=lambda item: self.sign * (item.summaries[self.metric].mean or 0.0))

    def rivals(self, best: Configuration) -> list[tuple[Configuration, Difference]]:
        """Every other one with its difference to `best`, the best first."""
        pairs = ((item, self.evidence.difference(item, best, self.metric)) for item in self.scored if item is not best)
        known = [(item, difference) for item, difference in pairs if difference is not None]
        return sorted(known, key=lambda pair: -self.sign * pair[1].mean)

    def apart(self, rivals: Sequence[tuple[Configuration, Difference]]) -> str:
        """Names with differences, the best first."""
        return "; ".join(f"{self.name(item)}: {interval(it, self.decimals)}" for item, it in rivals)


def _best(ranking: _Ranking, question: str, criterion: Criterion) -> Answer | None:
    scored = ranking.scored
    if not scored:
        return None
    values = {item.id: value for item in scored if (value := criterion(item)) is not None}
    if len(values) < len(scored):
        return _chosen(ranking, question, ranking.on_test(), "test, for want of a validation split,")
    return _chosen(ranking, question, max(scored, key=lambda item: values[item.id]), "validation")


def _best_silhouette(ranking: _Ranking) -> Answer:
    question = "Class structure"
    if not ranking.scored:
        return Answer(question=question, answer="n/a: no labels")
    answer = _best(ranking, question, validation_metric("silhouette_validation", 1))
    assert answer is not None
    assert answer.winner is not None
    references = [
        f"{METRICS[metric].label.removeprefix('Silhouette').lstrip(' ,')} "
        f"{plus_minus(answer.winner.summaries[metric], ranking.decimals)}"
        for metric in references_of("silhouette")
        if answer.winner.summaries[metric].mean is not None
    ]
    beside = f"The same measure {listed(references)}." if references else ""
    return replace(answer, details=tuple(filter(None, [beside, *answer.details])))


def _best_sampler(ranking: _Ranking) -> Answer | None:
    """Ranks by codes from the prior, and says beside it how well a mixture fitted to training codes can do."""
    answer = _best(ranking, "Sampling", validation_metric("prior_frechet_distance_validation", -1))
    if answer is None or answer.winner is None:
        return answer
    mixtures = [item for item in ranking.evidence.board if item.summaries["mixture_frechet_distance"].mean is not None]
    if not mixtures:
        return answer
    best = min(mixtures, key=lambda item: item.summaries["mixture_frechet_distance"].mean or 0.0)
    beside = (
        f"With codes from a mixture fitted to training codes instead of the prior, the lowest on test is "
        f"{plus_minus(best.summaries['mixture_frechet_distance'], ranking.decimals)}: {ranking.name(best)}."
    )
    return replace(answer, details=(beside, *answer.details))


def _fastest(
    board: Sequence[Configuration], timed: Sequence[TimedOperation], image_shape: tuple[int, int, int] | None
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
    return Answer(
        question="Speed",
        answer=sized(best.name, best.latent_dim),
        figure=f"{significant(best.median)} images/s in training [{significant(best.low)}, {significant(best.high)}]",
        standing=(f"Tied with it (quartiles overlap): {listed(named)}.",) if named else (),
        details=(
            f"Median and quartiles of single train steps of {spec.batch_size} images on {best.device}; one model at a "
            "time, compilation apart.",
        ),
        winner=item,
    )


def _is_of(row: TimedOperation, item: Configuration) -> bool:
    return (row.variant, row.latent_dim, row.network) == (item.variant, item.latent_dim, item.network)


def _chosen(ranking: _Ranking, question: str, best: Configuration, where: str) -> Answer:
    metric = ranking.metric
    standing, details = _standing(ranking, best)
    how = f"Chosen on {where} among {counted(len(ranking.scored), 'configuration')}; scored on test."
    return Answer(
        question=question,
        answer=ranking.name(best),
        figure=f"{METRICS[metric].label} {measured(best.summaries[metric], metric, ranking.decimals)}",
        standing=standing,
        details=(*details, how, *_doubt(best)),
        winner=best,
    )


def _doubt(best: Configuration) -> tuple[str, ...]:
    return (
        (f"Its training: {best.convergence}, see below.",)
        if best.convergence in ("not converged", "overfitted")
        else ()
    )


def _standing(ranking: _Ranking, best: Configuration) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who is better, tied or next, in few words; and the differences from `best` behind that."""
    rivals = ranking.rivals(best)
    if not rivals:
        return (), ()
    if rivals[0][1].low is None:
        return ("One seed: no interval, so ties cannot be told.",), ()
    better = [pair for pair in rivals if pair[1].clear and ranking.sign * pair[1].mean > 0]
    tied = [pair for pair in rivals if not pair[1].clear]
    worse = [pair for pair in rivals if pair[1].clear and ranking.sign * pair[1].mean < 0][:1]
    words = {"Better on test, though not on validation": better, "Tied with it": tied}
    standing = [f"{word}: {listed_together([item for item, _ in found])}." for word, found in words.items() if found]
    if worse and not tied:
        standing.append(f"Next: {ranking.apart(worse)}.")
    shown = [*better, *tied] or worse
    return tuple(standing), (f"Difference from it, with 95 % interval: {ranking.apart(shown)}.",) if shown else ()


def listed_together(configurations: Sequence[Configuration]) -> str:
    """`VAE β=1 (latent size 8, 16); AE (latent size 4)`, in the order given."""
    sizes: dict[str, list[int]] = {}
    for item in configurations:
        sizes.setdefault(item.label, []).append(item.latent_dim)
    return "; ".join(f"{label} (latent size {', '.join(map(str, sorted(own)))})" for label, own in sizes.items())
