"""Scorer: all numbers and arrays of a cohort's runs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from aebench.data.pixels import Inputs
from aebench.measures import FAMILIES, METRICS, cost, of_each_image
from aebench.measures.context import Context, Member
from aebench.measures.evaluator import Evaluator
from aebench.measures.family import Family, Measured
from aebench.measures.packing import packed, unpacked
from aebench.measures.samples.classifier import Classifier
from aebench.records.keeping import Keeping, Piece, unkept
from aebench.records.kept import Kept
from aebench.records.record import MeasureSettings, Numbers, Profiles

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A run's numbers on the test split, and its arrays to keep by their file, a name of `Kept`.

    A number that isn't finite is left out, and spoils no other run of the cohort. `image_sd` is of `RunRecord`.
    """

    metrics: Numbers
    profiles: Profiles
    image_sd: dict[str, float]
    arrays: dict[str, Arrays]


class Scorer:
    """Scores runs that share every shape; what is compiled serves all calls.

    A run's numbers are the same, up to rounding, whichever runs it is scored with.

    Args:
        model: an `Autoencoder` of the cohort's shape, computing in float32; its own weights don't matter.
        inputs: the pixels that the runs saw.
        settings: how thoroughly.
        classifier: of the data set; without one nothing is said of generated images.
        families: of measures; all of them unless told otherwise.
    """

    def __init__(
        self,
        model: Any,
        inputs: Inputs,
        settings: MeasureSettings,
        classifier: Classifier | None,
        families: Sequence[Family] = FAMILIES,
    ) -> None:
        self.inputs, self.settings, self.classifier, self.families = inputs, settings, classifier, families
        self.evaluator = Evaluator(model)

    def score(self, members: Sequence[Member], *, milestone: bool = False, kept: Keeping = unkept) -> list[Score]:
        """Numbers and arrays of each run, in order.

        Args:
            members: the runs.
            milestone: whether they are on the way, so that families of main measures alone are asked.
            kept: keeps what each family says, and pieces of what takes long.

        Raises:
            KeyError: a family measured something that it does not declare.
        """
        if not members:
            return []
        context = Context(
            evaluator=self.evaluator,
            inputs=self.inputs,
            settings=self.settings,
            classifier=self.classifier,
            members=members,
            milestone=milestone,
            kept=kept,
        )
        asked = [family for family in self.families if family.at_milestones or not milestone]
        found = [unpacked(kept(family.name, partial(_piece, family, context))) for family in asked]
        return [_score(parts) for parts in zip(*found, strict=True)]

    def of_diverged(self) -> Score:
        """The score of a run that diverged: its size is known, its numbers are not."""
        return Score(metrics=cost.size(self.evaluator.model), profiles={}, image_sd={}, arrays={})


def _piece(family: Family, context: Context) -> Piece:
    return packed(_measured(family, context))


def _measured(family: Family, context: Context) -> list[Measured]:
    """What a family says of each run, with its measures of single images."""
    if family.needs_images and not context.inputs.has_images:
        return [Measured()] * context.count
    found = list(family.measure(context)) if family.measure else [Measured()] * context.count
    for one in found:
        _refuse_undeclared(family, one.numbers, family.metrics)
        _refuse_undeclared(family, one.profiles, family.profiles)
    of_images = _of_images(family, context)
    return [
        Measured(
            numbers={**one.numbers, **{name: float(values[run].mean(dtype=np.float64)) for name, values in of_images}},
            profiles=one.profiles,
            latents={**one.latents, **{name: values[run] for name, values in of_images}},
            figures=one.figures,
        )
        for run, one in enumerate(found)
    ]


def _of_images(family: Family, context: Context) -> list[tuple[str, np.ndarray]]:
    """Values `(runs, n)` by name of the measures that say with `of_images` all there is to them."""
    return [
        (name, context.evaluator.apply(metric.of_images, context.runs, context.inputs.test).astype("float32"))
        for name, metric in family.metrics.items()
        if metric.of_images is not None
    ]


def _refuse_undeclared(family: Family, given: Mapping[str, object], declared: Mapping[str, object]) -> None:
    if unknown := sorted(given.keys() - declared.keys()):
        raise KeyError(f"the family {family.name!r} measured {unknown[0]!r}, which it does not declare")


def _score(parts: Sequence[Measured]) -> Score:
    numbers: Numbers = {}
    profiles: Profiles = {}
    arrays: dict[str, Arrays] = {Kept.LATENTS: {}, Kept.FIGURES: {}}
    for part in parts:
        numbers |= {name: value for name, value in part.numbers.items() if value is not None and np.isfinite(value)}
        profiles |= {name: values for name, values in part.profiles.items() if values and np.isfinite(values).all()}
        arrays[Kept.LATENTS] |= {str(name): values for name, values in part.latents.items()}
        arrays[Kept.FIGURES] |= {str(name): values for name, values in part.figures.items()}
    each = {name: of_each_image(name, arrays[Kept.LATENTS]) for name in numbers if name in METRICS}
    spreads = {name: float(values.std(dtype=np.float64)) for name, values in each.items() if values is not None}
    return Score(
        metrics=numbers,
        profiles=profiles,
        image_sd={name: sd for name, sd in spreads.items() if np.isfinite(sd)},
        arrays={name: own for name, own in arrays.items() if own},
    )
