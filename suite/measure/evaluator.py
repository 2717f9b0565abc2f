"""Evaluator: a cohort's model as compiled pure functions of (weights, arrays), traced once for all its runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from models.streams import stream
from suite import backend
from suite.weights import Weights, names

CHUNK = 2000  # images scored at once: bounds memory whatever the size of the split
FIXED_SEED = 0  # the harness's own noise, the same for every run, so that runs are compared on the same draws


class Evaluator:
    """The methods of `model` as functions of a run's weights.

    Args:
        model: an `Autoencoder` of the cohort's shape; its own weights don't matter and stay as they are.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.has_posterior: bool = model.has_posterior
        self._names = names(model)
        self._noise = keras.random.SeedGenerator(0)
        self._encode = self._stateless(lambda images: model.encode(images).mean)
        self._decode_mean = self._stateless(model.decode_mean)
        self._draw = self._stateless(lambda images: model.encode(images).sample(self._noise))
        self._bound = self._stateless(self._distortion_and_rate)
        self._distortion = self._stateless(model.distortion)

    def _stateless(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return backend.stateless(function, [*self.model.weights, self._noise.state])

    def _distortion_and_rate(self, images: Any) -> tuple[Any, Any]:
        posterior = self.model.encode(images)
        codes = posterior.sample(self._noise)
        return self.model.distortion(images, codes), self.model.rate(posterior, codes)

    def values(self, weights: Weights, name: str = "", draw: int = 0) -> list[Any]:
        """What the compiled functions take first: the weights, and where the stream `name` of noise stands."""
        state = np.array([stream(FIXED_SEED, f"measure/{name}"), draw], "uint32")
        ordered = [weights[name] for name in self._names]
        return [*map(ops.convert_to_tensor, ordered), ops.convert_to_tensor(state)]

    def representation(self, weights: Weights, images: np.ndarray) -> np.ndarray:
        """Posterior means (an autoencoder's codes) of `images`: `(n, latent_dim)` float32."""
        return self._chunked(self._encode, weights, "", images)

    def draw(self, weights: Weights, images: np.ndarray, name: str) -> np.ndarray:
        """One code drawn from each image's posterior, `(n, latent_dim)`, by the noise called `name`."""
        return self._chunked(self._draw, weights, name, images)

    def images(self, weights: Weights, codes: np.ndarray) -> np.ndarray:
        """Expected images E[x|z] of `codes` `(n, latent_dim)`: `(n, *image_shape)`."""
        return self._chunked(self._decode_mean, weights, "", codes)

    def distortion_at(self, weights: Weights, images: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """-log p(x|z) of each image at its code: `(n,)` nats."""
        return self._chunked(self._distortion, weights, "", images, codes)

    def bound(self, weights: Weights, images: np.ndarray, draw: int) -> tuple[np.ndarray, np.ndarray]:
        """Distortion and rate of each image, both `(n,)` nats, at draw number `draw` of a code from its posterior."""
        parts = [
            self._bound(self.values(weights, f"bound/{start}", draw), images[start : start + CHUNK])
            for start in range(0, len(images), CHUNK)
        ]
        distortion, rate = zip(*parts, strict=True)
        return _joined(distortion), _joined(rate)

    def prior_draw(self, weights: Weights, count: int) -> np.ndarray:
        """`count` codes from the prior, `(count, latent_dim)`; the same for every variant with a standard normal."""
        sample = self._stateless(lambda: self.model.prior.sample(count, self._noise))
        return np.asarray(ops.convert_to_numpy(sample(self.values(weights, "prior"))))

    def calls(self, weights: Weights, images: np.ndarray, codes: np.ndarray) -> dict[str, Callable[[], Any]]:
        """The compiled functions that are timed, on arrays that are on the device already.

        Args:
            weights: of any run.
            images: a batch.
            codes: as many codes.

        Returns:
            `encode`, `decode`, `sample` (a draw from the prior, decoded) and `elbo` (one draw of the bound; without
            a posterior, the distortion).
        """
        values, batch = self.values(weights), ops.convert_to_tensor(images)
        points, count = ops.convert_to_tensor(codes), len(images)
        generate = self._stateless(lambda: self.model.decode_mean(self.model.prior.sample(count, self._noise)))
        bound = partial(self._bound, values, batch)
        return {
            "encode": lambda: self._encode(values, batch),
            "decode": lambda: self._decode_mean(values, points),
            "sample": lambda: generate(values),
            "elbo": bound if self.has_posterior else partial(self._distortion, values, batch, points),
        }

    def _chunked(self, function: Callable[..., Any], weights: Weights, name: str, *arrays: np.ndarray) -> np.ndarray:
        parts = [
            function(self.values(weights, f"{name}/{start}"), *(array[start : start + CHUNK] for array in arrays))
            for start in range(0, len(arrays[0]), CHUNK)
        ]
        return _joined(parts)


def _joined(parts: Any) -> np.ndarray:
    return np.concatenate([ops.convert_to_numpy(part) for part in parts])
