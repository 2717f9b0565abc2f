"""Trials: images and outliers, and how strange a run, and what needs no autoencoder, finds each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.data import load
from aebench.data.pixels import Inputs, binarise
from aebench.measures.uses.detection import Scores, SinglePixels, average_precision, nearest, shares_above
from aebench.measures.uses.images import Part, images
from aebench.measures.uses.lengths import png_bits
from aebench.measures.uses.outliers import outliers
from aebench.measures.uses.representations import some

if TYPE_CHECKING:
    from aebench.measures.context import Context
    from aebench.measures.evaluator import Scored

GALLERY: Final = 2000  # training images that distances are taken to
DATA: Final = "data"  # the kind of images that are no outliers


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """Images that are to be told from outliers.

    Attributes:
        seen: what models see of each kind, `DATA` among them, `(count, *image_shape)`: all as many, so that one trace
            serves them.
        distinct: how many of each kind differ; those behind are repetitions.
    """

    seen: Mapping[str, np.ndarray]
    distinct: Mapping[str, int]


class Trials:
    """The trials of one kind of inputs; each is made, and told of without a model, once in a process.

    Args:
        inputs: the pixels that runs saw.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.images = inputs, images(inputs)
        self.gallery = some(len(inputs.train), GALLERY)
        self.background = SinglePixels(inputs.train, inputs.resample)

    def part(self, name: str) -> Part | None:
        """The test images, or the validation images where there are any."""
        return self.images.test if name == "test" else self.images.validation

    @cache  # noqa: B019 - one object a kind of inputs
    def made(self, name: str) -> Trial | None:
        """A part's images, and outliers of each kind that is made of them."""
        part = self.part(name)
        if part is None:
            return None
        seen = {DATA: part.seen, **outliers(self.images, part)}
        return Trial(seen=seen, distinct=dict.fromkeys(seen, part.distinct))

    @cache  # noqa: B019
    def of_other_sets(self, name: str, sets: tuple[str, ...]) -> Trial | None:
        """A part's images, and images of the same part of each of these data sets."""
        part = self.part(name)
        if part is None:
            return None
        others = {other: self._of_set(name, other) for other in sets}
        return self._trial({DATA: part.seen[: part.distinct], **others})

    @cache  # noqa: B019
    def of_unseen_class(self, name: str) -> Trial | None:
        """A part's images of all classes that were trained on, and those of the class that was not."""
        data = self.inputs
        if name == "test":
            assert data.labels is not None
            unseen = data.labels == data.unseen_class
            return self._trial({DATA: data.test[~unseen], "unseen": data.test[unseen]})
        if data.unseen_validation is None or not len(data.unseen_validation) or not len(data.validation):
            return None
        return self._trial({DATA: data.validation, "unseen": data.unseen_validation})

    def _of_set(self, name: str, other: str) -> np.ndarray:
        split = load(other).splits()[name]
        pixels = split.take(np.sort(some(len(split), self.images.count))).pixels()
        return binarise(pixels, f"{other}/{name}") if self.inputs.resample else pixels

    def _trial(self, seen: Mapping[str, np.ndarray]) -> Trial:
        """As many of each kind as there are test images to try uses on: some of them, or all of them several times."""
        count = self.images.count
        chosen = {
            kind: some(len(own), count) if len(own) > count else np.arange(len(own)) for kind, own in seen.items()
        }
        return Trial(
            seen={kind: own[np.resize(chosen[kind], count)] for kind, own in seen.items()},
            distinct={kind: len(places) for kind, places in chosen.items()},
        )

    @cache  # noqa: B019
    def backgrounds(self, trial: Trial) -> dict[str, dict[str, np.ndarray]]:
        """What is taken off an image's -ELBO, in nats, by the score that it makes and the kind of images.

        -log p(x) of the model of single pixels, and the length as PNG.
        """
        binary = self.inputs.resample
        return {
            "ratio": {kind: -self.background.log_prob(seen) for kind, seen in trial.seen.items()},
            "complexity": {kind: math.log(2.0) * png_bits(seen, binary) for kind, seen in trial.seen.items()},
        }

    @cache  # noqa: B019
    def references(self, trial: Trial, count: int) -> dict[str, Scores]:
        """Scores of each kind of images that need no autoencoder: an error of components, a distance of pixels."""
        from aebench.measures.uses.spoiling import components

        train, pca = self.inputs.seen_train.reshape(len(self.inputs.seen_train), -1), components(self.inputs, count)
        found: dict[str, Scores] = {}
        for kind, seen in trial.seen.items():
            flat = seen.reshape(len(seen), -1)
            error = ((pca.inverse_transform(pca.transform(flat)) - flat) ** 2).sum(axis=1)
            found[kind] = {"pca": np.asarray(error), "pixels": nearest(train[self.gallery], flat)}
        return found


