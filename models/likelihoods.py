"""Likelihoods p(x|z): what a decoder's output means, in nats per image.

Each is a Keras layer, since some own weights. `parameters` is the decoder's output: of the image's shape, or with more
channels where a pixel takes more numbers.

What values a likelihood `takes`: `unit`, in [0, 1]; `real`, any, in units of the training data's standard deviation;
`counts`, whole numbers from 0.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from aebench.models.levels import Categorical, DiscretisedLogistics
from aebench.models.likelihood import Likelihood, bisected, inside, per_image_sum


class Bernoulli(Likelihood):
    """Independent Bernoulli pixels with the parameters as logits; images hold 0 and 1 only."""

    takes = ("unit",)
    exponential_family = True

    def log_prob(self, images: Any, parameters: Any) -> Any:  # noqa: D102
        return per_image_sum(images * parameters - ops.softplus(parameters))

    def natural(self, parameters: Any) -> tuple[Any, Any]:  # noqa: D102
        return parameters, per_image_sum(ops.softplus(parameters))

    def log_base(self, images: Any) -> Any:  # noqa: D102
        return _zeros(images)

    def mean(self, parameters: Any) -> Any:  # noqa: D102
        return ops.sigmoid(parameters)

    def initial_bias(self, pixel_mean: np.ndarray) -> np.ndarray:  # noqa: D102
        mean = inside(pixel_mean)
        logits: np.ndarray = np.log(mean / (1.0 - mean))
        return logits


class ContinuousBernoulli(Likelihood):
    """Continuous Bernoulli pixels in [0, 1], the parameters their logits (Loaiza-Ganem & Cunningham 2019)."""

    takes = ("unit",)
    exponential_family = True

    def log_prob(self, images: Any, parameters: Any) -> Any:  # noqa: D102
        log_normaliser = _log_normaliser(parameters)
        return per_image_sum(images * parameters - ops.softplus(parameters) + log_normaliser)

    def natural(self, parameters: Any) -> tuple[Any, Any]:  # noqa: D102
        return parameters, per_image_sum(ops.softplus(parameters) - _log_normaliser(parameters))

    def log_base(self, images: Any) -> Any:  # noqa: D102
        return _zeros(images)

    def mean(self, parameters: Any) -> Any:
        """1 / (1 - exp(-l)) - 1/l at logit l; 1/2 + l/12 - l³/720 near 0, where that cancels."""
        small = ops.abs(parameters) < 0.5
        safe = ops.where(small, ops.ones_like(parameters), parameters)
        series = 0.5 + parameters / 12.0 - parameters**3 / 720.0 + parameters**5 / 30240.0
        return ops.where(small, series, 1.0 / -ops.expm1(-safe) - 1.0 / safe)

    def initial_bias(self, pixel_mean: np.ndarray) -> np.ndarray:
        """The logit at which E[x] is the pixel's mean, by bisection, since the inverse has no form."""
        return bisected(lambda logits: self.mean(ops.convert_to_tensor(logits)), inside(pixel_mean), 1000.0)


def _zeros(images: Any) -> Any:
    """A zero for each image."""
    return ops.zeros(images.shape[:1], images.dtype)


def _log_normaliser(logits: Any) -> Any:
    """log C of the continuous Bernoulli, elementwise: C = l / tanh(l/2); log 2 + l²/12 - 7 l⁴/1440 near 0."""
    size = ops.abs(logits)
    small = size < 0.02
    safe = ops.where(small, ops.ones_like(size), size)
    series = math.log(2.0) + logits**2 / 12.0 - 7.0 * logits**4 / 1440.0
    return ops.where(small, series, ops.log(safe) - ops.log(ops.tanh(0.5 * safe)))


class Located(Likelihood):
    """Pixels of any value, the parameters their means."""

    takes = ("unit", "real")

    def mean(self, parameters: Any) -> Any:  # noqa: D102
        return parameters

    def initial_bias(self, pixel_mean: np.ndarray) -> np.ndarray:  # noqa: D102
        return pixel_mean


class Gaussian(Located):
    """Gaussian pixels around the parameters with one learned log-variance for all pixels."""

    exponential_family = True

    def build(self, input_shape: Any) -> None:  # noqa: ARG002, D102
        self.log_var = self.add_weight(name="log_var", shape=(), initializer="zeros")

    def log_prob(self, images: Any, parameters: Any) -> Any:  # noqa: D102
        squares = (images - parameters) ** 2 * ops.exp(-self.log_var)
        return -0.5 * per_image_sum(squares + self.log_var + math.log(2.0 * math.pi))

    def natural(self, parameters: Any) -> tuple[Any, Any]:  # noqa: D102
        natural = parameters * ops.exp(-self.log_var)
        return natural, 0.5 * per_image_sum(parameters * natural)

    def log_base(self, images: Any) -> Any:  # noqa: D102
        return self.log_prob(images, ops.zeros_like(images))


class DiagonalGaussian(Gaussian):
    """Gaussian pixels around the parameters with a learned log-variance for each pixel, the same for all images."""

    def build(self, input_shape: Any) -> None:  # noqa: D102
        self.log_var = self.add_weight(name="log_var", shape=input_shape[1:], initializer="zeros")


