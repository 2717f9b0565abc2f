"""Spreads drawn towards what all have in common."""

from __future__ import annotations

import numpy as np
import pytest

from aebench.analysis.moderation import drawn, moderation


def moderated(squares, df, count):
    """Squares and degrees of freedom, as those of pairs are drawn."""
    return drawn(squares, df, moderation(squares, df, count, least=15, doubt=0.5))


def test_spreads_are_drawn_together_where_they_are_alike_and_left_where_they_differ():
    rng = np.random.default_rng(7)
    df = np.full(435, 4.0)
    same = rng.chisquare(4, 435) / 4.0
    nearer, found_df = moderated(same, df, 30)
    assert np.std(np.log(nearer)) < 0.3 * np.std(np.log(same))
    assert found_df.max() > 15
    wild = same * np.exp(rng.normal(0.0, 4.0, same.shape))
    nearer, found_df = moderated(wild, df, 30)
    assert found_df.max() < 6
    assert np.median(nearer / wild) == pytest.approx(1.0, abs=0.3)


def test_moderation_is_smyths():
    """His prior's own draws are told back: scale 0.5 and 6 degrees of freedom, a little fewer from 300."""
    rng, count = np.random.default_rng(8), 300
    true = 0.5 * 6.0 / rng.chisquare(6, count * (count - 1) // 2)
    found = true * rng.chisquare(4, true.shape) / 4.0
    _, df = moderated(found, np.full(true.shape, 4.0), count)
    assert 4.5 < df.max() - 4.0 < 6.2


def test_too_few_keep_their_own():
    squares, df = np.array([1.0, 2.0, 0.0]), np.array([4.0, 4.0, 0.0])
    assert moderation(squares, df, 3, least=3, doubt=0.5) is None
    nearer, found_df = moderated(squares, df, 3)
    assert nearer.tolist() == squares.tolist()
    assert found_df.tolist() == [4.0, 4.0, 1.0]
