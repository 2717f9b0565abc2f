"""Codes that all images share, against exact likelihoods, quadrature, and weights written out in NumPy."""

from __future__ import annotations

import math
from functools import cache

import keras
import numpy as np
import pytest
import rounding
from scipy.special import logsumexp
from scipy.stats import multivariate_t, norm

from aebench.backends.weights import get_weights
from aebench.measures.evaluator import Evaluator
from aebench.measures.importance_bound import importance_bound
from aebench.measures.shared_codes import AT_ONCE, BATCHES, DEGREES, WIDE, WIDER, SharedProposal, SharedWeights
from aebench.measures.shared_weights import SharedDraws, in_chunks
from aebench.measures.validity.linear_gaussian import PIXELS, SHAPE, LinearGaussian
from aebench.models import VAE
from aebench.models.likelihoods import LIKELIHOODS

RNG = np.random.default_rng
FAMILIES = sorted(name for name, likelihood in LIKELIHOODS.items() if likelihood.exponential_family)


def values_of(name, rng, count):
    """Images that the likelihood has a density for."""
    found = {"unit": rng.integers(0, 2, (count, *SHAPE)), "counts": rng.poisson(3.0, (count, *SHAPE))}
    return found.get(LIKELIHOODS[name].takes[0], rng.normal(size=(count, *SHAPE))).astype("float32")


@pytest.mark.parametrize("name", FAMILIES)
def test_natural_parameters_tell_every_pair_s_log_prob(name):
    rng, likelihood = RNG(0), LIKELIHOODS[name]()
    likelihood.build((None, *SHAPE))
    for weight in likelihood.weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    images, parameters = values_of(name, rng, 5), rng.normal(0.0, 2.0, (7, *SHAPE)).astype("float32")
    tensor = keras.ops.convert_to_tensor
    natural, log_partition = map(keras.ops.convert_to_numpy, likelihood.natural(tensor(parameters)))
    base = keras.ops.convert_to_numpy(likelihood.log_base(tensor(images)))
    found = images.reshape(5, -1) @ natural.reshape(7, -1).T - log_partition + base[:, None]
    each = [likelihood.log_prob(tensor(images), tensor(np.repeat(one[None], 5, axis=0))) for one in parameters]
    expected = np.stack([keras.ops.convert_to_numpy(one) for one in each], axis=1)
    size = np.abs(images).reshape(5, -1) @ np.abs(natural).reshape(7, -1).T + np.abs(log_partition) + abs(base[:, None])
    assert (np.abs(found - expected) <= 4.0 * rounding.relative(PIXELS, 8) * size).all()


def test_likelihoods_of_which_pixels_share_no_product_are_not_taken_for_exponential_families():
    assert {"bernoulli", "gaussian", "poisson"} <= {*FAMILIES}
    assert "student_t" not in FAMILIES
    assert "discretised_logistics" not in FAMILIES


@pytest.fixture(params=[1, 2])
def proposal(request):
    rng = RNG(request.param)
    return SharedProposal(rng.normal(0.0, 2.0, (70, request.param)), rng.uniform(0.05, 0.4, (70, request.param)))


def log_density(proposal, codes):
    """Of the whole mixture, by SciPy."""
    near = norm(proposal.mean, WIDER * proposal.sd).logpdf(codes[:, None]).sum(axis=2)
    spread = np.atleast_2d(np.cov(proposal.mean.T, ddof=0)) + np.diag((proposal.sd**2).mean(axis=0) + 1.0)
    wide = multivariate_t(proposal.mean.mean(axis=0), spread, DEGREES).logpdf(codes)
    near = logsumexp(near, axis=1) - math.log(len(proposal.mean))
    return np.logaddexp(math.log(1.0 - WIDE) + near, math.log(WIDE) + np.atleast_1d(wide))


