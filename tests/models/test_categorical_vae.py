"""The VAE of categorical variables: exact samples and rates outside of training, relaxed ones in it."""

from __future__ import annotations

import itertools
import math
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops
from scipy import special, stats

from aebench.models import CategoricalVAE
from aebench.models.discrete import Categorical, UniformCategories, gumbel, perplexity


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def make(images: np.ndarray, **options: Any) -> CategoricalVAE:
    model = CategoricalVAE(3, **{"network": "linear", "categories": 4, "seed": 1, **options})
    model.adapt(images)
    return model


def logits_of(shape: tuple[int, ...], scale: float = 2.0) -> np.ndarray:
    return (scale * np.random.default_rng(0).normal(size=shape)).astype("float32")


def repeated(logits: np.ndarray, count: int, temperature: float | None = None) -> Categorical:
    return Categorical(ops.convert_to_tensor(np.repeat(logits, count, axis=0)), temperature)


@pytest.mark.parametrize("training", [False, True])
def test_the_objective_by_hand(binary, training):
    images, model = binary[:50], make(binary, beta=1.7)
    state = numpy(model.noise.state.value)
    terms = model.terms(images, training=training)
    model.noise.state.assign(state)
    posterior = model.encode(images, training=training)
    codes = numpy(posterior.sample(model.noise)).astype("float64")
    assert np.array_equal(codes, codes.round()) == (not training)
    logits = codes @ numpy(model.decoder.get_layer("output").kernel) + numpy(model.output_bias.value).ravel()
    distortion = (np.logaddexp(0.0, logits) - images.reshape(len(images), -1) * logits).sum(axis=1)
    q = special.softmax(numpy(posterior.logits).astype("float64"), axis=-1)
    rate = stats.entropy(q, np.full(4, 0.25)[None, None], axis=-1).sum(axis=1)
    assert numpy(terms.distortion) == pytest.approx(distortion, rel=1e-5)
    assert numpy(terms.rate) == pytest.approx(rate, rel=1e-5, abs=rounding.relative(3 * 4, 8, condition=3 * 1.4))
    assert numpy(terms.objective) == pytest.approx(distortion + 1.7 * rate, rel=1e-5)


def test_rate_is_scipy_s_relative_entropy():
    logits = logits_of((20, 3, 5))
    q = special.softmax(logits.astype("float64"), axis=-1)
    expected = stats.entropy(q, np.full((1, 1, 5), 0.2), axis=-1).sum(axis=1)
    assert numpy(Categorical(logits).kl_from_uniform()) == pytest.approx(expected, rel=1e-5)


def test_rate_of_no_choice_and_of_a_certain_one():
    certain = np.zeros((1, 3, 5), "float32")
    certain[..., 2] = 200.0
    assert numpy(Categorical(np.zeros((1, 3, 5), "float32")).kl_from_uniform()) == pytest.approx(0.0, abs=1e-6)
    assert numpy(Categorical(certain).kl_from_uniform()) == pytest.approx(3 * math.log(5), rel=1e-6)


def test_choices_come_as_often_as_their_probability():
    """The Gumbel-max trick."""
    logits, count = logits_of((1, 2, 6), 1.0), 20_000
    drawn = numpy(repeated(logits, count).sample(keras.random.SeedGenerator(0))).reshape(count, 2, 6)
    assert np.array_equal(drawn.sum(axis=2), np.ones((count, 2)))
    assert np.array_equal(drawn.max(axis=2), np.ones((count, 2)))
    expected = count * special.softmax(logits[0].astype("float64"), axis=-1)
    for found, wanted in zip(drawn.sum(axis=0), expected, strict=True):
        assert stats.chisquare(found, wanted).pvalue > 1e-3
    pairs = drawn[:, 0].T @ drawn[:, 1]
    assert stats.chi2_contingency(pairs).pvalue > 1e-3, "variables are independent"


def test_log_prob_is_a_distribution_over_all_choices():
    logits = logits_of((1, 2, 3))
    codes = np.stack([np.eye(3)[list(pair)].ravel() for pair in itertools.product(range(3), repeat=2)])
    found = numpy(repeated(logits, 9).log_prob(ops.convert_to_tensor(codes.astype("float32"))))
    log_q = special.log_softmax(logits[0].astype("float64"), axis=-1)
    expected = [log_q[0, i] + log_q[1, j] for i, j in itertools.product(range(3), repeat=2)]
    assert found == pytest.approx(expected, rel=1e-5)
    assert np.exp(found).sum() == pytest.approx(1.0, rel=1e-5)


