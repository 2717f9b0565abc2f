"""What images cost without a model, against SciPy and against a file that is read again."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from aebench import data
from aebench.data import pixels
from aebench.measures.levels import frequencies_bits, measure
from aebench.measures.uses.lengths import png_strip_bits
from aebench.models import likelihoods


def test_frequencies_cost_their_cross_entropy():
    """Bit for bit the entropy of each channel where test is as train, up to the one count that is added to each."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(6), 3)
    train, test = (np.stack([rng.choice(6, (4000, 5, 5), p=share) for share in shares], axis=-1) for _ in range(2))
    expected = stats.entropy(shares, base=2, axis=1).mean()
    error = np.std(np.log2(shares), axis=1).max() / np.sqrt(100_000)
    assert frequencies_bits(train, test, 6) == pytest.approx(expected, abs=4.0 * error)
    assert frequencies_bits(np.zeros((0, 5, 5, 3), int), test, 256) == pytest.approx(8.0)


def test_a_level_that_training_lacks_is_not_impossible():
    assert np.isfinite(frequencies_bits(np.zeros((3, 2, 2, 1), int), np.full((1, 2, 2, 1), 9), 10))


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_cannot_be_compressed_and_one_colour_costs_nothing(channels):
    noise = np.random.default_rng(0).integers(0, 256, (200, 16, 16, channels)) / 255.0
    least = 8.0 + 8.0 / (16 * channels)  # a byte a row says how it is filtered
    numbers = 16 * 16 * channels
    assert 8.0 < png_strip_bits(noise, binary=False) / numbers < 1.01 * least
    assert png_strip_bits(np.full_like(noise, 7 / 255), binary=False) / numbers < 0.1


@pytest.mark.parametrize("name", ["categorical-17", "gaussian"])
def test_runs_of_likelihoods_of_levels_alone_have_them(name):
    """Of grey digits: the bits of 17 levels, the same for both runs."""
    digits = data.load("digits")
    model = SimpleNamespace(likelihood=likelihoods.find(name))
    inputs = pixels.prepare(digits, name, "train")
    one, other = measure(SimpleNamespace(inputs=inputs, evaluator=SimpleNamespace(model=model), count=2))
    assert one.numbers == other.numbers
    if name == "gaussian":
        assert one.numbers == {}
        return
    train, test = (part.images.astype(int) for part in (digits.train, digits.test))
    assert one.numbers["frequencies_bits_per_dim"] == pytest.approx(frequencies_bits(train, test, 17))
    assert one.numbers["png_bits_per_dim"] == pytest.approx(
        png_strip_bits(digits.test.images / 16.0, binary=False) / 64
    )
