"""Codes in few bits: lengths that a coder reaches, rates and errors of closed form, and steps that suit any decoder."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.decomposition import PCA

from aebench.backends.weights import get_weights
from aebench.measures.context import Context, Member
from aebench.measures.evaluator import Evaluator
from aebench.measures.uses import compression
from aebench.measures.uses.quantised import at_rate, quantiser
from aebench.models import AE
from aebench.records.record import MeasureSettings

PIXELS = 36
PRECISION = 24  # bits of the coder's probabilities


def gaussian(count, spreads, seed=0):
    return np.random.default_rng(seed).normal(size=(count, len(spreads))) * spreads


def test_probabilities_of_all_levels_sum_to_one():
    found = quantiser(gaussian(500, [1.0, 5.0]), np.ones(2), 0.5)
    levels = np.arange(-100_000.0, 100_001.0)
    for at in range(2):
        missing = 1.0 - found.probabilities(at, levels).sum()
        assert -1e-9 < missing < 1e-9, "a t-distribution leaves 1e-15 outside"


def encoded(found, levels):
    """All codes in one whole number, by asymmetric numeral systems (Duda 2013), and the levels that it gives back."""
    tables = []
    for at in range(levels.shape[1]):
        known = np.unique(levels[:, at])
        shares = np.maximum(np.floor(found.probabilities(at, known) * 2**PRECISION), 1).astype(int).tolist()
        starts = np.concatenate([[0], np.cumsum(shares)]).tolist()
        assert starts[-1] <= 2**PRECISION
        tables.append((known.tolist(), shares, starts))
    state, back = 1, []
    for code in levels[::-1].tolist():
        for at in reversed(range(len(code))):
            known, shares, starts = tables[at]
            place = known.index(code[at])
            state = ((state // shares[place]) << PRECISION) + starts[place] + state % shares[place]
    length = state.bit_length()
    for _ in range(len(levels)):
        code = []
        for known, shares, starts in tables:
            rest = state & (2**PRECISION - 1)
            place = int(np.searchsorted(starts, rest, "right")) - 1
            state = (state >> PRECISION) * shares[place] + rest - starts[place]
            code.append(known[place])
        back.append(code)
    assert state == 1
    return length, np.array(back)


def test_a_coder_needs_as_many_bits_as_are_told_and_gives_the_codes_back():
    train, test = gaussian(1000, [1.0, 3.0, 0.2]), gaussian(4000, [1.0, 3.0, 0.2], seed=1)
    found = at_rate(train, np.ones(3), 6.0)
    levels = found.quantise(test)
    length, back = encoded(found, levels)
    np.testing.assert_array_equal(back, levels)
    assert length == pytest.approx(found.bits(levels).sum(), rel=1e-3, abs=PRECISION), (
        "the first level may cost as much"
    )


@pytest.mark.parametrize("bits", [3.0, 5.0])
def test_fine_steps_have_the_error_of_rate_distortion_theory(bits):
    """Uniform steps at a high rate are 1.53 dB from Shannon's bound (Gish & Pierce 1968): D = π e / 6 σ² 4^-R."""
    train = gaussian(100_000, [2.0])
    found = at_rate(train, np.ones(1), bits)
    test = gaussian(100_000, [2.0], seed=1)
    levels = found.quantise(test)
    assert found.bits(levels).mean() == pytest.approx(bits, rel=0.01)
    error = np.mean((found.restore(levels) - test) ** 2)
    assert error == pytest.approx(math.pi * math.e / 6.0 * 4.0 * 4.0**-bits, rel=0.05)


def test_bits_go_where_the_spread_is():
    """Reverse water-filling: dimensions below the step take none, and equal errors come from all others."""
    train = gaussian(5000, [4.0, 2.0, 0.01])
    found = at_rate(train, np.ones(3), 6.0)
    levels = found.quantise(train)
    assert not levels[:, 2].any()
    errors = np.mean((found.restore(levels) - train) ** 2, axis=0)
    assert errors[0] == pytest.approx(errors[1], rel=0.1)


def test_codes_that_cost_less_than_the_rate_are_as_good_as_whole():
    train = np.tile([[0.0], [1.0]], (50, 1))
    found = at_rate(train, np.ones(1), 16.0)
    np.testing.assert_allclose(found.restore(found.quantise(train)), train, atol=1e-3)


