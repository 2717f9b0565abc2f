"""Weights of codes that all images share, in backend operations: of all images by a product of matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from aebench.measures.programs import CHUNK, FIXED_SEED
from aebench.measures.shared_codes import AT_ONCE, WIDE, WIDER, SharedProposal
from aebench.models.streams import stream


@dataclass(frozen=True, kw_only=True)
class SharedDraws:
    """Codes of one run that are to be weighed for all images.

    Attributes:
        run: its place.
        codes: `(codes, code_dim)` float32.
        log_wide: logarithms of their densities under the proposal's t-distribution, `(codes,)` float32.
        proposal: what they were drawn from.
    """

    run: int
    codes: np.ndarray
    log_wide: np.ndarray
    proposal: SharedProposal

    @classmethod
    def of(cls, run: int, proposal: SharedProposal, batch: int, start: int) -> SharedDraws:
        """As many codes of a batch as are weighed in one call, the first of them at the place `start`."""
        codes, log_wide = proposal.drawn(stream(FIXED_SEED, f"measure/importance/shared/{batch}"), start, AT_ONCE)
        return cls(run=run, codes=codes, log_wide=log_wide, proposal=proposal)

    def arrays(self) -> list[np.ndarray]:
        """All that a compiled function takes."""
        sd = WIDER * self.proposal.sd
        count, size = sd.shape
        log_scale = np.log(sd).sum(axis=1) + 0.5 * size * math.log(2.0 * math.pi) + math.log(count)
        parts = in_chunks(self.proposal.mean), in_chunks(sd, 1.0), in_chunks(log_scale, np.inf)
        return [self.codes, self.log_wide, *(part.astype("float32") for part in parts)]


def in_chunks(values: np.ndarray, fill: float = 0.0) -> np.ndarray:
    """Values of images in parts of `CHUNK` at most, alike in size, the last filled up: `(parts, rows, ...)`."""
    rows = min(len(values), CHUNK)
    missing = -len(values) % rows
    padded = np.concatenate([values, np.full((missing, *values.shape[1:]), fill, values.dtype)])
    return padded.reshape(-1, rows, *values.shape[1:])


def sums_of_weights(
    model: Any, codes: Any, log_wide: Any, mean: Any, sd: Any, log_scale: Any, images: Any
) -> tuple[Any, Any]:
    """log Σ w and log Σ w² over codes, of each image.

    Args:
        model: of a likelihood that is an exponential family.
        codes: `(codes, code_dim)`.
        log_wide, mean, sd, log_scale: the rest of `SharedDraws.arrays`.
        images: `(parts, rows, *image_shape)`.

    Returns:
        Both `(parts, rows)` nats.
    """
    natural, log_partition = model.likelihood.natural(model.decode(codes))
    kernel = ops.transpose(ops.reshape(natural, (codes.shape[0], -1)))
    log_near = ops.map(lambda part: _log_gaussians(codes, *part), (mean, sd, log_scale))
    log_near = math.log(1.0 - WIDE) + ops.logsumexp(log_near, axis=0)
    of_code = model.prior.log_prob(codes) - log_partition - ops.logaddexp(log_near, math.log(WIDE) + log_wide)

    def of_part(part: Any) -> tuple[Any, Any]:
        products = ops.matmul(ops.reshape(part, (part.shape[0], -1)), kernel)
        log_weights = products + of_code + model.likelihood.log_base(part)[:, None]
        largest = ops.max(log_weights, axis=1)
        shares = ops.exp(log_weights - largest[:, None])  # once for both sums
        return largest + ops.log(ops.sum(shares, axis=1)), 2.0 * largest + ops.log(ops.sum(shares**2, axis=1))

    sums, squares = ops.map(of_part, images)
    return sums, squares


def _log_gaussians(codes: Any, mean: Any, sd: Any, log_scale: Any) -> Any:
    """The logarithm of the sum of Gaussian densities at each code, `(codes,)`."""
    squares = ops.sum(((codes[:, None] - mean) / sd) ** 2, axis=2)
    return ops.logsumexp(-0.5 * squares - log_scale, axis=1)
