"""The variational autoencoder whose posterior is bent by planar flows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from keras import ops

from aebench.models.base import register
from aebench.models.distributions import DiagonalGaussian
from aebench.models.flows import FlowPosterior, FlowPosteriorVAE

LEAST = 0.01  # determinant of a flow: what rounds is blown up by no more than 100 on the way back
HALVINGS = 24  # of an interval that the root is known to lie in: to the last digit of float32


def _dot(a: Any, b: Any) -> Any:
    return ops.sum(a * b, axis=-1)


@dataclass(frozen=True)
class Planar:
    """y = x + u tanh(w·x + b) for each image (Rezende & Mohamed 2015, equation 10), invertible as w·u > -1.

    Attributes:
        u, w: `(batch, latent_dim)`.
        b: `(batch,)`.
    """

    u: Any
    w: Any
    b: Any

    @classmethod
    def invertible(cls, u: Any, w: Any, b: Any) -> Planar:
        """The flow whose w·u is m(w·u) > -1 (appendix A.1), by what is added to u along w.

        m(a) = log(1 + e^(a + c)) - 1 + `LEAST`, where the paper has log(1 + eᵃ) - 1: that sends u to infinity as w goes
        to 0, and determinants to 0. With c such that m(0) = 0, and `LEAST`, neither happens.
        """
        along = _dot(w, u)
        change = ops.softplus(along + math.log(math.expm1(1.0 - LEAST))) - 1.0 + LEAST - along
        return cls(u + (change / (_dot(w, w) + 1e-12))[:, None] * w, w, b)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """See `flows.Step`."""
        bend = ops.tanh(_dot(self.w, x) + self.b)
        return x + self.u * bend[:, None], ops.log(self._slope(bend))

    def inverse(self, y: Any) -> tuple[Any, Any]:
        """See `flows.Step`; w·x is the root of a + w·u tanh(a + b) = w·y, which rises in a.

        Found by bisection; one step of Newton's method then carries the gradient.
        """
        along, target = _dot(self.w, self.u), _dot(self.w, y)
        low, high = target - ops.abs(along), target + ops.abs(along)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            below = middle + along * ops.tanh(middle + self.b) < target
            low, high = ops.where(below, middle, low), ops.where(below, high, middle)
        root = ops.stop_gradient(0.5 * (low + high))
        bend = ops.tanh(root + self.b)
        root -= (root + along * bend - target) / ops.stop_gradient(self._slope(bend))
        bend = ops.tanh(root + self.b)
        return y - self.u * bend[:, None], ops.log(self._slope(bend))

    def _slope(self, bend: Any) -> Any:
        """1 + w·u tanh'(w·x + b), the determinant (equation 12)."""
        return 1.0 + _dot(self.w, self.u) * (1.0 - bend**2)


@register("planar-vae", version=1)
class PlanarVAE(FlowPosteriorVAE):
    """A VAE whose Gaussian posterior is bent by `depth` planar flows (Rezende & Mohamed 2015).

    Each flow pushes codes apart from a plane or together onto it; the encoder gives every image flows of its own
    (amortised), by a linear layer from its features. A code's density is that of the Gaussian's draw it came from,
    less the flows' log-determinants; of other codes it is found by the flows' inverses, to the precision of float32.
    The representation, the posterior's `mean`, is where the flows take the Gaussian's mean. The rate is estimated at
    the one code drawn.

    Objective:
        D + β (log N(z_0; m(x), diag s²(x)) - Σ_k log|1 + u_k·w_k tanh'(w_k·z_{k-1} + b_k)| - log p(z_K))
        (D: distortion at z_K; K: depth)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1, after a warm-up over 10,000 steps (`rate_warmup`).
        depth: flows, >= 0; in the paper 2 to 80.
        **options: see `VAE`.

    Reference:
        Rezende & Mohamed 2015, "Variational Inference with Normalizing Flows", ICML, arXiv:1505.05770.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, depth: int = 4, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.depth = self.count("depth", depth, least=0)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        size = 2 * self.latent_dim + 1
        self.flow_heads = [self.head(f"flow_{i}", feature_shape, size) for i in range(self.depth)]

    def encode(self, images: Any, training: bool = False) -> FlowPosterior:  # noqa: D102
        features, size = self.features(images, training), self.latent_dim
        base = DiagonalGaussian(self.mean_head(features), self.log_var_head(features))
        parts = (ops.split(head(features), [size, 2 * size], axis=-1) for head in self.flow_heads)
        return FlowPosterior(base, [Planar.invertible(u, w, b[:, 0]) for u, w, b in parts])