def test_codes_have_the_density_that_is_told(proposal):
    """So that weights integrate what is known: densities near and wide, and their second moments."""
    batches = [proposal.drawn(seed, 0, 1024) for seed in range(20)]
    for sd in (0.3, 1.0, 2.0):
        target = norm(0.5, sd)
        found = []
        for codes, log_wide in batches:
            codes = codes.astype(float)
            np.testing.assert_allclose(log_wide, log_wide_density(proposal, codes), rtol=1e-5, atol=1e-5)
            weights = np.exp(target.logpdf(codes).sum(axis=1) - log_density(proposal, codes))
            found.append([weights.mean(), (weights * (codes[:, 0] - 0.5) ** 2).mean()])
        found = np.array(found)
        errors = found.std(axis=0, ddof=1) / math.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - [1.0, sd**2]) < 4.5 * errors + 1e-6).all()
        assert errors.max() < 0.1 * sd**2 + 0.05


def log_wide_density(proposal, codes):
    """The t-distribution alone."""
    spread = np.atleast_2d(np.cov(proposal.mean.T, ddof=0)) + np.diag((proposal.sd**2).mean(axis=0) + 1.0)
    return np.atleast_1d(multivariate_t(proposal.mean.mean(axis=0), spread, DEGREES).logpdf(codes))


def test_a_sequence_goes_on_where_it_ended(proposal):
    codes, log_wide = proposal.drawn(3, 0, 1024)
    parts = [proposal.drawn(3, start, 256) for start in range(0, 1024, 256)]
    np.testing.assert_array_equal(codes, np.concatenate([one for one, _ in parts]))
    np.testing.assert_array_equal(log_wide, np.concatenate([one for _, one in parts]))
    assert (proposal.drawn(4, 0, 1024)[0] != codes).all()


def test_codes_lie_more_evenly_than_independent_ones(proposal):
    """How often each half of the line is met, between sequences: as a coin's if codes were independent."""
    half = np.median(proposal.drawn(99, 0, 4096)[0][:, 0])
    met = [(proposal.drawn(seed, 0, 256)[0][:, 0] < half).mean() for seed in range(40)]
    assert np.std(met, ddof=1) < 0.5 * 0.5 / math.sqrt(256)


@cache
def evaluator_of(size, likelihood):
    model = VAE(size, network="mlp-256", likelihood=likelihood)
    model.build((None, *SHAPE))
    return Evaluator(model)


def dense(size=2, seed=0, likelihood="bernoulli"):
    evaluator, rng = evaluator_of(size, likelihood), RNG(seed)
    weights = get_weights(evaluator.model)
    return evaluator, {n: (value + rng.normal(0, 0.2, value.shape)).astype("float32") for n, value in weights.items()}


@pytest.fixture(scope="module")
def images():
    return (RNG(0).random((50, *SHAPE)) > 0.6).astype("float32")


def test_weights_are_those_of_numpy_for_every_image_and_code(images, monkeypatch):
    """In parts of 20 images, the last of which is filled up."""
    for module in ("shared_weights", "programs"):
        monkeypatch.setattr(f"aebench.measures.{module}.CHUNK", 20)
    _, weights = dense()
    model = VAE(2, network="mlp-256")
    model.build((None, *SHAPE))
    evaluator = Evaluator(model)
    runs = evaluator.load([weights])
    mean, log_var = (part[0].astype(float) for part in evaluator.gaussians(runs, images))
    proposal = SharedProposal(mean, np.exp(0.5 * log_var))
    draws = [SharedDraws.of(0, proposal, batch, start) for batch, start in ((0, 0), (0, 256), (5, 0))]
    sums, squares = evaluator.shared_log_weight_sums(runs, images, draws)
    w = {name: value.astype(float) for name, value in weights.items()}
    for draw, found, found_squares in zip(draws, sums, squares, strict=True):
        codes = draw.codes.astype(float)
        hidden = np.maximum(codes @ w["decoder/hidden_0/kernel"] + w["decoder/hidden_0/bias"], 0)
        logits = hidden @ w["decoder/output/kernel"] + w["output_bias"].ravel()
        log_p = images.reshape(50, -1) @ logits.T - np.logaddexp(0, logits).sum(axis=1)
        log_w = log_p + norm.logpdf(codes).sum(axis=1) - log_density(proposal, codes)
        close = rounding.relative(PIXELS, 8, 256) * 40.0  # nats of a log-weight's terms, without their signs
        np.testing.assert_allclose(found, logsumexp(log_w, axis=1), atol=close)
        np.testing.assert_allclose(found_squares, logsumexp(2.0 * log_w, axis=1), atol=2.0 * close)