def test_relaxed_choices_have_their_distribution():
    """Of two categories: τ logit(z) is logistic about the difference of their logits (Maddison et al. 2017)."""
    logits, temperature = np.array([[[0.3, -0.5]]], "float32"), 0.8
    drawn = numpy(repeated(logits, 5000, temperature).sample(keras.random.SeedGenerator(1))).astype("float64")
    scores = temperature * (np.log(drawn[:, 0]) - np.log(drawn[:, 1]))
    assert stats.kstest(scores, "logistic", (0.8,)).pvalue > 1e-3


def test_relaxed_choices_become_exact_ones_as_the_temperature_falls():
    logits = logits_of((200, 3, 5))
    exact, cold, warm = (
        numpy(Categorical(ops.convert_to_tensor(logits), temperature).sample(keras.random.SeedGenerator(2)))
        for temperature in (None, 1e-3, 1.0)
    )
    assert np.abs(cold - exact).max(axis=1).mean() < 0.01
    assert warm.reshape(200, 3, 5).sum(axis=-1) == pytest.approx(np.ones((200, 3)), rel=rounding.relative(5, 4))
    assert np.abs(warm - exact).max(axis=1).mean() > 0.2


def test_the_temperature_falls_to_its_minimum_over_the_training(binary):
    model = make(binary, training_steps=10, temperature=2.0, min_temperature=0.9)
    found = []
    for _ in range(12):
        found.append(float(numpy(model.encode(binary[:2], training=True).temperature)))
        model.compute_loss(binary[:2], training=True)
    expected = np.maximum(0.9, 2.0 * np.exp(-np.minimum(np.arange(12) / 10, 1.0)))
    assert found == pytest.approx(expected, rel=1e-6)
    assert found[0] == 2.0
    assert found[-1] == np.float32(0.9)
    assert model.encode(binary[:2]).temperature is None


def test_the_prior_has_no_favourites():
    prior = UniformCategories(2, 5)
    codes = numpy(prior.sample(10_000, keras.random.SeedGenerator(3))).reshape(-1, 2, 5)
    assert np.array_equal(codes.sum(axis=2), np.ones((10_000, 2)))
    assert all(stats.chisquare(found).pvalue > 1e-3 for found in codes.sum(axis=0))
    assert numpy(prior.log_prob(codes.reshape(-1, 10)[:3])) == pytest.approx(3 * [-2 * math.log(5)], rel=1e-6)


def test_rate_is_the_mean_of_log_q_minus_log_p(binary):
    model, count = make(binary), 4000
    one = model.encode(binary[:1])
    many = repeated(numpy(one.logits), count)
    codes = many.sample(model.noise)
    draws = numpy(many.log_prob(codes) - model.prior.log_prob(codes))
    exact = float(numpy(model.rate(one, None))[0])
    assert abs(draws.mean() - exact) < 4.0 * draws.std() / math.sqrt(count)


def test_perplexity_is_of_the_categories_in_use(binary):
    model = make(binary)
    found = numpy(model.diagnostics(binary[:50], model.noise)["code_perplexity"])
    shares = numpy(model.encode(binary[:50]).mean).astype("float64").reshape(50, 3, 4).mean(axis=0)
    assert found == pytest.approx(np.full(50, np.exp(stats.entropy(shares, axis=1)).mean()), rel=1e-5)
    assert float(numpy(perplexity(ops.convert_to_tensor([[1.0, 0.0, 0.0]])))) == 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"categories": 1}, "`categories` must be at least 2. Received: categories=1"),
        ({"min_temperature": 0.0}, "`min_temperature` must be above 0. Received: min_temperature=0.0"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        CategoricalVAE(2, **settings)


def test_gumbel_noise():
    """SciPy's distribution; and no infinite number among 2^22 draws, which come near both ends of the uniform ones."""
    drawn = numpy(gumbel(ops.zeros((2**22,)), keras.random.SeedGenerator(4)))
    assert np.isfinite(drawn).all()
    assert stats.kstest(drawn[:20_000], "gumbel_r").pvalue > 1e-3
