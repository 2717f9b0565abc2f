"""Whether training was long enough: known curves, and how often noise would mislead."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from aebench.analysis.convergence import convergence

FLAT = [10.0 + 5 * 0.5**epoch for epoch in range(50)]


def state(curve):
    found = convergence(list(curve))
    return None if found is None else found.state


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (FLAT, "converged"),
        (np.linspace(60, 50, 50), "not converged"),
        ([*FLAT[:25], *np.linspace(10, 12, 25)], "overfitted"),
        ([*FLAT[:25], *[10.05] * 25], "converged"),
        ([*FLAT[:20], *[10.2] * 30], "overfitted"),
        (FLAT[:9], None),
        (np.linspace(10, 7, 10), "not converged"),
        ([], None),
    ],
)
def test_known_curves(curve, expected):
    assert state(curve) == expected


def test_the_trend_is_over_the_length_of_the_last_tenth():
    """10 epochs of 100, falling .0099 an epoch: .099 nats; at .0101 an epoch: .101 nats."""
    times = np.arange(100)
    slow, fast = (convergence((50.0 - fall * times).tolist()) for fall in (0.0099, 0.0101))
    assert (slow.fall, fast.fall) == pytest.approx((0.099, 0.101))
    assert (slow.state, fast.state) == ("converged", "not converged")


def curves(rng, epochs, noise, fall):
    """Falls fast, then by so many nats a tenth of its length, with white noise."""
    times = np.arange(epochs)
    while True:
        yield 20 * np.exp(-25 * times / epochs) - fall * times / (epochs / 10) + rng.normal(0, noise, epochs)


@pytest.mark.parametrize("epochs", [10, 20, 30, 60, 200])
@pytest.mark.parametrize("noise", [0.01, 0.03, 0.1])
def test_noise_seldom_misleads(epochs, noise):
    """Flat curves are not said to fall, nor such as fall by 0.3 nats to have converged, in more than 3 of 100."""
    rng, draws = np.random.default_rng(0), 300
    flat, falling = (
        Counter(state(curve) for _, curve in zip(range(draws), curves(rng, epochs, noise, fall), strict=False))
        for fall in (0.0, 0.3)
    )
    assert flat["not converged"] + flat["overfitted"] <= 0.03 * draws
    assert falling["converged"] <= 0.03 * draws
    if noise == 0.01:
        assert flat["converged"] == falling["not converged"] == draws


def test_the_interval_of_the_fall_covers_as_often_as_it_says():
    rng, draws = np.random.default_rng(1), 1000
    found = [convergence(curve) for _, curve in zip(range(draws), curves(rng, 60, 0.05, 0.1), strict=False)]
    for inside in ([one.low <= 0.1 for one in found], [one.high >= 0.1 for one in found]):
        assert np.mean(inside) == pytest.approx(0.95, abs=0.03)
