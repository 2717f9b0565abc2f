"""A linear Gaussian model, whose likelihood and posterior have closed forms, as a run's weights."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from aebench.backends.weights import Weights
    from aebench.measures.evaluator import Evaluator
    from aebench.measures.programs import Runs

SHAPE = (4, 4, 1)
PIXELS = math.prod(SHAPE)
VARIANCE = 0.3


class LinearGaussian:
    """x = W z + m + noise; q(z|x) has the exact mean and marginal standard deviations, off by what is said.

    Args:
        size: of z.
        wider: how many times as wide q is in each dimension.
        shift: how far its mean is off, in its exact standard deviations.
        orthogonal: whether the columns of W are, so that q can be exact.
        variance: of the noise, as the model has it.

    Attributes:
        posterior: exact covariance of z given x, `(size, size)`.
        sd, shift: standard deviations of q, and how far its mean is off: `(size,)`.
        weights: of a `VAE` with the network `linear` and the likelihood `gaussian`, by name; its settings are left out.
    """

    def __init__(
        self, size: int, wider: float = 1.3, shift: float = 0.3, orthogonal: bool = False, variance: float = VARIANCE
    ) -> None:
        rng = np.random.default_rng(size)
        factors, self.center = rng.normal(size=(PIXELS, size)) / 2.0, rng.normal(size=PIXELS)
        if orthogonal:
            factors = np.linalg.qr(factors)[0] * np.linspace(0.5, 2.0, size)
        self.covariance = factors @ factors.T + variance * np.eye(PIXELS)
        self.posterior = np.linalg.inv(np.eye(size) + factors.T @ factors / variance)
        exact_sd = np.sqrt(np.diag(self.posterior))
        self.sd, self.shift = wider * exact_sd, shift * exact_sd
        encoder = factors @ self.posterior / variance
        self.weights = {
            "mean/kernel": encoder,
            "mean/bias": self.shift - self.center @ encoder,
            "log_var/kernel": np.zeros((PIXELS, size)),
            "log_var/bias": 2.0 * np.log(self.sd),
            "decoder/output/kernel": factors.T,
            "output_bias": self.center.reshape(SHAPE),
            "likelihood/log_var": np.log(variance),
        }
        self.evaluator = evaluator(size)

    def images(self, count: int, seed: int = 0) -> np.ndarray:
        """Draws from the model, `(count, *SHAPE)`."""
        flat = np.random.default_rng(seed).multivariate_normal(self.center, self.covariance, count)
        return flat.reshape(count, *SHAPE).astype("float32")

    def log_likelihood(self, images: np.ndarray) -> np.ndarray:
        """log p(x) of images `(n, *SHAPE)`, exact: `(n,)` nats."""
        from scipy.stats import multivariate_normal

        exact = multivariate_normal(self.center, self.covariance)
        return np.atleast_1d(exact.logpdf(images.reshape(len(images), -1)))

    def elbo_gap(self) -> float:
        """KL(q(z|x) || p(z|x)), the same for every image: nats."""
        precision = np.linalg.inv(self.posterior)
        log_dets = np.linalg.slogdet(self.posterior)[1] - 2.0 * np.log(self.sd).sum()
        off = self.shift @ precision @ self.shift
        return float(0.5 * (np.diag(precision) @ self.sd**2 - len(self.sd) + log_dets + off))

    def as_run(self) -> Weights:
        """All weights of a run, its settings at their defaults."""
        from aebench.backends.weights import get_weights

        own = {name: np.asarray(value, "float32") for name, value in self.weights.items()}
        return {**get_weights(self.evaluator.model), **own}

    def loaded(self) -> Runs:
        """The run on the device."""
        return self.evaluator.load([self.as_run()])


@cache
def evaluator(size: int) -> Evaluator:
    """Compiled once for all models of a size."""
    from aebench.measures.evaluator import Evaluator
    from aebench.models import VAE

    model = VAE(size, network="linear", likelihood="gaussian")
    model.build((None, *SHAPE))
    return Evaluator(model)
