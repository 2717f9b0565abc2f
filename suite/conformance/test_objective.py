"""What the objective and its parts are worth, held against NumPy and against what the variant says of itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from aebench.conformance import rounding
from aebench.conformance.differentiation import stateless_loss
from aebench.conformance.subject import COMBINATIONS, LATENT, STEPS, Subject, given, move, numpy, set_noise

REPEATS = 32  # codes of each image in a mean over codes and images
FEW, CODES = 16, 1024  # images, and codes of each where each image is judged
ERRORS = 4.0  # standard errors that a mean may be off by


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_distortion_is_a_sum_over_pixels(subject: Subject, combination: tuple[str, str], images: np.ndarray) -> None:
    """-log p(x|z) by NumPy from the decoder's output, in float64."""
    model = subject.adapted(images, *combination)
    codes = model.encode(images).sample(model.noise)
    parts = _minus_log_probs(model, images, numpy(model.decode(codes)))
    expected = parts.sum(axis=(0, 2))
    size = np.abs(parts).sum(axis=(0, 2))  # what is added up, without its signs
    # A sum over pixels of functions of a function; that of a continuous Bernoulli cancels to half of it.
    bound = rounding.relative(parts.shape[2], 4, 4, condition=2.0) * size
    assert np.all(np.abs(numpy(model.distortion(images, codes)) - expected) <= bound)


def _minus_log_probs(model: Any, images: np.ndarray, output: np.ndarray) -> np.ndarray:
    """The terms of -log p of pixels, `(terms, batch, pixels)`, under the model's likelihood."""
    x, l = (array.reshape(len(images), -1).astype("float64") for array in (images, output))  # noqa: E741
    if model.likelihood_name == "gaussian":
        log_var = numpy(model.likelihood.log_var)
        return 0.5 * np.stack([(x - l) ** 2 * np.exp(-log_var), np.full_like(l, log_var + math.log(2.0 * math.pi))])
    bernoulli = [-x * l, np.logaddexp(0.0, l)]
    if model.likelihood_name == "bernoulli":
        return np.stack(bernoulli)
    away = np.where(np.abs(l) < 1e-4, 1.0, l)  # C = l / tanh(l/2), which is 2 at 0
    log_normaliser = np.where(np.abs(l) < 1e-4, math.log(2.0), np.log(away / np.tanh(0.5 * away)))
    return np.stack([*bernoulli, -log_normaliser])


def test_reported_distortion_and_rate_are_means_over_codes(subject: Subject, images: np.ndarray) -> None:
    """`terms` outside of training tells -log p(x|z) and the rate at codes drawn from the posterior."""
    model, many = subject.moved(images), np.repeat(images, REPEATS, axis=0)
    set_noise(model)
    terms, posterior = model.terms(many), model.encode(many)
    codes = posterior.sample(model.noise)
    _same_mean(terms.distortion, model.distortion(many, codes))
    if model.has_posterior:
        _same_mean(terms.rate, model.rate(posterior, codes))


def _same_mean(reported: Any, expected: Any) -> None:
    """Means over codes of each image, `(images * REPEATS,)`, agree up to the errors of both."""
    one, other = (numpy(part).reshape(-1, REPEATS) for part in (reported, expected))
    variance = sum(part.var(axis=1, ddof=1).mean() for part in (one, other)) / one.size
    # Sums over pixels, codes, pixels and images, where there is no noise to hide them.
    bound = ERRORS * math.sqrt(variance) + rounding.relative(64, LATENT, 64, one.size, condition=2.0) * one.mean()
    assert abs(one.mean() - other.mean()) <= bound


