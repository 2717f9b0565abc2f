"""Spreads of few seeds each, drawn towards what all have in common (Smyth 2004). Imports no Keras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Moderation:
    """What squared standard errors have in common: a scaled inverse χ² distribution of the true ones.

    Attributes:
        scale, df: of that distribution.
        most: degrees of freedom that none may have more than, unless it has them by itself.
    """

    scale: float
    df: float
    most: float


def moderation(squares: np.ndarray, df: np.ndarray, count: int, *, least: int, doubt: float) -> Moderation | None:
    """What squared standard errors have in common (Smyth 2004); `None` where too few have a spread.

    The scale and degrees of freedom of the true squares' distribution come from the mean and variance of the logarithms
    of those that are given. Where they differ much in spread, there is little to draw. None gets more degrees of
    freedom than the configurations have together, and of few each keeps its own.

    Args:
        squares: `(n,)`, each of which tells something of its own; 0 where there is no spread.
        df: their degrees of freedom, alike.
        count: configurations behind them.
        least: how many of these must have a spread for any to be drawn.
        doubt: of how much they differ, configurations tell no more than their number: so many standard errors of it are
            added.
    """
    from scipy.special import digamma, polygamma

    telling = (squares > 0) & (df > 0)
    if np.count_nonzero(telling) < least:
        return None
    own = df[telling]
    kinds = np.unique(own)  # few, and special functions of millions of numbers take their time
    at = np.searchsorted(kinds, own)
    logs = np.log(squares[telling]) - (digamma(kinds / 2.0) - np.log(kinds / 2.0))[at]
    found = float(logs.var(ddof=1)) * (1.0 + doubt * np.sqrt(2.0 / (count - 1)))
    excess = found - float(polygamma(1, kinds / 2.0)[at].mean())
    most = (count - 1) * float(own.max())
    prior = min(2.0 * _inverse_trigamma(excess) if excess > 0 else np.inf, most)
    scale = float(np.exp(logs.mean() + digamma(prior / 2.0) - np.log(prior / 2.0)))
    return Moderation(scale=scale, df=prior, most=most)


def drawn(squares: np.ndarray, df: np.ndarray, common: Moderation | None) -> tuple[np.ndarray, np.ndarray]:
    """Squared standard errors drawn towards what all have in common, and their degrees of freedom.

    Args:
        squares: of any shape; 0 where there is no spread, which stays as it is.
        df: their degrees of freedom, alike.
        common: what they have in common; each keeps its own where there is nothing.
    """
    if common is None:
        return squares, np.maximum(df, 1.0)
    nearer = np.where(squares > 0, (common.df * common.scale + df * squares) / (common.df + df), squares)
    return nearer, np.clip(df + common.df, 1.0, np.maximum(common.most, df))


def _inverse_trigamma(value: float) -> float:
    """Where the trigamma function has this positive value, by Newton's method on its reciprocal (Smyth 2004)."""
    from scipy.special import polygamma

    found = 0.5 + 1.0 / value
    for _ in range(30):
        slope = float(polygamma(1, found))
        step = slope * (1.0 - slope / value) / float(polygamma(2, found))
        found += step
        if abs(step) < 1e-10 * found:
            break
    return found
