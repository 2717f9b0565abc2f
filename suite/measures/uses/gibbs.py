"""Pseudo-Gibbs sampling of missing pixels, as one compiled function of a model and images (Rezende et al. 2014)."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
from keras import ops

from aebench.measures.programs import noise

STEPS = 20
BURN_IN = 10  # steps before the expected images of which the mean is taken


class Gibbs:
    """Fills in missing pixels: encode, draw a code, decode, take what is missing from there, and again.

    With a point code nothing is drawn but binary pixels. From the mean training image on, `STEPS` times; the estimate
    is the mean of the expected images E[x|z] after `BURN_IN`.

    Args:
        binary: whether pixels are binary, so that missing ones are drawn; else they are the expected ones.
    """

    def __init__(self, binary: bool) -> None:
        self.binary = binary
        self._noise = keras.random.SeedGenerator(0)

    def __call__(self, model: Any, gapped: Any, start: Any, states: Any) -> Any:
        """Estimates of the images, `(n, *image_shape)`; of pixels that are there, what the decoder makes of them.

        Args:
            model: an `Autoencoder`.
            gapped: images, and behind their channels as many that hold 1 where a pixel is missing, else 0,
                `(n, height, width, 2 × channels)`. What images hold at missing pixels is not looked at.
            start: what missing pixels are at first, `(1, *image_shape)`.
            states: of the noise, one for each step, `(STEPS, 2)`.
        """
        images, missing = ops.split(ops.cast(gapped, model.variable_dtype), 2, axis=-1)

        def filled(values: Any) -> Any:
            return missing * values + (1.0 - missing) * images

        def step(at: Any, carried: tuple[Any, Any]) -> tuple[Any, Any]:
            seen, total = carried
            self._noise.state.assign(ops.take(states, at, axis=0))
            expected = model.decode_mean(model.encode(seen).sample(self._noise))
            counted = ops.cast(at >= BURN_IN, expected.dtype)
            return filled(self._drawn(expected)), total + counted * expected

        first = filled(ops.cast(start, images.dtype))
        _, total = ops.fori_loop(0, STEPS, step, (first, ops.zeros_like(images)))
        return total / (STEPS - BURN_IN)

    def _drawn(self, expected: Any) -> Any:
        if not self.binary:
            return expected
        draws = keras.random.uniform(ops.shape(expected), seed=self._noise, dtype=expected.dtype)
        return ops.cast(draws < expected, expected.dtype)


@cache
def gibbs(binary: bool) -> Gibbs:
    """One object for all cohorts of a process, by which the compiled function is known."""
    return Gibbs(binary)


def states(name: str) -> np.ndarray:
    """States of the noise of one use of `Gibbs`, `(STEPS, 2)`."""
    return np.stack([noise(f"imputation/{name}", draw) for draw in range(STEPS)])
