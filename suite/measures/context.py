"""Context: what families of measures share about the runs of one cohort, each part made when it is first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from aebench.data.pixels import Inputs
from aebench.records.keeping import Keeping, unkept
from aebench.records.record import MeasureSettings

if TYPE_CHECKING:
    from aebench.backends.weights import Weights
    from aebench.measures.evaluator import Evaluator, Scored
    from aebench.measures.programs import Runs
    from aebench.measures.samples.classifier import Classifier

Posteriors = tuple[np.ndarray, np.ndarray | None]  # means and, of Gaussians, log-variances: (runs, n, latent_dim)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A finished run: its weights after and before training, and whether pictures of it are wanted."""

    weights: Weights
    initial: Weights
    pictured: bool


@dataclass(frozen=True, kw_only=True)
class Context:
    """The runs of one cohort and what they are measured on.

    Attributes:
        evaluator: the cohort's compiled model.
        inputs: the pixels that the runs saw.
        settings: how thoroughly to measure.
        classifier: of the data set; `None` without labels.
        members: the runs.
        milestone: whether they are on the way: then what takes long is left out.
        kept: keeps pieces of what takes long, so that an interrupt costs little.
    """

    evaluator: Evaluator
    inputs: Inputs
    settings: MeasureSettings
    classifier: Classifier | None
    members: Sequence[Member]
    milestone: bool = False
    kept: Keeping = unkept

    @property
    def count(self) -> int:
        """How many runs."""
        return len(self.members)

    @property
    def latent_dim(self) -> int:
        """The latent size that the study asks for; its codes may hold more numbers."""
        return int(self.evaluator.model.latent_dim)

    @cached_property
    def runs(self) -> Runs:
        """Their trained weights on the device."""
        return self.evaluator.load([member.weights for member in self.members], len(self.inputs.test))

    @cached_property
    def untrained(self) -> Runs:
        """Their weights before training on the device."""
        return self.evaluator.load([member.initial for member in self.members], len(self.inputs.test))

    @cached_property
    def scored(self) -> list[Scored]:
        """What each run makes of the test images."""
        return self.evaluator.score(self.runs, self.inputs.test, kept=self.kept)

    @cached_property
    def codes(self) -> np.ndarray:
        """Posterior means of the test images, `(runs, n, code_dim)`."""
        return np.stack([run.codes for run in self.scored])

    @cached_property
    def train(self) -> Posteriors:
        """Posteriors of the training images."""
        if self.evaluator.has_gaussian_posterior:
            return self.evaluator.gaussians(self.runs, self.inputs.seen_train)
        return self.evaluator.representations(self.runs, self.inputs.seen_train), None

    @cached_property
    def untrained_codes(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes of the training and of the test images by the encoders before training, each `(runs, n, code_dim)`."""
        encode, images = self.evaluator.representations, self.inputs
        return encode(self.untrained, images.seen_train), encode(self.untrained, images.test)

    @cached_property
    def validation_codes(self) -> np.ndarray:
        """Posterior means of the validation images, `(runs, n, code_dim)`."""
        return self.evaluator.representations(self.runs, self.inputs.validation)

    def by_class(self, values: np.ndarray) -> tuple[float, ...]:
        """Mean of `values` `(n,)` over the test images of each class; nothing without labels."""
        return () if self.inputs.labels is None else by_class(values, self.inputs.labels)


def by_class(values: np.ndarray, labels: np.ndarray) -> tuple[float, ...]:
    """Mean of `values` `(n,)` over the points of each class."""
    return tuple(float(values[labels == label].mean(dtype=np.float64)) for label in np.unique(labels))
