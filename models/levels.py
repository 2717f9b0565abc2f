"""Likelihoods of images whose pixels have a few equally spaced values: probabilities, not densities."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from aebench.models import logistics
from aebench.models.likelihood import Likelihood, bisected, inside, per_image_sum

_INITIAL_LOG_SCALE = -1.5  # a standard deviation of a fifth of the range


class Levels(Likelihood):
    """Pixels of images of a few equally spaced values, such as bytes; values in between count as the nearest."""

    takes = ("unit",)

    def build(self, input_shape: Any) -> None:  # noqa: D102
        if len(input_shape) != 4:
            raise ValueError(
                f"likelihood {type(self).__name__} needs images (batch, height, width, channels). Received shape: "
                f"{input_shape}"
            )
        self.image_shape = tuple(input_shape[1:])

    def level(self, images: Any) -> Any:
        """Which level each pixel has, from 0, as floats."""
        return ops.round(images * (self.levels - 1.0))


class DiscretisedLogistics(Levels):
    """Pixels of 256 levels: for each a mixture of logistic distributions, rounded to levels (Salimans et al. 2017).

    A pixel chooses one component for all its channels. In each component, the mean of a channel is shifted by the
    channels before it, each times a coefficient between -1 and 1: green by red, and blue by red and green. So the
    decoder's output has for each pixel and component a weight, a mean and a log-scale of each channel, and those
    coefficients.

    Args:
        components: of the mixture, >= 1; ten as published.
    """

    levels = 256
    numbered = "components"

    def __init__(self, components: int = 5, **options: Any) -> None:
        super().__init__(**options)
        self.components = components

    def parameter_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:  # noqa: D102
        channels = image_shape[-1]
        numbers = 1 + 2 * channels + channels * (channels - 1) // 2
        return (*image_shape[:-1], numbers * self.components)

    def parts(self, parameters: Any) -> tuple[Any, list[Any], list[Any], list[list[Any]]]:
        """Log-weights, and by channel means, log-scales and the coefficients of the channels before it.

        Args:
            parameters: `(batch, *parameter_shape)`.

        Returns:
            Each array `(batch, height, width, components)`.
        """
        *_, height, width, channels = self.image_shape
        split = ops.reshape(parameters, (-1, height, width, parameters.shape[-1] // self.components, self.components))
        numbers = [split[..., at, :] for at in range(split.shape[-2])]
        weights, means, log_scales, coefficients = (
            numbers[0],
            numbers[1 : 1 + channels],
            numbers[1 + channels : 1 + 2 * channels],
            [ops.tanh(one) for one in numbers[1 + 2 * channels :]],
        )
        before = [coefficients[at * (at - 1) // 2 : at * (at + 1) // 2] for at in range(channels)]
        return ops.log_softmax(weights, axis=-1), means, log_scales, before

    def log_prob(self, images: Any, parameters: Any) -> Any:  # noqa: D102
        log_prob, means, log_scales, coefficients = self.parts(parameters)
        pixels = self.level(images) * (2.0 / (self.levels - 1.0)) - 1.0
        channels = [pixels[..., at, None] for at in range(len(means))]
        for value, mean, log_scale, before in zip(channels, means, log_scales, coefficients, strict=True):
            mean = _shifted(mean, before, channels)
            log_prob = log_prob + logistics.log_level_prob(value, mean, log_scale, self.levels)
        return per_image_sum(ops.logsumexp(log_prob, axis=-1))

    def mean(self, parameters: Any) -> Any:
        """E[x|z], off by half a level at most in grey.

        In colour, a channel's mean in a component is that at the means of the channels before it: the same, unless
        black or white cuts what those shift it by.
        """
        log_weights, means, log_scales, coefficients = self.parts(parameters)
        weights, expected = ops.exp(log_weights), list[Any]()
        for mean, log_scale, before in zip(means, log_scales, coefficients, strict=True):
            expected.append(logistics.clipped_mean(_shifted(mean, before, expected), log_scale))
        return ops.stack([0.5 + 0.5 * ops.sum(weights * one, axis=-1) for one in expected], axis=-1)

    def initial_bias(self, pixel_mean: np.ndarray) -> np.ndarray:
        """Components around the pixel's mean, half the range apart at the most, and without a shift by channels."""
        *place, channels = pixel_mean.shape
        around = np.linspace(-0.5, 0.5, self.components) if self.components > 1 else np.zeros(1)

        def output(middle: np.ndarray) -> np.ndarray:
            numbers = np.zeros((*place, self.parameter_shape(pixel_mean.shape)[-1] // self.components, self.components))
            numbers[..., 1 : 1 + channels, :] = middle[..., None] + around
            numbers[..., 1 + channels : 1 + 2 * channels, :] = _INITIAL_LOG_SCALE
            return numbers.reshape(*place, -1)

        def mean_at(middle: np.ndarray) -> Any:
            return self.mean(ops.convert_to_tensor(output(middle)[None], "float32"))[0]

        return output(bisected(mean_at, inside(pixel_mean), 20.0))


def _shifted(mean: Any, coefficients: list[Any], before: list[Any]) -> Any:
    """A channel's mean with the channels before it."""
    return mean + sum(one * value for one, value in zip(coefficients, before, strict=False))


class Categorical(Levels):
    """Pixels of any distribution over their levels: a logit for each, channels by themselves.

    Args:
        levels: how many, >= 2.
    """

    levels = 256
    numbered = "levels"

    def __init__(self, levels: int = 256, **options: Any) -> None:
        super().__init__(**options)
        if levels < 2:
            raise ValueError(f"`levels` must be at least 2. Received: levels={levels}")
        self.levels = levels

    def parameter_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:  # noqa: D102
        return (*image_shape[:-1], image_shape[-1] * self.levels)

    def _log_probs(self, parameters: Any) -> Any:
        """The logarithm of each level's probability, `(batch, *image_shape, levels)`."""
        return ops.log_softmax(ops.reshape(parameters, (-1, *self.image_shape, self.levels)), axis=-1)

    def log_prob(self, images: Any, parameters: Any) -> Any:  # noqa: D102
        chosen = ops.one_hot(ops.cast(self.level(images), "int32"), self.levels, dtype=parameters.dtype)
        return per_image_sum(chosen * self._log_probs(parameters))

    def mean(self, parameters: Any) -> Any:  # noqa: D102
        values = np.linspace(0.0, 1.0, self.levels, dtype="float32")
        return ops.sum(ops.exp(self._log_probs(parameters)) * values, axis=-1)

    def initial_bias(self, pixel_mean: np.ndarray) -> np.ndarray:
        """Logits that rise or fall evenly: of all distributions of this mean, that of the largest entropy."""
        values = np.linspace(0.0, 1.0, self.levels)

        def output(slope: np.ndarray) -> np.ndarray:
            logits: np.ndarray = (slope[..., None] * values).reshape(*pixel_mean.shape[:-1], -1)
            return logits

        def mean_at(slope: np.ndarray) -> Any:
            return self.mean(ops.convert_to_tensor(output(slope)[None], "float32"))[0]

        return output(bisected(mean_at, inside(pixel_mean), 1000.0))