def scores(context: Context, trial: Trial, name: str) -> list[dict[str, Scores]]:
    """Scores of each kind of a trial's images, run by run; references alone of a run whose codes aren't finite.

    Args:
        context: whose runs.
        trial: what they are tried on.
        name: of the trial, under which each kind's scores are kept.
    """
    known = trials(context.inputs)
    references, backgrounds = known.references(trial, context.latent_dim), known.backgrounds(trial)
    found: list[dict[str, Scores]] = [{} for _ in range(context.count)]
    for kind, seen in trial.seen.items():
        own = {score: by_kind[kind] for score, by_kind in backgrounds.items()}
        piece = context.kept(f"{name}/{kind}", partial(_of_kind, context, known.gallery, seen, own))
        told: list[dict[str, np.ndarray]] = [{} for _ in found]
        for key, values in piece.items():
            run, score = key.split("/")
            told[int(run)][score] = values
        for each, scored in zip(found, told, strict=True):
            all_scores = {**scored, **references[kind]}
            each[kind] = {score: values[: trial.distinct[kind]] for score, values in all_scores.items()}
    return found


def _of_kind(
    context: Context, gallery: np.ndarray, seen: np.ndarray, backgrounds: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Scores of images, by run and score; nothing of a run whose codes aren't finite."""
    found: dict[str, np.ndarray] = {}
    for run, scored in enumerate(context.evaluator.score(context.runs, seen)):
        codes = context.train[0][run, gallery]
        if np.isfinite(codes).all():
            found |= {f"{run}/{score}": values for score, values in _of_run(scored, codes, backgrounds).items()}
    return found


def _of_run(scored: Scored, gallery: np.ndarray, backgrounds: Mapping[str, np.ndarray]) -> Scores:
    found = {"reconstruction": scored.recon_nats, "codes": nearest(gallery, scored.codes)}
    if scored.distortions is not None and scored.rates is not None:
        cost = (scored.distortions + scored.rates).mean(axis=1, dtype=np.float64)
        found |= {"likelihood": cost, **{name: cost - own for name, own in backgrounds.items()}}
    return found


def areas(found: Mapping[str, Scores]) -> dict[str, dict[str, np.ndarray]]:
    """The share of outliers that is stranger than each image, by score and kind; of scores without a NaN."""
    kinds = [kind for kind in found if kind != DATA]
    return {
        name: {kind: shares_above(own, found[kind][name]) for kind in kinds}
        for name, own in found[DATA].items()
        if not any(np.isnan(found[kind].get(name, np.nan)).any() for kind in found)
    }


def precisions(found: Mapping[str, Scores], names: Sequence[str]) -> dict[str, float]:
    """Average precision by score, mean over the kinds of outliers."""
    kinds = [kind for kind in found if kind != DATA]
    return {
        name: float(np.mean([average_precision(found[DATA][name], found[kind][name]) for kind in kinds]))
        for name in names
    }


def best_on_validation(found: Mapping[str, Scores], names: Sequence[str]) -> tuple[str, float] | None:
    """The score, of these, that tells outliers of all kinds from validation images best, and its mean AUROC."""
    means = {name: float(np.mean([*by_kind.values()])) for name, by_kind in areas(found).items() if name in names}
    return max(means.items(), key=lambda pair: pair[1]) if means else None


@cache
def trials(inputs: Inputs) -> Trials:
    """The trials of these inputs, one object for all cohorts of a process."""
    return Trials(inputs)
