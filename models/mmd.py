"""Maximum mean discrepancy of two samples of codes, without bias, under one kernel of seven widths."""

from __future__ import annotations

from typing import Any

from keras import ops

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
NUMBERS_PER_PAIR = 3 * len(SCALES)  # of codes with codes, others with others, and codes with others


def inverse_multiquadratics(squares: Any, latent_dim: int) -> Any:
    """Σ C / (C + |x - y|²) over the `SCALES`, elementwise, with C = 2 latent_dim scale.

    2 latent_dim is the mean |x - y|² of two draws of N(0, I). Tolstikhin et al. 2018, section 4 and their code.

    Args:
        squares: |x - y|², of any shape.
        latent_dim: numbers in x and y.
    """
    widths = [2.0 * latent_dim * scale for scale in SCALES]
    return sum(width / (width + squares) for width in widths)


def squared_distances(a: Any, b: Any) -> Any:
    """|a_i - b_j|² of `(n, d)` and `(m, d)`: `(n, m)`."""
    norms = ops.sum(a**2, axis=1)[:, None] + ops.sum(b**2, axis=1)
    return ops.maximum(norms - 2.0 * ops.matmul(a, ops.transpose(b)), 0.0)


def unbiased_mmd(codes: Any, others: Any) -> Any:
    """MMD² of two samples of one size by their U-statistic, a scalar, which may be negative.

    Gretton et al. 2012, lemma 6. A sample of one has no pairs, and counts as 0 within itself.

    Args:
        codes, others: `(n, latent_dim)` both.
    """
    latent_dim = codes.shape[-1]

    def kernel_sum(a: Any, b: Any) -> Any:
        return ops.sum(inverse_multiquadratics(squared_distances(a, b), latent_dim))

    count = ops.cast(ops.shape(codes)[0], codes.dtype)
    of_one_with_itself = count * len(SCALES)
    within = kernel_sum(codes, codes) + kernel_sum(others, others) - 2.0 * of_one_with_itself
    return within / ops.maximum(count * (count - 1.0), 1.0) - 2.0 * kernel_sum(codes, others) / count**2