def test_rate_is_the_posterior_s_divergence_from_the_prior(subject: Subject, images: np.ndarray) -> None:
    """E[log q(z|x) - log p(z)] over codes of each image's posterior, by Monte Carlo, where both have a density."""
    model, few = subject.moved(images), images[:FEW]
    many = np.repeat(few, CODES, axis=0)
    posterior, prior = model.encode(many), model.prior
    if not (model.has_posterior and hasattr(posterior, "log_prob") and hasattr(prior, "log_prob")):
        pytest.skip("no densities")
    set_noise(model)
    codes = posterior.sample(model.noise)
    log_q, log_p = numpy(posterior.log_prob(codes)), numpy(prior.log_prob(codes))
    apart = (numpy(model.rate(posterior, codes)) - (log_q - log_p)).reshape(FEW, CODES)
    # The log-densities' sums over the code's numbers, made of functions of functions of sums over pixels.
    size = (np.abs(log_q) + np.abs(log_p)).reshape(FEW, CODES).mean(axis=1)
    rounded = rounding.relative(64, model.code_dim, 4, 4, condition=2.0) * size
    squares = apart.mean(axis=1) ** 2 / (apart.var(axis=1, ddof=1) / CODES + rounded**2)
    # Each is about the square of a standard normal, of mean 1 and variance 2.
    assert squares.mean() <= 1.0 + ERRORS * math.sqrt(2.0 / FEW)
    assert abs(apart.mean()) <= ERRORS * math.sqrt(apart.var(axis=1, ddof=1).mean() / apart.size) + rounded.mean()


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_objective_sums_over_pixels(
    subject: Subject, training: bool, images: np.ndarray, labels: np.ndarray, gradients: Callable[..., Any]
) -> None:
    """Its gradient for the output's bias is that of the distortion summed over pixels, mean over images.

    Under the Bernoulli likelihood that is E[sigmoid(l) - x] at logits l, here about ½ - x. Means over pixels are off by
    a factor of 64, a weight of 2 by 2; bounds of several codes, which weigh them, by a few percent.
    """
    model = subject.moved(images)
    if model.not_on_pixels:
        pytest.skip(model.not_on_pixels)
    set_noise(model)
    found = gradients(model, images, training=training, **(given(model, labels) if training else {}))[1]
    set_noise(model)
    logits = numpy(model.decode(model.encode(images).sample(model.noise)))
    expected = (1.0 / (1.0 + np.exp(-logits)) - images).mean(axis=0)
    gradient = found[model.output_bias.path]
    assert gradient is not None
    weight = (gradient * expected).sum() / (expected**2).sum()
    assert weight == pytest.approx(1.0, abs=0.1)
    assert np.linalg.norm(gradient - weight * expected) <= 0.3 * np.linalg.norm(expected)


def test_rate_warm_up_is_heard(subject: Subject, images: np.ndarray, labels: np.ndarray) -> None:
    """The rate's weight is `self.annealed(weight, training)`: less at first, in full at the end and in evaluation."""
    if not subject.cls.has_posterior:
        with pytest.raises(ValueError, match="`rate_warmup` needs a rate"):
            subject.make(rate_warmup=0.5, training_steps=STEPS)
        return
    model = subject.make(rate_warmup=0.5, training_steps=STEPS)
    model.build((None, *images.shape[1:]))
    move(model)

    def loss(step: float, training: bool) -> float:
        model.steps.assign(step)
        set_noise(model)
        known = given(model, labels) if training else {}
        return float(stateless_loss(model, images, [], [], training=training, **known))

    first, half_way, last = (loss(step, training=True) for step in (0.0, 0.25 * STEPS, STEPS))
    assert len({first, half_way, last}) == 3, "the objective does not follow the rate's schedule"
    assert loss(0.0, training=False) == loss(STEPS, training=False)


def test_objective_at_given_values_is_that_of_assigned_values(
    subject: Subject, images: np.ndarray, labels: np.ndarray
) -> None:
    """Under `StatelessScope`, as engines train cohorts, nothing of the model itself is read or changed."""
    model, rng = subject.make(), np.random.default_rng(0)
    model.adapt(images)
    variables = [*model.weights, model.noise.state]
    before = [ops.convert_to_numpy(variable.value) for variable in variables]
    seed = before[-1] + np.array([7, 0], before[-1].dtype)
    values = [value + rng.uniform(0.0, 0.1, value.shape).astype(value.dtype) for value in before[:-1]] + [seed]
    tensors = [ops.convert_to_tensor(value, dtype=value.dtype.name) for value in values]
    known = given(model, labels)
    there = float(ops.convert_to_numpy(stateless_loss(model, images, variables, tensors, **known)))
    after = [ops.convert_to_numpy(variable.value) for variable in variables]
    changed = [v.path for v, one, other in zip(variables, before, after, strict=True) if not np.array_equal(one, other)]
    assert changed == []
    here = float(ops.convert_to_numpy(stateless_loss(model, images, [], [], **known)))
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    # Sums over pixels, latent dimensions, pixels and images; what they add up without signs is 1.3 of the objective on
    # the way to the decoder's output, and 1.9 of it in the likelihood.
    same = rounding.relative(64, LATENT, 64, len(images), condition=2.0)
    assert float(ops.convert_to_numpy(model.compute_loss(images, **known))) == pytest.approx(there, rel=same)
    assert here != pytest.approx(there, rel=1e-3)


@rounding.bfloat16
def test_mixed_precision_keeps_the_objective_in_full(subject: Subject, images: np.ndarray) -> None:
    """Trunks compute in bfloat16; posteriors, codes and losses do not, and are what they are in float32 up to that."""
    full = subject.adapted(images)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = subject.make()
        mixed.adapt(images)
    finally:
        keras.config.set_dtype_policy("float32")
    for model in (full, mixed):
        set_noise(model)
    terms, reference = mixed.terms(images), full.terms(images)
    assert mixed.encoder.compute_dtype == "bfloat16"
    parts = [terms.objective, terms.distortion, *([terms.rate] if mixed.has_posterior else [])]
    assert {keras.backend.standardize_dtype(part.dtype) for part in parts} == {"float32"}
    assert numpy(terms.objective).mean() == pytest.approx(numpy(reference.objective).mean(), rel=0.02)