def test_images_are_filled_up_to_whole_parts(monkeypatch):
    monkeypatch.setattr("aebench.measures.shared_weights.CHUNK", 4)
    parts = in_chunks(np.arange(6.0), np.inf)
    np.testing.assert_array_equal(parts, [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, np.inf, np.inf]])
    np.testing.assert_array_equal(in_chunks(np.arange(3.0)), [[0.0, 1.0, 2.0]])


def mirrored():
    """x = |z| v + noise, of which the encoder knows the positive code alone: every posterior has two modes."""
    evaluator, _ = dense(1, likelihood="gaussian")
    weights = {name: np.zeros_like(value) for name, value in get_weights(evaluator.model).items()}
    direction, noise = np.full(PIXELS, 0.25), 0.05
    weights["encoder/hidden_0/kernel"][:, 0] = direction
    weights["mean/kernel"][0] = 1.0
    weights["log_var/bias"][:] = 2.0 * math.log(noise)
    weights["decoder/hidden_0/kernel"][0, :2] = 1.0, -1.0
    weights["decoder/output/kernel"][:2] = direction
    weights["likelihood/log_var"] = np.float32(2.0 * math.log(noise))
    rng = RNG(7)
    flat = np.abs(rng.normal(0.0, 1.0, (100, 1))) * direction + rng.normal(0.0, noise, (100, PIXELS))
    grid = np.linspace(-6.0, 6.0, 20001)
    log_joint = norm.logpdf(grid) + norm.logpdf(flat[:, None], np.abs(grid)[:, None] * direction, noise).sum(axis=2)
    exact = logsumexp(log_joint, axis=1) + math.log(grid[1] - grid[0])
    return evaluator, weights, flat.reshape(100, *SHAPE).astype("float32"), exact


def test_a_mode_that_no_encoder_knows_of_is_met(monkeypatch):
    evaluator, weights, images, exact = mirrored()
    (found,) = importance_bound(evaluator, evaluator.load([weights]), images, 0.01, 1024)
    assert abs(found.log_likelihood.mean() - exact.mean()) < found.error < 0.05
    monkeypatch.setattr(evaluator, "shares_codes", False)
    (own,) = importance_bound(evaluator, evaluator.load([weights]), images, 0.01, 1024)
    assert exact.mean() - own.log_likelihood.mean() > 0.1  # up to ln 2 of images whose modes are far apart
    assert own.error > 10.0 * found.error


@pytest.mark.parametrize("size", [1, 2])
def test_linear_models_have_likelihoods_within_the_error_that_is_told(size, monkeypatch):
    """Their encoders are wrong in many ways; those of a group share images and codes, and so their luck."""
    rng, covered = RNG(size), []
    for group in range(20):
        models = [LinearGaussian(size, wider, shift) for wider, shift in rng.uniform((0.4, 0.0), (1.8, 1.5), (5, 2))]
        images = models[0].images(60, seed=group)
        monkeypatch.setattr("aebench.measures.shared_weights.FIXED_SEED", group)
        evaluator = models[0].evaluator
        found = importance_bound(evaluator, evaluator.load([one.as_run() for one in models], 60), images, 0.03, 256)
        for model, it in zip(models, found, strict=True):
            off = abs(it.log_likelihood.mean() - model.log_likelihood(images).mean())
            covered.append((off <= it.error, off < 2.0 * it.error, it.error < 0.15))
    within, nearly, told = np.array(covered).mean(axis=0)
    assert within >= 0.95
    assert nearly == told == 1.0


