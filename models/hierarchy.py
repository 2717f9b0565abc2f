"""Two stochastic layers z1 and z2, of which the decoder reads z1; a code is both side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from aebench.models.distributions import DiagonalGaussian

Conditional = Callable[[Any], DiagonalGaussian]


def gaussian(parameters: Any) -> DiagonalGaussian:
    """The Gaussian whose mean and log-variance lie side by side in `parameters` `(batch, 2 n)`."""
    return DiagonalGaussian(*ops.split(parameters, 2, axis=-1))


@dataclass(frozen=True)
class BottomUp:
    """q(z1|x) q(z2|z1).

    Attributes:
        bottom: q(z1|x).
        above: q(z2|·).
    """

    bottom: DiagonalGaussian
    above: Conditional

    @property
    def mean(self) -> Any:
        """The mean of z1, and that of z2 there: `(batch, code_dim)`."""
        return ops.concatenate([self.bottom.mean, self.above(self.bottom.mean).mean], axis=-1)

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """One code for each image, `(batch, code_dim)`."""
        bottom = self.bottom.sample(noise)
        return ops.concatenate([bottom, self.above(bottom).sample(noise)], axis=-1)

    def log_prob(self, z: Any) -> Any:
        """log q(z1, z2|x), `(batch,)` nats."""
        bottom, top = ops.split(z, [self.bottom.mean.shape[-1]], axis=-1)
        return self.bottom.log_prob(bottom) + self.above(bottom).log_prob(top)


@dataclass(frozen=True)
class TopDown:
    """Any distribution over z2, and a Gaussian over z1 given it.

    Attributes:
        top: the distribution of z2.
        below: that of z1 given z2.
        bottom_dim: numbers in z1.
    """

    top: Any
    below: Conditional
    bottom_dim: int

    def log_prob(self, z: Any) -> Any:
        """log-density of both, `(batch,)` nats."""
        bottom, top = ops.split(z, [self.bottom_dim], axis=-1)
        return self.top.log_prob(top) + self.below(top).log_prob(bottom)


class TopDownPrior(TopDown):
    """p(z2) p(z1|z2)."""

    def sample(self, count: int, noise: keras.random.SeedGenerator) -> Any:
        """`count` codes, `(count, code_dim)`."""
        top = self.top.sample(count, noise)
        return ops.concatenate([self.below(top).sample(noise), top], axis=-1)


class TopDownPosterior(TopDown):
    """q(z2|x) q(z1|z2, x)."""

    @property
    def mean(self) -> Any:
        """The mean of z2, and that of z1 there: `(batch, code_dim)`."""
        return ops.concatenate([self.below(self.top.mean).mean, self.top.mean], axis=-1)

    def sample(self, noise: keras.random.SeedGenerator) -> Any:
        """One code for each image, `(batch, code_dim)`."""
        top = self.top.sample(noise)
        return ops.concatenate([self.below(top).sample(noise), top], axis=-1)
