"""Lossless storage: asymmetric numeral systems against entropies, and images that come back to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image
from scipy.stats import norm

from aebench.backends.weights import get_weights
from aebench.measures.context import Member
from aebench.measures.scorer import Scorer
from aebench.measures.uses import bits_back, lossless
from aebench.measures.uses.ans import Stack
from aebench.measures.uses.lengths import jpeg_bits, jpeg_curve, png_strip_bits
from aebench.models import AE, VAE
from aebench.records.record import MeasureSettings


def test_a_stack_is_as_long_as_its_symbols_are_unlikely_and_gives_them_back():
    rng = np.random.default_rng(0)
    stack = Stack(rng, 4)
    before, bits, zero = stack.content, stack.bits, 60_000
    symbols = (rng.random(3000) < 0.08).tolist()
    for one in symbols:
        stack.push(*((zero, 65_536 - zero) if one else (0, zero)), 16)
    known = -sum(math.log2((65_536 - zero if one else zero) / 65_536) for one in symbols)
    assert stack.bits - bits == pytest.approx(known, abs=0.01)  # each push loses 2**-16 of a bit at most
    popped = [
        stack.pop(16, lambda place: (True, zero, 65_536 - zero) if place >= zero else (False, 0, zero)) for _ in symbols
    ]
    assert popped[::-1] == symbols
    assert stack.content == before
    with pytest.raises(IndexError):
        bits_back.take_code(stack, 100)


def test_codes_are_drawn_from_the_posterior_and_given_back():
    stack = Stack(np.random.default_rng(1), 20_000)
    before, mean, sd = stack.content, 0.7, 0.3
    codes = [bits_back.draw(stack, [(mean, sd)]) for _ in range(4000)]
    points = np.array([bits_back.at(code)[0] for code in codes])
    assert points.mean() == pytest.approx(mean, abs=4 * sd / math.sqrt(len(points)))
    assert points.std() == pytest.approx(sd, rel=0.05)
    for code in reversed(codes):
        bits_back.give_back(stack, [(mean, sd)], code)
    assert stack.content == before


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (3.0, 0.01), (-9.0, 0.1), (0.5, 30.0)])
def test_buckets_have_their_mass_under_the_posterior_and_a_place_each(mean, sd):
    starts = np.array([bits_back._start(at, mean, sd) for at in range(2**bits_back.BUCKETS + 1)])
    assert (np.diff(starts) >= 1).all()
    assert (starts[0], starts[-1]) == (0, 2**bits_back.PRECISION)
    edges = norm.ppf(np.arange(1, 2**bits_back.BUCKETS) / 2**bits_back.BUCKETS)
    np.testing.assert_allclose(starts[1:-1] / 2.0**bits_back.PRECISION, norm.cdf(edges, mean, sd), atol=2e-5)


def score(data, model):
    model.adapt(data.train)
    weights = get_weights(model)
    scorer = Scorer(model, data, MeasureSettings(), None, families=[lossless.FAMILY])
    members = [Member(weights=weights, initial=weights, pictured=False)] * 2
    return scorer.score(members)[0].metrics


def test_packed_images_take_what_the_bound_says_and_come_back(inputs):
    """An untrained encoder says little, and so does a draw: a single one a code is nearly as good as the mean of 16."""
    found = score(inputs(), VAE(3, network="mlp-256"))
    assert found["bits_back_overhead"] == pytest.approx(0.0, abs=0.02)
    assert found["bits_back_bits"] == pytest.approx(found["lossless_bits"], rel=0.02)
    assert found["lossless_bits_pixels"] < 36.0 < found["lossless_bits_png"], "a header of 67 bytes, and 36 pixels"


def test_what_has_no_posterior_or_is_not_binary_is_not_stored(inputs):
    assert not {"lossless_bits", "bits_back_bits"} & score(inputs(), AE(3, network="mlp-256")).keys()
    assert score(inputs(resample=False), VAE(3, network="mlp-256", likelihood="gaussian")) == {}


def test_a_strip_is_one_file(tmp_path):
    images = (np.random.default_rng(0).random((5, 8, 8, 1)) < 0.5).astype("float32")
    strip = Image.fromarray((255 * images[..., 0].reshape(40, 8)).astype("uint8")).convert("1")
    strip.save(tmp_path / "strip.png", optimize=True)
    assert png_strip_bits(images, binary=True) == 8 * (tmp_path / "strip.png").stat().st_size / 5


def test_jpegs_take_more_bits_the_nearer_they_come():
    rows = np.linspace(0.0, 1.0, 12)
    images = np.tile((0.5 + 0.5 * np.outer(np.sin(5 * rows), np.cos(7 * rows)))[None, :, :, None], (20, 1, 1, 1))
    images = np.clip(images + 0.1 * np.random.default_rng(0).normal(size=images.shape), 0.0, 1.0)
    bits, errors = jpeg_curve(images)
    assert (np.diff(bits) > 0).all()
    assert (np.diff(errors) < 0).all()
    assert errors[-1] < 1e-3 < errors[0]
    for known, error in zip(bits, errors, strict=True):
        assert jpeg_bits((bits, errors), error) == pytest.approx(known)
    assert jpeg_bits((bits, errors), 1.0) == bits[0]
    assert jpeg_bits((bits, errors), 0.0) == bits[-1]
    assert bits[3] < jpeg_bits((bits, errors), math.sqrt(errors[3] * errors[4])) < bits[4]
