"""What the study says, in plain words: chosen on validation, scored on test, ties stated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from suite.compare import Configuration, Contrast, PerImage, mean_curve, paired_difference
from suite.metrics import METRICS
from suite.report.look import Looks
from suite.report.numbers import column_decimals, counted, interval, listed, measured, plus_minus
from suite.statistics import Difference

Criterion = Callable[[Configuration], float | None]
REFERENCES = ("silhouette_pixels", "silhouette_pca", "silhouette_untrained")
_FEW = 3


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One question with its answer.

    Attributes:
        question: what was asked.
        answer: in a few words.
        figure: the number behind it, with unit and uncertainty; empty where the details give it.
        details: one sentence each.
        lines: numbers of one kind, one a line, below the details.
        winner: the configuration it names, if it names one.
    """

    question: str
    answer: str
    figure: str
    details: tuple[str, ...]
    lines: tuple[str, ...] = ()
    winner: Configuration | None = None


def answers(
    board: Sequence[Configuration], contrasts: Sequence[Contrast], looks: Looks, images: PerImage | None = None
) -> tuple[Answer, ...]:
    """The answers that one board gives.

    Args:
        board: configurations of one data set and one likelihood.
        contrasts: the study's; those of other boards are ignored.
        looks: names of the study's configurations.
        images: each run's numbers of single test images.
    """

    def ranking(metric: str) -> _Ranking:
        return _Ranking(metric=metric, board=board, name=looks.title, images=images)

    found = [
        _best(ranking("elbo_nats"), "Best likelihood", validation_elbo),
        _best(ranking("recon_mse"), "Best reconstruction", validation_distortion),
        _best_silhouette(ranking("silhouette")),
        *_separations(board, contrasts, looks),
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


def separation_verdict(difference: Difference) -> str:
    """`yes`, `no`, `equivalent` or `unclear`: whether the first separates better than the second."""
    return {"higher": "yes", "lower": "no"}.get(difference.outcome, difference.outcome)


def _last(configuration: Configuration, curve: str) -> float | None:
    if configuration.specs[0].train_on != "train":
        return None  # a validation split that was trained on chooses nothing
    values = mean_curve(configuration.usable, curve)
    return values[-1] if values else None


@dataclass(frozen=True, kw_only=True)
class _Ranking:
    """One board's configurations that have a metric, and how to tell them apart in it."""

    metric: str
    board: Sequence[Configuration]
    name: Callable[[Configuration], str]
    images: PerImage | None

    @property
    def scored(self) -> list[Configuration]:
        return [item for item in self.board if item.summaries[self.metric].mean is not None]

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
        pairs = (
            (item, paired_difference(item, best, self.metric, self.images)) for item in self.scored if item is not best
        )
        known = [(item, difference) for item, difference in pairs if difference is not None]
        return sorted(known, key=lambda pair: -self.sign * pair[1].mean)

    def few(self, rivals: Sequence[tuple[Configuration, Difference]]) -> str:
        shown = [f"{self.name(item)}: {interval(it, self.decimals)}" for item, it in rivals[:_FEW]]
        more = len(rivals) - _FEW
        return "; ".join(shown) + (f"; and {counted(more, 'more configuration')}" if more > 0 else "")


def _best(ranking: _Ranking, question: str, criterion: Criterion) -> Answer | None:
    scored = ranking.scored
    if not scored:
        return None
    values = {item.id: value for item in scored if (value := criterion(item)) is not None}
    if len(values) < len(scored):
        return _chosen(ranking, question, ranking.on_test(), "test, for want of a validation split,")
    return _chosen(ranking, question, max(scored, key=lambda item: values[item.id]), "validation")


def _best_silhouette(ranking: _Ranking) -> Answer:
    question = "Best class separation"
    if not ranking.scored:
        return Answer(question=question, answer="n/a: no labels", figure="", details=())
    best = ranking.on_test()
    answer = _chosen(ranking, question, best, "test (the silhouette has no validation value yet)")
    references = [
        f"{METRICS[metric].label.removeprefix('Silhouette').lstrip(' ,')} "
        f"{plus_minus(best.summaries[metric], ranking.decimals)}"
        for metric in REFERENCES
        if best.summaries[metric].mean is not None
    ]
    beside = f"Its references: {listed(references)}." if references else ""
    return replace(answer, details=tuple(filter(None, [beside, *answer.details])))


def _chosen(ranking: _Ranking, question: str, best: Configuration, where: str) -> Answer:
    metric = ranking.metric
    figure = measured(best.summaries[metric], metric, ranking.decimals)
    how = f"Chosen on {where} among {counted(len(ranking.scored), 'configuration')}; scored on test."
    return Answer(
        question=question,
        answer=ranking.name(best),
        figure=f"{METRICS[metric].label} {figure}",
        details=(*_standing(ranking, best), how, *_doubt(best)),
        winner=best,
    )


def _doubt(best: Configuration) -> tuple[str, ...]:
    return (f"Its training: {best.verdict}, see below.",) if best.verdict in ("not converged", "overfitted") else ()


def _standing(ranking: _Ranking, best: Configuration) -> tuple[str, ...]:
    rivals = ranking.rivals(best)
    if not rivals:
        return ()
    if rivals[0][1].low is None:
        return ("One seed: no interval, so ties cannot be told.",)
    better = [pair for pair in rivals if pair[1].clear and ranking.sign * pair[1].mean > 0]
    tied = [pair for pair in rivals if not pair[1].clear]
    worse = [pair for pair in rivals if pair[1].clear and ranking.sign * pair[1].mean < 0]
    parts = {
        "Better on test, though not on validation": better,
        "Tied with it (the 95 % interval of the difference includes 0)": tied,
        "Next": worse[:1] if not tied else [],
    }
    return tuple(f"{words}: {ranking.few(found)}." for words, found in parts.items() if found)


def _separations(board: Sequence[Configuration], contrasts: Sequence[Contrast], looks: Looks) -> list[Answer]:
    ids = {item.id for item in board}
    ours = [item for item in contrasts if item.metric == "silhouette" and item.first.id in ids]
    labels = list(dict.fromkeys(item.first.label for item in ours))
    main = "VAE β=1" if "VAE β=1" in labels else next(iter(labels), None)
    asked: dict[str, list[Contrast]] = {}
    for item in sorted(ours, key=lambda item: item.first.latent_dim):
        if item.first.label == main:
            asked.setdefault(looks.by_id[item.first.id].name, []).append(item)
    decimals = column_decimals(board, "silhouette")
    return [_separation(name, found, decimals) for name, found in asked.items()]


def _separation(name: str, asked: Sequence[Contrast], decimals: int) -> Answer:
    return Answer(
        question=f"Does {name} separate classes better than the AE?",
        answer=_verdicts(asked),
        figure="",
        details=(f"Silhouette of {name} minus the AE's, with 95 % interval over seeds and test images:",),
        lines=tuple(f"latent size {item.first.latent_dim}: {interval(item.difference, decimals)}" for item in asked),
    )


def _verdicts(asked: Sequence[Contrast]) -> str:
    found: dict[str, list[str]] = {}
    for item in asked:
        found.setdefault(separation_verdict(item.difference), []).append(str(item.first.latent_dim))
    if len(found) == 1:
        return {
            "yes": "Yes, at every latent size",
            "no": "No: worse at every latent size",
            "equivalent": "No: no difference that matters at any latent size",
            "unclear": "No clear difference at any latent size",
        }[next(iter(found))]
    words = {
        "yes": "better",
        "no": "worse",
        "equivalent": "no difference that matters",
        "unclear": "no clear difference",
    }
    parts = [f"{words[key]} at {listed(found[key])}" for key in words if key in found]
    return f"Depends on the latent size: {'; '.join(parts)}"
