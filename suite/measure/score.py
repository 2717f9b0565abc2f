"""Scorer: all numbers and arrays of a cohort's runs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.streams import stream
from suite.expectations import Measures
from suite.inputs import FIXED_SEED, Inputs
from suite.measure import generation, latent, likelihood
from suite.measure.classifier import Classifier, sample_labels
from suite.measure.evaluator import Evaluator, Runs, Scored
from suite.measure.importance import importance_bound
from suite.measure.information import information, kl_by_dimension
from suite.measure.latent import silhouettes
from suite.measure.references import references, untrained
from suite.measure.structure import Structure, by_class
from suite.record import Numbers, Profiles
from suite.weights import Weights

Posteriors = tuple[np.ndarray, np.ndarray | None]  # means and, of Gaussians, log-variances: (runs, n, latent_dim)


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


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one family of measures says of one run: numbers, profiles, and arrays to keep with its latents."""

    numbers: Numbers = field(default_factory=dict)
    profiles: Profiles = field(default_factory=dict)
    latents: dict[str, np.ndarray] = field(default_factory=dict)


class Scorer:
    """Scores runs that share every shape; what is compiled serves all calls.

    A run's numbers are the same, up to rounding, whichever runs it is scored with.

    Args:
        model: an `Autoencoder` of the cohort's shape, computing in float32; its own weights don't matter.
        inputs: the pixels that the runs saw.
        measures: how thoroughly.
        classifier: of the data set; without one nothing is said of generated images.
    """

    def __init__(self, model: Any, inputs: Inputs, measures: Measures, classifier: Classifier | None) -> None:
        self.inputs, self.measures, self.classifier = inputs, measures, classifier
        self.evaluator = Evaluator(model)
        self.parameters = float(sum(np.prod(weight.shape) for weight in model.trainable_weights))
        self._latent_dim: int = model.latent_dim

    def score(self, members: Sequence[Member]) -> list[Score]:
        """Numbers and arrays of each run, in order."""
        if not members:
            return []
        test = self.inputs.test
        runs = self.evaluator.load([member.weights for member in members], len(test))
        scored = self.evaluator.score(runs, test)
        train = self._posteriors(runs, self.inputs.seen_train)
        families = (
            [self._bounds(run) for run in scored],
            self._importance(runs),
            self._training_split(runs),
            self._information(runs, train),
            self._structure(members, runs, scored, train),
            self._validation(runs),
            self._generation(members, scored, train),
        )
        figures = self._figures(members, scored)
        return [self._score(parts, figures.get(run)) for run, parts in enumerate(zip(*families, strict=True))]

    def _score(self, parts: Sequence[Part], figures: generation.Figures | None) -> Score:
        numbers: Numbers = {"parameters": self.parameters}
        profiles: Profiles = {}
        latents: dict[str, np.ndarray] = {}
        for part in parts:
            numbers |= {name: value for name, value in part.numbers.items() if value is not None and np.isfinite(value)}
            profiles |= {name: values for name, values in part.profiles.items() if values and np.isfinite(values).all()}
            latents |= part.latents
        arrays = {"latents": latents} | ({"figures": figures} if figures else {})
        return Score(metrics=numbers, profiles=profiles, arrays=arrays)

    def _posteriors(self, runs: Runs, images: np.ndarray) -> Posteriors:
        if self.evaluator.is_gaussian:
            return self.evaluator.gaussians(runs, images)
        return self.evaluator.representations(runs, images), None

    def _bounds(self, run: Scored) -> Part:
        """ELBO and reconstruction."""
        bound, back = likelihood.evidence_bound(run), likelihood.reconstruction(run)
        latents = {
            "mean": run.codes,
            "distortion": bound.distortion.astype("float32"),
            "recon_mse": run.recon_mse,
            "recon_nats": run.recon_nats,
        }
        if bound.rate is not None:
            latents["rate"] = bound.rate.astype("float32")
        per_class = {"recon_mse_by_class": run.recon_mse, "recon_nats_by_class": run.recon_nats}
        return Part(
            numbers={
                "elbo_nats": bound.elbo,
                "elbo_nats_mc_se": bound.mc_se,
                "elbo_bits_per_dim": self._bits(None if bound.elbo is None else -bound.elbo),
                "distortion_nats": float(bound.distortion.mean(dtype=np.float64)),
                "rate_nats": None if bound.rate is None else float(bound.rate.mean()),
                "recon_mse": back.mse,
                "recon_nats": back.nats,
                "recon_ssim": float(run.recon_ssim.mean(dtype=np.float64)),
                "active_units": float(latent.active_units(run.codes)),
            },
            profiles={name: self._by_class(values) for name, values in per_class.items()},
            latents=latents,
        )

    def _by_class(self, values: np.ndarray) -> tuple[float, ...]:
        return () if self.inputs.labels is None else by_class(values, self.inputs.labels)

    def _bits(self, nats: float | None) -> float | None:
        return None if nats is None else likelihood.bits_per_dim(nats, self.inputs.test.shape[1:])

    def _importance(self, runs: Runs) -> list[Part]:
        """The likelihood by many codes, where there is a density."""
        found = importance_bound(self.evaluator, runs, self.inputs.test, self.measures.nll_samples)
        return [
            Part()
            if one is None
            else Part(
                numbers={
                    "nll_nats": (nll := -float(one.log_likelihood.mean())),
                    "nll_samples": float(one.samples),
                    "nll_half_nats": -float(one.half.mean()),
                    "nll_effective_samples": float(np.median(one.effective)),
                    "nll_bits_per_dim": self._bits(nll),
                },
                latents={"nll": -one.log_likelihood.astype("float32")},
            )
            for one in found
        ]

    def _training_split(self, runs: Runs) -> list[Part]:
        """The ELBO of the training images, where it was asked for, beside the best that a linear model can do."""
        draws, images = self.measures.train_elbo_draws, self.inputs.seen_train
        if not draws:
            return [Part()] * runs.count
        ppca = None if self.inputs.resample else likelihood.probabilistic_pca(images, self._latent_dim)
        scored = self.evaluator.score(runs, images, draws)
        return [
            Part(numbers={"elbo_train_nats": likelihood.evidence_bound(run).elbo, "ppca_train_nats": ppca})
            for run in scored
        ]

    def _information(self, runs: Runs, train: Posteriors) -> list[Part]:
        """Where the rate goes, of Gaussian posteriors under a standard normal prior."""
        means, log_vars = train
        if log_vars is None:
            return [Part()] * runs.count
        test = self.evaluator.gaussians(runs, self.inputs.test)
        return [self._information_of(*own) for own in zip(means, log_vars, *test, strict=True)]

    def _information_of(
        self, mean: np.ndarray, log_var: np.ndarray, test_mean: np.ndarray, test_log_var: np.ndarray
    ) -> Part:
        if not (np.isfinite(mean).all() and np.isfinite(log_var).all()):
            return Part()
        found = information(mean, log_var, np.random.default_rng(stream(FIXED_SEED, "measure/information")))
        return Part(
            numbers={
                "mutual_information_nats": found.mutual_information,
                "mutual_information_ceiling_nats": found.ceiling,
                "marginal_kl_nats": found.marginal_kl,
            },
            profiles={"kl_by_dimension_nats": tuple(kl_by_dimension(test_mean, test_log_var).tolist())},
        )

    def _structure(
        self, members: Sequence[Member], runs: Runs, scored: Sequence[Scored], train: Posteriors
    ) -> list[Part]:
        """How classes lie among the codes, and among those of the encoders before training."""
        data, encode = self.inputs, self.evaluator.representations
        if data.labels is None or data.train_labels is None:
            return [Part()] * runs.count
        known = references(data, self.classifier)
        before = self.evaluator.load([member.initial for member in members], len(data.test))
        codes = zip(train[0], (run.codes for run in scored), strict=True)
        first = zip(encode(before, data.seen_train), encode(before, data.test), strict=True)
        found = known.structures([*codes, *first])
        alike = np.array_equal(data.test, data.grey_test)
        grey = [None] * runs.count if alike else encode(runs, data.grey_test)
        shared = known.of_size(self._latent_dim)
        return [
            self._structure_of(found[run], grey[run], {**untrained(found[runs.count + run]), **shared})
            for run in range(runs.count)
        ]

    def _structure_of(self, found: Structure, grey: np.ndarray | None, shared: Numbers) -> Part:
        labels = self.inputs.labels
        if found.silhouettes is None or labels is None:
            return Part(numbers={**found.numbers, **shared})
        own = found.silhouettes
        on_grey = own if grey is None else silhouettes(grey, labels)
        return Part(
            numbers={**found.numbers, "silhouette_grey": float(on_grey.values.mean()), **shared},
            profiles={"silhouette_by_class": by_class(own.values, labels)},
            latents={
                "silhouette": own.values.astype("float32"),
                "silhouette_influence": own.influence.astype("float32"),
            },
        )

    def _validation(self, runs: Runs) -> list[Part]:
        """What a choice among configurations may look at."""
        labels = self.inputs.validation_labels
        if labels is None or len(np.unique(labels)) < 2:
            return [Part()] * runs.count
        codes = self.evaluator.representations(runs, self.inputs.validation)
        return [
            Part(numbers={"silhouette_validation": float(silhouettes(own, labels).values.mean())})
            if np.isfinite(own).all()
            else Part()
            for own in codes
        ]

    def _generation(self, members: Sequence[Member], scored: Sequence[Scored], train: Posteriors) -> list[Part]:
        """What new codes decode to."""
        samples = references(self.inputs, self.classifier).samples
        if samples is None:
            return [Part()] * len(members)
        codes = np.stack([run.codes for run in scored])
        found = samples.score(self.evaluator, [member.weights for member in members], train[0], codes)
        return [
            Part(
                numbers=one.numbers,
                profiles=one.profiles,
                latents={} if one.centroid_images is None else {"centroid_images": one.centroid_images},
            )
            for one in found
        ]

    def _figures(self, members: Sequence[Member], scored: Sequence[Scored]) -> dict[int, generation.Figures]:
        """By the index of the member; a run whose codes are not finite has no pictures."""
        chosen = [i for i, run in enumerate(scored) if members[i].pictured and np.isfinite(run.codes).all()]
        if not chosen:
            return {}
        codes = np.stack([scored[i].codes for i in chosen])
        figures = generation.figures(self.evaluator, [members[i].weights for i in chosen], self.inputs, codes)
        return {index: self._labelled(own) for index, own in zip(chosen, figures, strict=True)}

    def _labelled(self, figures: generation.Figures) -> generation.Figures:
        """With what the classifier sees in each prior sample."""
        if self.classifier is None:
            return figures
        found = self.classifier.probabilities(figures["prior_samples"].astype("float32") / 255.0)
        return {**figures, "prior_sample_labels": np.array(sample_labels(found, self.classifier.class_names))}
