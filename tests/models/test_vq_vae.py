"""The vector-quantised autoencoder: its words, the probability of its codes, and where gradients go."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops
from scipy import special, stats

from aebench.models import VQVAE
from aebench.models.codebook import Nade


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def weights(layer: Any) -> dict[str, np.ndarray]:
    return {weight.name: numpy(weight.value).astype("float64") for weight in layer.weights}


@pytest.fixture
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:50]


@pytest.fixture
def make(binary: np.ndarray) -> Callable[..., VQVAE]:
    def make_(**options: Any) -> VQVAE:
        model = VQVAE(3, **{"network": "linear", "words": 8, "width": 2, "context": 5, "seed": 1, **options})
        model.adapt(binary)
        return model

    return make_


def unsettled(model: VQVAE, seed: int = 0) -> VQVAE:
    """With a prior that is far from uniform."""
    rng = np.random.default_rng(seed)
    for weight in model.choices.weights:
        weight.assign(rng.normal(size=weight.shape).astype("float32"))
    return model


def nearest(words: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    parts = outputs.reshape(len(outputs), -1, 1, words.shape[1])
    return ((parts - words) ** 2).sum(axis=-1).argmin(axis=-1)


def log_prior(choices: Nade, indices: np.ndarray) -> np.ndarray:
    """log p(c), word by word, of `(n, variables)`."""
    own, found = weights(choices), np.zeros(len(indices))
    for place, row in itertools.product(range(indices.shape[1]), range(len(indices))):
        logits = own["bias"][place].copy()
        if place:
            hidden = own["start"] + sum(own["write"][j][indices[row, j]] for j in range(place))
            logits += np.maximum(hidden, 0.0) @ own["read"][place - 1]
        found[row] += special.log_softmax(logits)[indices[row, place]]
    return found


def test_the_objective_by_hand(make, images):
    model = unsettled(make(commitment=0.7))
    terms, posterior = model.terms(images), model.encode(images)
    words, output = weights(model.book)["words"], numpy(posterior.output).astype("float64")
    indices = nearest(words, output)
    codes = words[indices].reshape(len(images), -1)
    logits = codes @ numpy(model.decoder.get_layer("output").kernel) + numpy(model.output_bias.value).ravel()
    distortion = (np.logaddexp(0.0, logits) - images.reshape(len(images), -1) * logits).sum(axis=1)
    rate = -log_prior(model.choices, indices)
    assert numpy(terms.distortion) == pytest.approx(distortion, rel=1e-5)
    assert numpy(terms.rate) == pytest.approx(rate, rel=1e-5)
    pull = 0.7 * ((output - codes) ** 2).sum(axis=1)
    assert numpy(terms.objective) == pytest.approx(distortion + pull + rate, rel=1e-5)


def test_gradients_go_straight_through_to_the_encoder(make, images, gradients):
    """A linear decoder's gradient at its input is (σ(logits) - x) Wᵀ, whatever the word's distance."""
    model = make(commitment=0.0)
    _, found = gradients(model, images)
    kernel = numpy(model.decoder.get_layer("output").kernel).astype("float64")
    logits = numpy(model.encode(images).mean) @ kernel + numpy(model.output_bias.value).ravel()
    at_input = (special.expit(logits) - images.reshape(len(images), -1)) @ kernel.T
    path = next(path for path in found if path.endswith("mean/bias"))
    cancelled = np.abs(at_input).mean(axis=0).max()
    assert found[path] == pytest.approx(at_input.mean(axis=0), abs=rounding.relative(64, 50, condition=5.0) * cancelled)


def test_the_prior_learns_without_moving_a_code(make, images, gradients):
    (_, one), (_, other) = (gradients(unsettled(make(name="same"), seed), images) for seed in (1, 2))
    differ = {path.split("/", 1)[1] for path in one if not np.array_equal(one[path], other[path])}
    assert differ == {f"choices/{name}" for name in ("bias", "write", "read", "start")}


def test_a_warm_up_delays_the_prior_alone(make, images, gradients):
    _, found = gradients(make(rate_warmup=1.0, training_steps=10), images)
    still = {path.split("/", 1)[1] for path, value in found.items() if not value.any()}
    assert still == {f"choices/{name}" for name in ("bias", "write", "read", "start")}


def test_words_follow_the_outputs_nearest_to_them(make, images):
    """Two steps of the moving averages, in float64."""
    model = make()
    own, output = weights(model.book), numpy(model.encode(images).output).astype("float64")
    parts = output.reshape(-1, 2)
    for _ in range(2):
        chosen = np.eye(8)[nearest(own["words"], output).ravel()]
        own["shares"] = 0.99 * own["shares"] + 0.01 * chosen.mean(axis=0)
        own["sums"] = 0.99 * own["sums"] + 0.01 * chosen.T @ parts / len(parts)
        smoothed = (own["shares"] + 1e-6) / (1.0 + 8e-6)
        own["words"] = own["sums"] / smoothed[:, None]
        model.terms(images, training=True)
    same = rounding.relative(len(parts), 8, condition=2.0)
    for name, value in weights(model.book).items():
        assert value == pytest.approx(own[name], abs=same * np.abs(own[name]).max()), name


def test_words_rest_on_the_means_of_their_outputs(make):
    """The fixed point of the averages: k-means' centres, and each one's share of the choices."""
    model, rng = make(words=2), np.random.default_rng(0)
    sides = (rng.random(300) < 0.25).astype(int)
    output = (np.array([2.0, -1.0])[sides, None] + 0.1 * rng.normal(size=(300, 2))).astype("float32")
    shares = np.bincount(sides) / 300
    means = np.stack([output[sides == side].mean(axis=0) for side in (0, 1)])
    for name, value in (("words", means), ("shares", shares), ("sums", means * shares[:, None])):
        getattr(model.book, name).assign(value)
    model.book.follow(output, model.book.indices(output), model.noise)
    own = weights(model.book)
    assert own["words"] == pytest.approx(means, rel=1e-5)  # smoothing draws the shares together by 1e-6
    assert own["shares"] == pytest.approx(shares, rel=rounding.relative(300, 8))


def test_a_word_that_is_hardly_chosen_starts_anew_on_an_output(make, images):
    model = make()
    words, shares = (numpy(getattr(model.book, name).value).copy() for name in ("words", "shares"))
    words[3], shares[3] = 100.0, 0.1 / 8
    model.book.words.assign(words)
    model.book.shares.assign(shares)
    parts = numpy(model.encode(images).output).reshape(-1, 2)
    model.terms(images, training=True)
    own = weights(model.book)
    assert np.abs(parts - own["words"][3]).sum(axis=1).min() == 0.0
    assert own["shares"][3] == pytest.approx(1.0 / 8.0)
    assert own["sums"][3] == pytest.approx(own["words"][3] / 8.0)
    assert np.abs(own["words"][:3] - words[:3]).max() < 0.1


def test_words_stand_still_outside_of_training(make, images):
    model = make()
    before = weights(model.book)
    model.terms(images)
    model.diagnostics(images, model.noise)
    assert all(np.array_equal(before[name], value) for name, value in weights(model.book).items())


def test_a_uniform_prior_costs_the_logarithm_of_the_words(make, images):
    model = make(context=0)
    exact = 3 * math.log(8)
    assert numpy(model.terms(images).rate) == pytest.approx(exact, rel=rounding.relative(8, 3, 4))
    # learned probabilities are dearer than that for some codes, and dearer than the entropy on average
    assert numpy(unsettled(model).terms(images).rate).max() > exact


@pytest.fixture(params=[0, 4], ids=["independent", "autoregressive"])
def small(request: pytest.FixtureRequest, make: Callable[..., VQVAE]) -> VQVAE:
    return unsettled(make(words=3, context=request.param))


def all_codes(model: VQVAE) -> tuple[np.ndarray, np.ndarray]:
    indices = np.array(list(itertools.product(range(3), repeat=3)), "int32")
    return indices, numpy(model.prior.log_prob(model.book.code(ops.convert_to_tensor(indices)))).astype("float64")


def test_the_prior_is_a_distribution_over_all_codes(small):
    indices, found = all_codes(small)
    assert np.exp(found).sum() == pytest.approx(1.0, rel=rounding.relative(27, 3, 4, condition=4.0))
    if small.choices.depends:
        assert found == pytest.approx(log_prior(small.choices, indices), rel=1e-5)
        assert np.ptp(found[indices[:, 2] == 0] - found[indices[:, 2] == 1]) > 0.1, (
            "the last word depends on the others"
        )
    else:
        alone = special.log_softmax(weights(small.choices)["bias"], axis=1)
        assert found == pytest.approx(alone[np.arange(3), indices].sum(axis=1), rel=1e-5)


def test_new_codes_come_as_often_as_the_prior_says(small):
    indices, log_probs = all_codes(small)
    count = 20_000
    drawn = numpy(small.book.indices(small.prior.sample(count, keras.random.SeedGenerator(0))))
    found = np.bincount(drawn @ [9, 3, 1], minlength=27)
    probabilities = np.exp(log_probs)
    assert np.array_equal(indices @ [9, 3, 1], np.arange(27))
    assert stats.chisquare(found, count * probabilities / probabilities.sum()).pvalue > 1e-3


def test_the_posterior_is_one_code(make, images):
    model = unsettled(make())
    posterior = model.encode(images)
    codes = posterior.sample(model.noise)
    words = {tuple(word) for word in numpy(model.book.words.value)}
    assert {tuple(part) for part in numpy(codes).reshape(-1, 2)} <= words
    assert not numpy(posterior.log_prob(codes)).any()
    assert np.isneginf(numpy(posterior.log_prob(codes + 0.1))).all()
    assert np.array_equal(numpy(model.rate(posterior, codes)), -numpy(model.prior.log_prob(codes)))


def test_perplexity_is_of_the_words_in_use(make, images):
    model = make()
    found = numpy(model.diagnostics(images, model.noise)["code_perplexity"])
    indices = numpy(model.encode(images).indices)
    shares = [np.bincount(column, minlength=8) / len(images) for column in indices.T]
    assert found == pytest.approx(np.full(50, np.mean([np.exp(stats.entropy(share)) for share in shares])), rel=1e-5)
    assert 1.0 < found[0] <= 8.0


@pytest.mark.parametrize(("name", "least"), [("words", 2), ("width", 1), ("context", 0)])
def test_bad_settings_are_refused(name, least):
    with pytest.raises(ValueError, match=f"`{name}` must be at least {least}. Received: {name}={least - 1}"):
        VQVAE(2, **{name: least - 1})
