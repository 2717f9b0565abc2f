"""Normalizing flows: distributions pushed through invertible steps, as posteriors and as priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
from keras import ops

from aebench.models.base import Terms
from aebench.models.vae import VAE


class Step(Protocol):
    """One invertible map of codes; both ways return log|det dy/dx| of the way forward, `(batch,)` nats."""

    def forward(self, x: Any) -> tuple[Any, Any]:
        """y `(batch, latent_dim)` of x, and the log-determinant there."""

    def inverse(self, y: Any) -> tuple[Any, Any]:
        """x of y, and the log-determinant at x."""


@dataclass(frozen=True)
class Flow:
    """A `base` distribution pushed through `steps`, the first one first.

    Attributes:
        base: anything with `log_prob` and `sample`; a posterior's has a `mean` too.
        steps: each a `Step`.
    """

    base: Any
    steps: Sequence[Step]

    def push(self, x: Any) -> tuple[Any, Any]:
        """What becomes of codes of the base `(batch, latent_dim)`, and the log-determinant of all steps."""
        total = ops.zeros_like(x[:, 0])
        for step in self.steps:
            x, log_det = step.forward(x)
            total += log_det
        return x, total

    def log_prob(self, z: Any) -> Any:
        """log-density of any codes `(batch, latent_dim)`, `(batch,)` nats, by the steps' inverses."""
        total = ops.zeros_like(z[:, 0])
        for step in reversed(self.steps):
            z, log_det = step.inverse(z)
            total += log_det
        return self.base.log_prob(z) - total


class FlowPrior(Flow):
    """A flow to draw new codes from."""

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` codes, `(count, latent_dim)`."""
        return self.push(self.base.sample(count, noise))[0]


class FlowPosterior(Flow):
    """A flow for each image; its `mean` is where the base's mean goes, which is not the mean of its codes."""

    @property
    def mean(self) -> Any:
        """The representation of each image, `(batch, latent_dim)`."""
        return self.push(self.base.mean)[0]

    def draw(self, noise: keras.random.SeedGenerator) -> tuple[Any, Any]:
        """One code for each image, `(batch, latent_dim)`, and log q of it, `(batch,)`, without an inverse."""
        x = self.base.sample(noise)
        z, log_det = self.push(x)
        return z, self.base.log_prob(x) - log_det

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """One code for each image, `(batch, latent_dim)`."""
        return self.draw(noise)[0]


class FlowPosteriorVAE(VAE):
    """What VAEs with a flow for their posterior share: in training log q comes with the code that is drawn."""

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        codes, log_q = self.encode(images, training=training).draw(self.noise)
        distortion = self.distortion(images, codes, training=training)
        rate = log_q - self.prior.log_prob(codes)
        return Terms(objective=distortion + self.annealed(self.beta, training) * rate, distortion=distortion, rate=rate)