def test_a_dimension_without_a_scale_is_left_out_at_no_cost():
    train = gaussian(200, [1.0, 1.0])
    found = at_rate(train, np.array([1.0, np.inf]), 3.0)
    alone = at_rate(train[:, :1], np.ones(1), 3.0)
    levels = found.quantise(train)
    np.testing.assert_array_equal(levels[:, :1], alone.quantise(train[:, :1]))
    np.testing.assert_allclose(found.bits(levels), alone.bits(levels[:, :1]))
    np.testing.assert_allclose(found.restore(levels)[:, 1], train[:, 1].mean())


@pytest.fixture(scope="module")
def evaluator():
    model = AE(PIXELS + 2, network="linear", likelihood="gaussian")
    model.build((None, 6, 6, 1))
    return Evaluator(model)


def linear(evaluator, inputs, scales, noisy=False, spoiled=False):
    """All principal components as codes, on these scales, and two dimensions more that the decoder does not read."""
    train = inputs.seen_train.reshape(len(inputs.seen_train), -1).astype("float64")
    mean = train.mean(axis=0)
    axes = np.linalg.svd(train - mean, full_matrices=False)[2].T  # (pixels, pixels)
    encoder, decoder = np.zeros((PIXELS, PIXELS + 2)), np.zeros((PIXELS + 2, PIXELS))
    encoder[:, :PIXELS], decoder[:PIXELS] = axes * scales, (axes / scales).T
    if noisy:
        encoder[:, PIXELS:] = np.random.default_rng(0).normal(size=(PIXELS, 2))
    own = {
        "mean/kernel": encoder,
        "mean/bias": -mean @ encoder,
        "decoder/output/kernel": decoder * (np.nan if spoiled else 1.0),
        "output_bias": mean.reshape(6, 6, 1),
    }
    own = {name: value.astype("float32") for name, value in own.items()}
    return {**get_weights(evaluator.model), **own}


def numbers(evaluator, inputs, *runs):
    members = [Member(weights=run, initial=run, pictured=False) for run in runs]
    context = Context(evaluator=evaluator, inputs=inputs, settings=MeasureSettings(), classifier=None, members=members)
    return [found.numbers for found in compression.measure(context)]


def by_components(inputs, rate):
    """The error of scikit-learn's components in steps of one size, of test images."""
    train, test = (part.reshape(len(part), -1).astype("float64") for part in (inputs.seen_train, inputs.test))
    pca = PCA().fit(train)
    own = at_rate(pca.transform(train), np.ones(PIXELS), rate)
    return np.mean((pca.inverse_transform(own.restore(own.quantise(pca.transform(test)))) - test) ** 2)


def test_scales_of_codes_and_dimensions_that_nobody_reads_change_nothing(evaluator, inputs):
    """Components as codes have the error of the reference, which knows that images lie between 0 and 1."""
    data = inputs(resample=False)
    scales = np.random.default_rng(1).choice([0.01, 1.0, 50.0], PIXELS)
    plain, scaled, noisy = numbers(
        evaluator,
        data,
        linear(evaluator, data, np.ones(PIXELS)),
        linear(evaluator, data, scales),
        linear(evaluator, data, np.ones(PIXELS), noisy=True),
    )
    for rate in compression.RATES:
        name = f"compression_mse_{rate}"
        assert scaled[name] == pytest.approx(plain[name], rel=0.02)
        assert noisy[name] == pytest.approx(plain[name], rel=0.02)
        assert plain[name] == pytest.approx(by_components(data, rate), rel=0.02)
        assert plain[f"{name}_pca"] < plain[name]
    values = [plain[f"compression_mse_{rate}"] for rate in compression.RATES]
    assert values == sorted(values, reverse=True)
    assert plain["compression_mse_16_validation"] == pytest.approx(plain["compression_mse_16"], rel=0.5)


def test_a_run_that_is_not_finite_has_no_number_and_spoils_no_other(evaluator, inputs):
    data = inputs(resample=False)
    fine = linear(evaluator, data, np.ones(PIXELS))
    broken = {name: np.full_like(value, np.nan) for name, value in fine.items()}
    both = numbers(evaluator, data, fine, broken)
    assert both[0] == pytest.approx(numbers(evaluator, data, fine)[0], rel=1e-3)
    assert not any(name for name in both[1] if not name.endswith("_pca"))
