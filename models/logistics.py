"""Logistic distributions of pixels that are rounded to levels between -1 and 1, elementwise.

Levels are as far apart; the first and the last have the tails. A level's probability is σ(a) - σ(b), the difference of
two sigmoids, which is σ(a) σ(-b) (1 - exp(b - a)): a product, whose logarithm loses no digits wherever the level lies.
So there is no need for the bound on small probabilities that published code has, nor for the density in their place.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

LEAST_LOG_SCALE = -7.0  # as in the code of Salimans et al. 2017: a ninth of a step between 256 levels
_WIDE = 20.0  # from where on half of the values are below the range and half above, to nine digits
_SMALL = 1e-3  # below which 1 - exp(-d) is d - d²/2 to seven digits


def log_level_prob(values: Any, mean: Any, log_scale: Any, levels: int) -> Any:
    """log P of the level that `values` is, under a logistic distribution rounded to levels.

    Args:
        values: levels from -1 to 1, exactly.
        mean, log_scale: of the logistic distribution; shapes that broadcast with `values`.
        levels: how many there are.

    Returns:
        Nats, of the shape that all three broadcast to. At most 0, and finite for all finite arguments whose quotient
        (value - mean) / scale is.
    """
    log_scale = ops.maximum(log_scale, LEAST_LOG_SCALE)
    half, inverse = 1.0 / (levels - 1), ops.exp(-log_scale)
    below_upper_edge = -ops.softplus((mean - values - half) * inverse)
    above_lower_edge = -ops.softplus((mean - values + half) * -inverse)
    between = below_upper_edge + above_lower_edge + _log_one_less_exp(math.log(2.0 * half) - log_scale)
    return ops.where(values < -1.0 + half, below_upper_edge, ops.where(values > 1.0 - half, above_lower_edge, between))


def _log_one_less_exp(log_d: Any) -> Any:
    """log(1 - exp(-d)) by log d."""
    d = ops.exp(log_d)
    away = ops.log(-ops.expm1(-ops.maximum(d, _SMALL)))
    return ops.where(d < _SMALL, log_d - 0.5 * d, away)


def clipped_mean(mean: Any, log_scale: Any) -> Any:
    """The mean of a logistic distribution whose values beyond -1 and 1 are put there, between -1 and 1.

    With its values rounded to levels too, the mean is another one by half a step between them at most.
    """
    scale = ops.exp(ops.clip(log_scale, LEAST_LOG_SCALE, _WIDE))
    low = (mean - 1.0) / scale
    wide = ops.log1p(ops.sigmoid(low) * ops.expm1(2.0 / ops.maximum(scale, 1.0)))  # the same where it would cancel
    return scale * ops.where(scale > 1.0, wide, ops.softplus((mean + 1.0) / scale) - ops.softplus(low)) - 1.0