def test_images_whose_posteriors_few_codes_meet_get_codes_of_their_own(monkeypatch):
    monkeypatch.setattr("aebench.measures.importance_bound.MOST", BATCHES * AT_ONCE)
    model = LinearGaussian(2, wider=1.0, shift=0.0, variance=1e-3)
    images = model.images(200)
    (found,) = importance_bound(model.evaluator, model.loaded(), images, 1e-3, 1024)
    assert found.codes.mean() <= 1024 < BATCHES * AT_ONCE
    assert abs(found.log_likelihood.mean() - model.log_likelihood(images).mean()) < found.error


def test_a_run_has_alone_the_numbers_that_it_has_in_company(images):
    evaluator, first = dense()
    cohort = [first, dense(seed=1)[1], dense(seed=2)[1]]
    together = importance_bound(evaluator, evaluator.load(cohort), images, 0.05, 512)
    for run, weights in zip(together, cohort, strict=True):
        (alone,) = importance_bound(evaluator, evaluator.load([weights]), images, 0.05, 512)
        np.testing.assert_array_equal(run.codes, alone.codes)
        np.testing.assert_allclose(run.log_likelihood, alone.log_likelihood, rtol=rounding.relative(PIXELS, 8, 256))


def test_a_diverged_run_spoils_no_other(images):
    evaluator, weights = dense()
    broken = {name: np.full_like(value, np.nan) for name, value in weights.items()}
    spoilt, whole = importance_bound(evaluator, evaluator.load([broken, weights]), images, 0.05, 128)
    assert np.isnan(spoilt.log_likelihood).all()
    assert np.isfinite(whole.log_likelihood).all()


def test_a_decoder_that_diverged_has_no_number(images):
    evaluator, weights = dense()
    weights["decoder/output/kernel"] = np.full_like(weights["decoder/output/kernel"], np.nan)
    (found,) = importance_bound(evaluator, evaluator.load([weights]), images, 0.05, 128)
    assert np.isnan(found.log_likelihood).all()


def test_where_shared_codes_give_no_number_those_of_each_image_may(images, monkeypatch):
    evaluator, weights = dense()
    runs = evaluator.load([weights])
    nothing = lambda runs, images, draws: np.full((2, len(draws), len(images)), np.nan)  # noqa: E731
    monkeypatch.setattr(evaluator, "shared_log_weight_sums", nothing)
    (found,) = importance_bound(evaluator, runs, images, 0.05, 128)
    assert np.isfinite(found.log_likelihood).all()
    assert np.isfinite(found.error)


def test_codes_double_and_every_batch_goes_on_where_it_was():
    weights = SharedWeights(3)
    seen = {batch: [] for batch in range(BATCHES)}
    for turn in range(4):
        for batch, start in weights.wanted():
            seen[batch].append(start)
        assert weights.codes == BATCHES * AT_ONCE * 2**turn
        for starts in seen.values():
            assert starts == [*range(0, weights.codes // BATCHES, AT_ONCE)]


def test_equal_weights_have_no_error_and_one_weight_that_carries_all_has_a_large_one():
    weights = SharedWeights(4)
    for batch, _ in weights.wanted():
        weights.add(batch, np.full(4, math.log(AT_ONCE) - 7.0), np.full(4, math.log(AT_ONCE) - 14.0))
    np.testing.assert_allclose(weights.bound(), -7.0)
    np.testing.assert_allclose(weights.bound(2), -7.0)
    assert weights.error().total == pytest.approx(0.0, abs=1e-9)
    weights.add(2, np.full(4, 20.0), np.full(4, 40.0))
    assert weights.error().total > 1.0
    np.testing.assert_allclose(weights.variances(), 1.0, rtol=1e-6)  # all in one of eight batches
