"""Scorer: all numbers and arrays of a cohort's runs at once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from suite import inputs as pixels
from suite.inputs import Inputs
from suite.measure import generation, latent, likelihood
from suite.measure.evaluator import Evaluator, Runs, Scored
from suite.record import Numbers, Profiles
from suite.weights import Weights


@dataclass(frozen=True, kw_only=True)
class Member:
    """A finished run: its weights after and before training, and whether pictures of it are wanted."""

    weights: Weights
    initial: Weights
    pictured: bool


@dataclass(frozen=True, kw_only=True)
class Score:
    """A run's numbers on the test split, and its arrays to keep: `latents`, and `figures` if it is pictured.

    A number that isn't finite is `None`, and spoils no other run of the cohort.
    """

    metrics: Numbers
    profiles: Profiles
    arrays: dict[str, dict[str, np.ndarray]]


class Scorer:
    """Scores runs that share every shape; what is compiled serves all calls.

    A run's numbers are the same, up to rounding, whichever runs it is scored with.

    Args:
        model: an `Autoencoder` of the cohort's shape, computing in float32; its own weights don't matter.
        inputs: the pixels that the runs saw.
    """

    def __init__(self, model: Any, inputs: Inputs) -> None:
        self.inputs = inputs
        self.evaluator = Evaluator(model)
        self.parameters = float(sum(np.prod(weight.shape) for weight in model.trainable_weights))
        self._latent_dim: int = model.latent_dim
        self._known: dict[bytes, float | None] = {}

    def score(self, members: Sequence[Member]) -> list[Score]:
        """Numbers and arrays of each run, in order."""
        if not members:
            return []
        test = self.inputs.test
        runs = self.evaluator.load([member.weights for member in members], len(test))
        scored = self.evaluator.score(runs, test)
        silhouettes = self._silhouettes(members, runs, scored)
        figures = self._figures(members, scored)
        return [
            self._score(run, numbers, figures.get(index))
            for index, (run, numbers) in enumerate(zip(scored, silhouettes, strict=True))
        ]

    def _score(self, run: Scored, silhouettes: Numbers, figures: generation.Figures | None) -> Score:
        bound, back = likelihood.evidence_bound(run), likelihood.reconstruction(run)
        shape = self.inputs.test.shape[1:]
        latents = {"mean": run.codes, "distortion": bound.distortion.astype("float32")}
        if bound.rate is not None:
            latents["rate"] = bound.rate.astype("float32")
        numbers: Numbers = dict(
            elbo_nats=bound.elbo,
            elbo_nats_mc_se=bound.mc_se,
            elbo_bits_per_dim=None if bound.elbo is None else likelihood.bits_per_dim(bound.elbo, shape),
            distortion_nats=float(bound.distortion.mean(dtype=np.float64)),
            rate_nats=None if bound.rate is None else float(bound.rate.mean()),
            recon_mse=back.mse,
            recon_nats=back.nats,
            active_units=float(latent.active_units(run.codes)),
            parameters=self.parameters,
            **silhouettes,
        )
        finite: Numbers = {name: value for name, value in numbers.items() if value is not None and math.isfinite(value)}
        return Score(
            metrics=finite, profiles={}, arrays={"latents": latents} | ({"figures": figures} if figures else {})
        )

    def _figures(self, members: Sequence[Member], scored: Sequence[Scored]) -> dict[int, generation.Figures]:
        """By the index of the member; a run whose codes are not finite has no pictures."""
        chosen = [i for i, run in enumerate(scored) if members[i].pictured and np.isfinite(run.codes).all()]
        if not chosen:
            return {}
        codes = np.stack([scored[i].codes for i in chosen])
        figures = generation.figures(self.evaluator, [members[i].weights for i in chosen], self.inputs, codes)
        return dict(zip(chosen, figures, strict=True))

    def _silhouettes(self, members: Sequence[Member], runs: Runs, scored: Sequence[Scored]) -> list[Numbers]:
        data, encode = self.inputs, self.evaluator.representations
        if data.labels is None:
            return [{} for _ in members]
        codes = np.stack([run.codes for run in scored])
        grey = codes if np.array_equal(data.test, data.grey_test) else encode(runs, data.grey_test)
        untrained = encode(self.evaluator.load([member.initial for member in members], len(data.test)), data.test)
        named = {"silhouette": codes, "silhouette_grey": grey, "silhouette_untrained": untrained}
        references = _references(data).of_size(self._latent_dim)
        return [
            {**{name: self._silhouette(points[run]) for name, points in named.items()}, **references}
            for run in range(len(members))
        ]

    def _silhouette(self, points: np.ndarray) -> float | None:
        """Remembered, since runs of one seed have one untrained encoder."""
        key = hashlib.blake2b(np.ascontiguousarray(points).data, digest_size=16).digest()
        if key not in self._known:
            self._known[key] = latent.mean_silhouette(points, self.inputs.labels)
        return self._known[key]


class References:
    """Silhouettes that depend on the data alone: of the pixels, and of their principal components."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs

    def of_size(self, latent_dim: int) -> Numbers:
        """Both, the latter of as many components as a code has numbers."""
        components = latent.mean_silhouette(self.components[:, :latent_dim], self.inputs.labels)
        return {"silhouette_pixels": self.pixels, "silhouette_pca": components}

    @cached_property
    def pixels(self) -> float | None:
        """Silhouette of the test images as the models saw them."""
        return latent.mean_silhouette(self.inputs.test.reshape(len(self.inputs.test), -1), self.inputs.labels)

    @cached_property
    def components(self) -> np.ndarray:
        """The test images on all principal components of the training images, `(n, pixels)`."""
        data = self.inputs
        train = pixels.binarise(data.train, "train") if data.resample else data.train
        return latent.principal_components(train, data.test, data.test[0].size)


_REFERENCES: dict[int, References] = {}


def _references(inputs: Inputs) -> References:
    """Of these inputs, one for all cohorts of a process; they are kept with it, so that their id stays their own."""
    return _REFERENCES.setdefault(id(inputs), References(inputs))
