"""Evaluator: a cohort's model as compiled pure functions of (weights of several runs, arrays), traced once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from aebench import backends
from aebench.measures.fitted import AsEncoded, Fitted
from aebench.measures.programs import Programs, Runs, chunks, joined, noise
from aebench.measures.proposals import WIDEST, Proposals
from aebench.measures.shared_codes import MOST_DIMENSIONS
from aebench.measures.shared_weights import SharedDraws, in_chunks, sums_of_weights
from aebench.measures.ssim import structural_similarity
from aebench.models.base import Autoencoder
from aebench.models.distributions import DiagonalGaussian, StandardNormal
from aebench.records.keeping import Keeping, unkept

DRAWS = 16  # codes drawn from each image's posterior


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What a run makes of each image.

    Attributes:
        codes: posterior means, `(n, code_dim)`.
        recon_nats: -log p(x|z) at the posterior mean, `(n,)`.
        recon_mse: squared error per pixel of E[x|z] at the posterior mean, `(n,)`.
        recon_ssim: structural similarity of the image and E[x|z] at the posterior mean, `(n,)`; `None` of other data.
        distortions, rates: -log p(x|z) and the rate in nats at each of some codes drawn from the posterior,
            `(n, draws)`; `None` without a posterior.
    """

    codes: np.ndarray
    recon_nats: np.ndarray
    recon_mse: np.ndarray
    recon_ssim: np.ndarray | None = None
    distortions: np.ndarray | None = None
    rates: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Codes to be drawn for some images of one run.

    Attributes:
        run: its place.
        places: of the images, `(rows,)` int32; one may come several times.
        steps: what differs between the codes of an image, `(codes, ...)`: states of the noise, `(codes, 2)`, or points
            in a proposal's units, `(codes, code_dim)`.
        proposals: of all images of the run; `None` where the codes are drawn from the encoder's posterior.
    """

    run: int
    places: np.ndarray
    steps: np.ndarray
    proposals: Proposals | None

    def arrays(self) -> list[np.ndarray]:
        """All that a compiled function takes."""
        if self.proposals is None:
            return [self.places, self.steps]
        own = self.proposals.of(self.places)
        return [self.places, self.steps, own.shift, own.factor]


class Evaluator(Programs):
    """The methods of `model` as functions of the weights of several runs at once.

    Noise depends on what it is for and on the place of an image in its split, and not on a run or its companions.

    Args:
        model: an `Autoencoder` of the cohort's shape, computing in float32; its own weights don't matter and stay as
            they are.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.has_posterior: bool = model.has_posterior
        posterior = model.encode(np.zeros((1, *model.image_shape), "float32"))
        self.has_gaussian_posterior = isinstance(posterior, DiagonalGaussian)
        self.dimension: int = posterior.dimension if hasattr(posterior, "at") else 0
        self.fits_proposals: bool = 0 < self.dimension <= WIDEST
        self.has_standard_prior = isinstance(model.prior, StandardNormal)
        self.has_density: bool = self.has_posterior and all(
            hasattr(one, "log_prob") for one in (posterior, model.prior)
        )
        self.shares_codes: bool = (
            self.has_gaussian_posterior
            and self.has_density
            and model.likelihood.exponential_family
            and model.code_dim <= MOST_DIMENSIONS
        )
        self._encode = self.over_runs(lambda images: model.encode(images).mean)
        self._decode_mean = self.over_runs(model.decode_mean)
        self._score = self.over_runs(self._scores)
        self._draw = self.over_runs(self._drawn_and_prior_codes)
        self._weigh = self.over_runs(self._sums_of_weights)
        self._weigh_shared = self.over_runs(lambda *arrays: sums_of_weights(model, *arrays))
        self._climb = self.over_runs(self._slopes)
        self._gaussians = self.over_runs(self._mean_and_log_var)
        self._diagnose = self.over_runs(lambda images, state: dict(model.diagnostics(images, self.noise_at(state))))
        self._prior = self.over_runs(lambda codes: model.prior.log_prob(codes))
        self._applied: dict[Any, Any] = {}

    def score(self, runs: Runs, images: np.ndarray, draws: int = DRAWS, kept: Keeping = unkept) -> list[Scored]:
        """What each run makes of `images` `(n, *image_shape)`, in one pass, with `draws` codes of each.

        What it makes of some of them is a piece to be `kept`.
        """
        parts = [
            kept(f"scored/{start}", partial(self._score_part, runs, part, _states(f"bound/{start}", draws)))
            for start, part in chunks(images)
        ]
        results = joined(parts, axis=1)
        return [Scored(**{name: arrays[run] for name, arrays in results.items()}) for run in range(runs.count)]

    def _score_part(self, runs: Runs, images: np.ndarray, states: np.ndarray) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = self.by_chunk(self._score, runs, [(images, states)])
        return found

    def _scores(self, images: Any, states: Any) -> dict[str, Any]:
        """The fields of `Scored` that the variant has."""
        posterior = self.model.encode(images)
        codes = posterior.mean
        decoded = self.model.decode_mean(codes)
        at_mean = {
            "codes": codes,
            "recon_nats": self.model.distortion(images, codes),
            "recon_mse": ops.mean((decoded - images) ** 2, axis=tuple(range(1, len(images.shape)))),
        }
        if len(self.model.image_shape) == 3:
            at_mean["recon_ssim"] = structural_similarity(decoded, images)
        if not self.has_posterior:
            return at_mean
        distortions, rates = ops.map(lambda state: self._terms(posterior, images, state), states)
        return {**at_mean, "distortions": ops.transpose(distortions), "rates": ops.transpose(rates)}

    def _terms(self, posterior: Any, images: Any, state: Any) -> tuple[Any, Any]:
        """Distortion and rate of each image at one draw of its code."""
        codes = posterior.sample(self.noise_at(state))
        return self.model.distortion(images, codes), self.model.rate(posterior, codes)

    def apply(self, function: Callable[..., Any], runs: Runs, images: np.ndarray, *shared: np.ndarray) -> np.ndarray:
        """A function of the model and images, in backend operations, of each run: `(runs, n, ...)`.

        Args:
            function: `(model, images, *shared) -> (n, ...)`; compiled at its first use.
            runs: whose.
            images: `(n, *image_shape)`.
            shared: what else it takes, whole with each chunk of images.
        """
        if function not in self._applied:
            self._applied[function] = self.over_runs(lambda *arrays: function(self.model, *arrays))
        parts = [(part, *shared) for _, part in chunks(images)]
        found: np.ndarray = self.by_chunk(self._applied[function], runs, parts)
        return found

    def log_weight_sums(self, runs: Runs, images: np.ndarray, draws: Sequence[Draws]) -> tuple[np.ndarray, np.ndarray]:
        """log Σ w and log Σ w² of the weights w = p(x, z) / q(z|x) of codes drawn for single images of single runs.

        Draws of any runs go into one call, as many as there is room for: however unequally the work is spread over
        runs, none waits for another, and all calls are of one size.

        Args:
            runs: of a variant whose posterior and prior have a density.
            images: `(n, *image_shape)`.
            draws: what to draw, all of one size, `rows` images and as many codes of each as it has states.

        Returns:
            Both `(len(draws), rows)` nats, float32.
        """
        return self._by_draws(self._weigh, runs, images, draws)  # type: ignore[no-any-return]

    def shared_log_weight_sums(
        self, runs: Runs, images: np.ndarray, draws: Sequence[SharedDraws]
    ) -> tuple[np.ndarray, np.ndarray]:
        """log Σ w and log Σ w² of the weights w = p(x, z) / q(z) of codes that all images of a run share.

        Args:
            runs: of a variant that `shares_codes`.
            images: `(n, *image_shape)`.
            draws: what was drawn, as many codes of each.

        Returns:
            Both `(len(draws), n)` nats, float32.
        """
        found = self._by_draws(self._weigh_shared, runs, in_chunks(images), draws)
        sums, squares = (part.reshape(len(draws), -1)[:, : len(images)] for part in found)
        return sums, squares

    def slopes(self, runs: Runs, images: np.ndarray, draws: Sequence[Draws]) -> tuple[np.ndarray, np.ndarray]:
        """Slopes of log p(x, z), a density over points in units of the encoder's posteriors, at points of proposals.

        Args:
            runs: of a variant that `fits_proposals`.
            images, draws: as for `log_weight_sums`; their steps are points.

        Returns:
            The mean over points of the slope s, `(len(draws), rows, dimension)`, and of its products with the point,
            s eᵀ, `(len(draws), rows, dimension, dimension)`; float32.
        """
        return self._by_draws(self._climb, runs, images, draws)  # type: ignore[no-any-return]

    def _by_draws(
        self,
        function: Callable[..., Any],
        runs: Runs,
        images: np.ndarray,
        draws: Sequence[Draws] | Sequence[SharedDraws],
    ) -> Any:
        """Results of `function` for each of `draws`, in order, in calls of as many as a group of runs has."""
        size = runs.at_once
        weights = [ops.concatenate(parts) for parts in zip(*runs.groups, strict=True)]
        shared, found = [ops.convert_to_tensor(images)], []
        for start in range(0, len(draws), size):
            part = [*draws[start : start + size]]
            part += part[-1:] * (size - len(part))
            own = [ops.take(array, np.array([one.run for one in part], "int32"), axis=0) for array in weights]
            arrays = map(np.stack, zip(*(one.arrays() for one in part), strict=True))
            found.append(function((own, [*map(ops.convert_to_tensor, arrays)]), shared))
        return keras.tree.map_structure(lambda array: array[: len(draws)], joined(found, axis=0))

    def _sums_of_weights(self, places: Any, states: Any, *rest: Any) -> tuple[Any, Any]:
        """One code of every image a step: products of thousands of rows, and activations for one code only.

        For a 784-512-16 VAE a third of the time goes into elementwise passes. A Bernoulli likelihood by products of
        1 + exp(-|l|), which spares the logarithms, would save 12 % of it: too little for a second formula.
        """
        *fitted, images = rest
        images = ops.take(images, places, axis=0)
        posterior = self.model.encode(images)
        proposal = Fitted(posterior, *fitted) if fitted else AsEncoded(posterior)
        log_weights = ops.map(lambda state: self._weighed(proposal, images, state), states)
        return ops.logsumexp(log_weights, axis=0), ops.logsumexp(2.0 * log_weights, axis=0)

    def _weighed(self, proposal: Any, images: Any, state: Any) -> Any:
        """log w of a code drawn for each image."""
        codes, log_prob = proposal.drawn(self.noise_at(state))
        return self._log_joint(images, codes) - log_prob

    def _log_joint(self, images: Any, codes: Any) -> Any:
        return self.model.prior.log_prob(codes) - self.model.distortion(images, codes)

    def _slopes(self, places: Any, points: Any, shift: Any, factor: Any, images: Any) -> tuple[Any, Any]:
        images = ops.take(images, places, axis=0)
        posterior = self.model.encode(images)
        proposal, points = Fitted(posterior, shift, factor), ops.cast(points, posterior.mean.dtype)

        def log_density(own: Any) -> Any:
            codes, log_volume = posterior.at(own)
            return self._log_joint(images, codes) + log_volume

        slope = backends.current().gradient(log_density)
        slopes = ops.map(lambda point: slope(proposal.own(point[None])), points)
        return ops.mean(slopes, axis=0), ops.einsum("kni,kj->nij", slopes, points) / points.shape[0]

    def gaussians(self, runs: Runs, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and log-variances of the posteriors, which must be Gaussian: both `(runs, n, code_dim)`."""
        parts = [(part,) for _, part in chunks(images)]
        mean, log_var = self.by_chunk(self._gaussians, runs, parts)
        return mean, log_var

    def diagnostics(self, runs: Runs, images: np.ndarray) -> dict[str, np.ndarray]:
        """What the variant alone tells of each run, by name: means over `images`, `(runs,)`."""
        if type(self.model).diagnostics is Autoencoder.diagnostics:
            return {}
        parts = [(part, noise(f"diagnostics/{start}")) for start, part in chunks(images)]
        found: dict[str, np.ndarray] = self.by_chunk(self._diagnose, runs, parts)
        return {name: values.mean(axis=1, dtype=np.float64) for name, values in found.items()}

    def prior_log_probs(self, runs: Runs, codes: np.ndarray) -> np.ndarray:
        """log p(z) of `codes` of each run, `(runs, n, code_dim)`, under its own prior: `(runs, n)` nats, float32."""
        found: np.ndarray = self.of_codes(self._prior, runs, codes)
        return found

    def _mean_and_log_var(self, images: Any) -> tuple[Any, Any]:
        posterior = self.model.encode(images)
        return posterior.mean, posterior.log_var

    def representations(self, runs: Runs, images: np.ndarray) -> np.ndarray:
        """Posterior means (an autoencoder's codes) of `images`: `(runs, n, code_dim)` float32."""
        parts = [(part,) for _, part in chunks(images)]
        codes: np.ndarray = self.by_chunk(self._encode, runs, parts)
        return codes

    def draw(self, runs: Runs, images: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Codes to make pictures of.

        Args:
            runs: whose.
            images: `(n, *image_shape)`, at most `CHUNK`.
            count: how many new codes.

        Returns:
            One code drawn from each image's posterior, `(runs, n, code_dim)`, and `count` codes from the prior,
            `(runs, count, code_dim)`; the latter the same for every variant with a standard normal prior.
        """
        states = np.stack([noise("reconstruction/0"), noise("prior")])
        drawn, prior = self.by_chunk(self._draw, runs, [(images, states, np.zeros(count))])
        return drawn, prior

    def _drawn_and_prior_codes(self, images: Any, states: Any, places: Any) -> tuple[Any, Any]:
        drawn = self.model.encode(images).sample(self.noise_at(states[0]))
        return drawn, self.model.prior.sample(places.shape[0], self.noise_at(states[1]))

    def decoded(self, runs: Runs, codes: np.ndarray) -> np.ndarray:
        """Expected images E[x|z] of a few `codes` of each run, `(runs, n, code_dim)`: `(runs, n, *image_shape)`."""
        images: np.ndarray = self.of_codes(self._decode_mean, runs, codes)
        return images


def _states(name: str, draws: int) -> np.ndarray:
    return np.stack([noise(name, draw) for draw in range(draws)])