class StudentT(Located):
    """Student's t around the parameters, with a learned scale and learned degrees of freedom for each pixel.

    The degrees of freedom are 1 + exp(w), so that the mean exists, and start at 5; the scale starts at 1.
    """

    def build(self, input_shape: Any) -> None:  # noqa: D102
        freedom = keras.initializers.Constant(math.log(4.0))
        self.log_scale = self.add_weight(name="log_scale", shape=input_shape[1:], initializer="zeros")
        self.log_freedom = self.add_weight(name="log_freedom", shape=input_shape[1:], initializer=freedom)

    def log_prob(self, images: Any, parameters: Any) -> Any:  # noqa: D102
        freedom = 1.0 + ops.exp(self.log_freedom)
        squares = ((images - parameters) * ops.exp(-self.log_scale)) ** 2
        normaliser = log_rising(0.5 * freedom, 0.5) - 0.5 * ops.log(math.pi * freedom) - self.log_scale
        return per_image_sum(normaliser - 0.5 * (freedom + 1.0) * ops.log1p(squares / freedom))


class Poisson(Likelihood):
    """Independent Poisson counts with the parameters as log-rates."""

    takes = ("counts",)
    exponential_family = True

    def encoded(self, images: Any) -> Any:
        """log(1 + count), as counts may differ by orders of magnitude (Lopez et al. 2018)."""
        return ops.log1p(images)

    def log_prob(self, images: Any, parameters: Any) -> Any:  # noqa: D102
        return per_image_sum(images * parameters - ops.exp(parameters) - log_factorial(images))

    def natural(self, parameters: Any) -> tuple[Any, Any]:  # noqa: D102
        return parameters, per_image_sum(ops.exp(parameters))

    def log_base(self, images: Any) -> Any:  # noqa: D102
        return -per_image_sum(log_factorial(images))

    def mean(self, parameters: Any) -> Any:  # noqa: D102
        return ops.exp(parameters)

    def initial_bias(self, pixel_mean: np.ndarray) -> np.ndarray:  # noqa: D102
        log_rates: np.ndarray = np.log(np.maximum(pixel_mean, 1e-3))
        return log_rates


class NegativeBinomial(Poisson):
    """Negative binomial counts of mean m = exp(parameters) and variance m + m²/r, with a learned r for each pixel."""

    takes = ("counts",)

    def build(self, input_shape: Any) -> None:  # noqa: D102
        self.log_r = self.add_weight(name="log_r", shape=input_shape[1:], initializer="zeros")

    def log_prob(self, images: Any, parameters: Any) -> Any:  # noqa: D102
        r, over = ops.exp(self.log_r), parameters - self.log_r  # log(m / r)
        choices = log_rising(r, images) - log_factorial(images)
        return per_image_sum(choices + images * over - (images + r) * ops.softplus(over))

    def natural(self, parameters: Any) -> tuple[Any, Any]:  # noqa: D102
        over = parameters - self.log_r
        return -ops.softplus(-over), per_image_sum(ops.exp(self.log_r) * ops.softplus(over))

    def log_base(self, images: Any) -> Any:  # noqa: D102
        return per_image_sum(log_rising(ops.exp(self.log_r), images) - log_factorial(images))


_SHIFT = 8  # from where on three terms of Stirling's series are off by less than 3e-10


def log_rising(start: Any, steps: Any) -> Any:
    """log Γ(start + steps) / Γ(start), elementwise, for start > 0 and steps >= 0.

    As one function, since the difference of two logarithms of Γ loses all digits where `start` is large: both arguments
    are raised by 8 with Γ(a + 1) = a Γ(a), and Stirling's series of both are subtracted term by term.
    """
    raised = sum(ops.log1p(steps / (start + place)) for place in range(_SHIFT))
    low = start + _SHIFT
    high = low + steps
    slope = (low - 0.5) * ops.log1p(steps / low) + steps * (ops.log(high) - 1.0)
    return slope + _stirling(high) - _stirling(low) - raised


def _stirling(value: Any) -> Any:
    inverse = 1.0 / value
    square = inverse * inverse
    return inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0))


def log_factorial(counts: Any) -> Any:
    """log n!, elementwise."""
    return log_rising(ops.ones_like(counts), counts)


LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
    "continuous_bernoulli": ContinuousBernoulli,
    "diagonal_gaussian": DiagonalGaussian,
    "student_t": StudentT,
    "poisson": Poisson,
    "negative_binomial": NegativeBinomial,
    "discretised_logistics": DiscretisedLogistics,
    "categorical": Categorical,
}


def find(name: str) -> Likelihood:
    """The likelihood of a name of `LIKELIHOODS`, with a number behind it where its class takes one.

    Raises:
        ValueError: no likelihood has that name.
    """
    stem, _, number = name.rpartition("-")
    if name in LIKELIHOODS:
        return LIKELIHOODS[name](name="likelihood")
    if stem in LIKELIHOODS and (setting := LIKELIHOODS[stem].numbered) and number.isdecimal() and int(number) > 0:
        return LIKELIHOODS[stem](**{setting: int(number)}, name="likelihood")
    raise ValueError(f"unknown likelihood {name!r}; known: {', '.join(LIKELIHOODS)}")
