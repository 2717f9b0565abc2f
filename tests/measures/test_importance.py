"""The importance-weighted likelihood against exact marginal likelihoods and against weights written out in NumPy."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import keras
import numpy as np
import pytest
import rounding
from scipy.special import ive, logsumexp
from scipy.stats import multivariate_t

from aebench.backends.weights import get_weights, set_weights
from aebench.measures import METRICS
from aebench.measures.evaluator import Evaluator
from aebench.measures.fitted import Fitted
from aebench.measures.importance_bound import fitted, importance_bound, states
from aebench.measures.importance_weights import START, STEP, remaining_error
from aebench.measures.proposals import DEGREES, FAR, WIDER
from aebench.measures.speed import memory
from aebench.measures.validity.linear_gaussian import PIXELS, SHAPE, LinearGaussian
from aebench.models import AE, VAE, HypersphericalVAE
from aebench.models.sphere import VonMisesFisher

CODES = 2048
# Bound of a log-weight of `LinearGaussian`: its sums over 16 pixels, of functions of sums over up to 8 numbers, are 230
# nats in these tests without their signs.
LOG_WEIGHT = rounding.relative(PIXELS, 8) * 230.0


@cache
def linear_gaussian(*arguments, **options):
    return LinearGaussian(*arguments, **options)


def bound(linear, images, codes, tolerance=0.0):
    return importance_bound(linear.evaluator, linear.loaded(), images, tolerance, codes)[0]


@pytest.fixture
def as_encoded(monkeypatch):
    """Proposals are the encoder's own posteriors, with the tails that all have."""
    monkeypatch.setattr("aebench.measures.proposals.ROUNDS", 0)
    monkeypatch.setattr("aebench.measures.proposals.WIDER", 1.0)


def mean_and_error(values):
    return values.mean(), values.std(ddof=1) / math.sqrt(len(values))


@pytest.mark.parametrize("size", [2, 5])
def test_2048_codes_from_a_wrong_posterior_find_the_exact_likelihood_that_the_elbo_misses(size):
    linear = linear_gaussian(size)
    images = linear.images(200)
    found = bound(linear, images, CODES)
    exact = linear.log_likelihood(images)
    assert linear.elbo_gap() > 0.1
    assert abs(found.log_likelihood.mean() - exact.mean()) < found.error < 0.01
    assert set(found.codes) == {CODES}


@pytest.mark.usefixtures("as_encoded")
def test_the_bound_rises_with_every_code_in_expectation_and_stays_below_the_likelihood():
    linear = linear_gaussian(4, wider=1.0, shift=1.2)
    images = np.repeat(linear.images(1), 4000, axis=0)
    bounds = [bound(linear, images, codes).log_likelihood for codes in (64, 128, 256)]
    for fewer, more in pairwise(bounds):
        rise, se = mean_and_error(more - fewer)
        assert rise > 4 * se
    shortfall, se = mean_and_error(linear.log_likelihood(images[:1]) - bounds[-1])
    assert -3 * se < shortfall


@pytest.mark.parametrize(("wider", "shift"), [(0.7, 0.0), (1.0, 0.5), (1.6, 0.3)])
@pytest.mark.parametrize("size", [3, 5])
def test_proposals_are_fitted_to_the_exact_posterior_with_its_correlations(size, wider, shift):
    """Newton's steps end at once where the posterior is a Gaussian: what is left is rounding of slopes."""
    linear = linear_gaussian(size, wider, shift)
    fit = fitted(linear.evaluator, linear.loaded(), [0], linear.images(20))[0]
    found = fit.factor @ np.swapaxes(fit.factor, 1, 2) * (np.outer(linear.sd, linear.sd) * WIDER**-2)
    # Slopes are sums of the same terms as log-weights, and what is made of them passes on their errors by the condition
    # of the covariance.
    close = LOG_WEIGHT * np.linalg.cond(linear.posterior)
    np.testing.assert_allclose(found, np.tile(linear.posterior, (20, 1, 1)), atol=close * linear.posterior.max())
    np.testing.assert_allclose(fit.shift, np.full((20, size), -shift / wider), atol=close)


def test_a_fitted_proposal_has_the_density_that_it_says(images):
    """Its log-density against SciPy's multivariate t, at its own draws; their spread against its own."""
    evaluator, weights = dense()
    set_weights(evaluator.model, weights)
    rng = np.random.default_rng(3)
    shift = rng.normal(size=(50, 3)).astype("float32")
    factor = np.tril(rng.normal(0, 0.3, (50, 3, 3)) + np.eye(3)).astype("float32")
    factor[:, range(3), range(3)] = np.abs(factor[:, range(3), range(3)]) + 0.1
    posterior = evaluator.model.encode(images)
    mean, sd = (np.asarray(part, float) for part in (posterior.mean, np.exp(0.5 * np.asarray(posterior.log_var))))
    codes, log_probs = Fitted(posterior, shift, factor).drawn(keras.random.SeedGenerator(0))
    share, width = FAR
    for image in range(50):
        scale = sd[image][:, None] * factor[image].astype(float)
        center = mean[image] + sd[image] * shift[image]
        parts = [multivariate_t(center, scale @ scale.T * far**2, DEGREES).logpdf(codes[image]) for far in (1.0, width)]
        expected = np.logaddexp(math.log(1.0 - share) + parts[0], math.log(share) + parts[1])
        assert float(log_probs[image]) == pytest.approx(expected, abs=1e-4 * (1.0 + abs(expected)))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize(("concentration", "target"), [(1.2, 0.5), (5.0, 2.0), (30.0, 20.0)])
def test_a_fitted_proposal_on_a_sphere_has_the_density_that_it_says(size, concentration, target):
    """Weights of a von Mises-Fisher distribution have its normaliser for their mean: SciPy's Bessel function."""
    rng, count = np.random.default_rng(size), 5_000
    centre, mean = np.eye(size + 1)[0], np.eye(size + 1)[0] + 0.3 * np.eye(size + 1)[1]
    mean = np.tile((mean / np.linalg.norm(mean)).astype("float32"), (count, 1))
    posterior = VonMisesFisher.of(keras.ops.convert_to_tensor(mean), keras.ops.full((count, 1), concentration))
    factor = (np.tril(rng.normal(0, 0.2, (size, size))) + np.eye(size)).astype("float32")
    shift = rng.normal(0, 0.2, size).astype("float32")
    fit = Fitted(posterior, np.tile(shift, (count, 1)), np.tile(factor, (count, 1, 1)))
    codes, log_probs = (np.asarray(part, float) for part in fit.drawn(keras.random.SeedGenerator(0)))
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1.0, atol=1e-5)
    weights = np.exp(target * (codes @ centre - 1.0) - log_probs)
    half = (size + 1) / 2
    exact = (2.0 * math.pi) ** half * ive(half - 1.0, target) / target ** (half - 1.0)
    assert abs(weights.mean() / exact - 1.0) < 4.0 * weights.std() / exact / math.sqrt(count)


@pytest.mark.parametrize("size", [2, 5])
def test_proposals_on_a_sphere_say_more_with_few_codes_than_the_encoders(size):
    """A decoder that is sure of what the encoder is not: codes as encoded leave much, fitted ones little."""
    model = HypersphericalVAE(size, network="linear", likelihood="gaussian")
    model.build((None, *SHAPE))
    evaluator, rng = Evaluator(model), np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.5, value.shape).astype("float32") if value.ndim else value - 1.0
               for name, value in get_weights(model).items()}  # fmt: skip
    images = rng.random((40, *SHAPE)).astype("float32")
    runs = evaluator.load([weights], len(images))
    (fitted_bound,) = importance_bound(evaluator, runs, images, 0.0, 256)
    evaluator.fits_proposals = False
    (encoded, reference) = (importance_bound(evaluator, runs, images, 0.0, codes)[0] for codes in (256, 16384))
    assert fitted_bound.error < 0.5 * encoded.error
    assert fitted_bound.log_likelihood.mean() > reference.log_likelihood.mean() - fitted_bound.error - reference.error


def hopeless(size):
    """Posteriors far too narrow: weights without a variance, and few of the large ones are ever met."""
    return linear_gaussian(size, wider=0.35, shift=1.0)


@pytest.mark.usefixtures("as_encoded")
@pytest.mark.parametrize("size", range(2, 9))
def test_a_bound_with_too_few_codes_says_so(size):
    linear = hopeless(size)
    images = linear.images(200)
    found = bound(linear, images, 64)
    off = linear.log_likelihood(images).mean() - found.log_likelihood.mean()
    assert off > 0.05
    assert found.error > 0.05


@cache
def evaluator_of(cls, floatx):
    model = cls(3, network="mlp-256")
    model.build((None, *SHAPE))
    return Evaluator(model)


def dense(seed=0, cls=VAE):
    """An evaluator in Keras's present precision, and weights in float32."""
    evaluator, rng = evaluator_of(cls, keras.config.floatx()), np.random.default_rng(seed)
    weights = get_weights(evaluator.model)
    return evaluator, {n: (value + rng.normal(0, 0.2, value.shape)).astype("float32") for n, value in weights.items()}


@pytest.fixture(scope="module")
def images():
    return (np.random.default_rng(0).random((50, *SHAPE)) > 0.6).astype("float32")


@pytest.mark.usefixtures("as_encoded")
def test_uniform_decoder_and_prior_posterior_cost_ln_2_a_pixel(images):
    evaluator, weights = dense()
    zero = {name: np.zeros_like(value) for name, value in weights.items()}
    found = importance_bound(evaluator, evaluator.load([zero]), images, 0.01, 1024)[0]
    off = -PIXELS * math.log(2.0) - found.log_likelihood.mean()  # all that is left is what heavier tails do
    assert abs(off) < 2.0 * found.error < 0.05  # four standard errors


def numpy_points(generator, count, size):
    """Points of as many standard proposals, `(count, size)`, from the harness's noise, and their log-densities."""
    normal, uniform = (keras.ops.convert_to_numpy(drawn).astype("float64") for drawn in (
        keras.random.normal((count, size), seed=generator),
        keras.random.uniform((count, 1 + DEGREES // 2), 1e-7, 1.0, seed=generator),
    ))  # fmt: skip
    share, width = FAR
    chi_squared = -2.0 * np.log(uniform[:, 1:]).sum(axis=1)  # a sum of exponential draws
    points = normal * (np.where(uniform[:, 0] < share, width, 1.0) / np.sqrt(chi_squared / DEGREES))[:, None]
    log_probs = [multivariate_t(np.zeros(size), far**2 * np.eye(size), DEGREES).logpdf(points) for far in (1.0, width)]
    return points, np.logaddexp(math.log(1.0 - share) + log_probs[0], math.log(share) + log_probs[1])


def numpy_log_weights(weights, images, points, log_probs):
    """log p(x, z) - log q(z|x) of a bernoulli mlp-256 VAE in float64, for `points` `(n, 3)` of standard proposals."""
    w = {name: value.astype("float64") for name, value in weights.items()}
    pixels = images.reshape(len(images), -1).astype("float64")
    hidden = np.maximum(pixels @ w["encoder/hidden_0/kernel"] + w["encoder/hidden_0/bias"], 0)
    mean = hidden @ w["mean/kernel"] + w["mean/bias"]
    sd = np.exp((hidden @ w["log_var/kernel"] + w["log_var/bias"]) / 2)
    codes = mean + sd * points
    hidden = np.maximum(codes @ w["decoder/hidden_0/kernel"] + w["decoder/hidden_0/bias"], 0)
    logits = hidden @ w["decoder/output/kernel"] + w["output_bias"].ravel()
    log_likelihood = -(pixels * np.logaddexp(0, -logits) + (1 - pixels) * np.logaddexp(0, logits)).sum(axis=1)
    return log_likelihood + (np.log(sd) - 0.5 * codes**2 - 0.5 * math.log(2.0 * math.pi)).sum(axis=1) - log_probs


@pytest.mark.usefixtures("in_float64", "as_encoded")
def test_weights_are_those_of_numpy_at_the_codes_of_the_harness_noise(images, monkeypatch):
    """In calls of 20 tasks, an image's 64 codes being four, one of each part."""
    monkeypatch.setattr("aebench.measures.importance_bound.CHUNK", 20)
    evaluator, weights = dense()
    found = importance_bound(evaluator, evaluator.load([weights]), images, 0.0, START)[0]

    generator, expected = keras.random.SeedGenerator(0), []
    places = np.repeat(np.arange(50), 4)
    for number, start in enumerate(range(0, 200, 20)):
        part, drawn = images[places[start : start + 20]], []
        for state in states("importance/0", number):
            generator.state.assign(state)
            drawn.append(numpy_log_weights(weights, part, *numpy_points(generator, 20, 3)))
        expected.append(np.stack(drawn))
    log_weights = np.concatenate(expected, axis=1).reshape(STEP, 50, 4).transpose(1, 2, 0)
    bound = lambda axes, count: logsumexp(log_weights, axis=axes) - math.log(count)  # noqa: E731
    whole, quarters = bound((1, 2), START), bound(2, STEP).mean(axis=1)
    halves = np.mean([logsumexp(log_weights[:, at : at + 2], axis=(1, 2)) for at in (0, 2)], axis=0) - math.log(32)
    variances = np.exp(log_weights - whole[:, None, None]).var(axis=(1, 2)) / START
    np.testing.assert_allclose(found.log_likelihood, whole, atol=1e-9)
    error = remaining_error([whole, halves, quarters], variances, 50, math.sqrt(variances.sum()) / 50)
    assert found.error == pytest.approx(error.total, rel=1e-7)  # up to 20 times the growth of bounds


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("tolerance", [0.0, 0.05])
def test_a_run_has_alone_the_numbers_that_it_has_in_company(images, tolerance):
    """Who needs how many codes is decided by each run's own, which rounding may not part by a whole step here."""
    evaluator, first = dense(0)
    cohort = [first, dense(1)[1], dense(2)[1]]
    together = importance_bound(evaluator, evaluator.load(cohort), images, tolerance, 512)
    for run, weights in zip(together, cohort, strict=True):
        alone = importance_bound(evaluator, evaluator.load([weights]), images, tolerance, 512)[0]
        np.testing.assert_array_equal(run.codes, alone.codes)
        np.testing.assert_allclose(run.log_likelihood, alone.log_likelihood, rtol=1e-9)
        assert run.error == pytest.approx(alone.error, rel=1e-6)
    assert np.abs(together[0].log_likelihood - together[1].log_likelihood).max() > 0.1


@pytest.mark.parametrize("tolerance", [0.0, 0.05])
def test_a_diverged_run_spoils_no_other(images, tolerance):
    evaluator, weights = dense()
    broken = {name: np.full_like(value, np.nan) for name, value in weights.items()}
    spoilt, whole = importance_bound(evaluator, evaluator.load([broken, weights]), images, tolerance, 128)
    assert np.isnan(spoilt.log_likelihood).all()
    assert np.isfinite(whole.log_likelihood).all()


class WithoutDensity:
    """A prior that can only be drawn from."""

    def sample(self, count, noise):
        return keras.random.normal((count, 3), seed=noise)


class ImplicitPrior(VAE):
    prior = WithoutDensity()


@pytest.mark.parametrize("cls", [AE, ImplicitPrior])
def test_without_a_density_there_is_no_bound(cls, images):
    evaluator, weights = dense(cls=cls)
    assert importance_bound(evaluator, evaluator.load([weights, weights]), images, 0.1, 64) == [None, None]


@pytest.mark.parametrize(("tolerance", "budget"), [(0.1, 63), (-0.1, 64)])
def test_too_few_codes_and_a_negative_tolerance_are_refused(images, tolerance, budget):
    evaluator, weights = dense()
    with pytest.raises(ValueError, match=f"Received: budget={budget}, tolerance={tolerance}"):
        importance_bound(evaluator, evaluator.load([weights]), images, tolerance, budget)


def test_memory_does_not_grow_with_the_number_of_codes():
    model = VAE(2, network="linear")
    model.build((None, 28, 28, 1))
    evaluator, codes = Evaluator(model), 1024
    runs = evaluator.load([get_weights(model)])
    images = np.ones((200, 28, 28, 1), "float32")
    importance_bound(evaluator, runs, images, 0.0, codes // 4)  # compiles
    held = memory.peak_from_now()()
    peak = memory.peak_from_now()
    importance_bound(evaluator, runs, images, 0.0, codes)
    if held is None:
        pytest.skip("this system does not tell a process's peak memory")
    assert peak() - held < 0.2 * codes * images.nbytes


@pytest.mark.parametrize("rounds", [0, 2])
def test_200_linear_models_have_likelihoods_within_the_error_that_is_told(rounds, monkeypatch):
    """Their encoders are wrong in many ways; those of a group of ten share images and noise, and so their luck."""
    monkeypatch.setattr("aebench.measures.proposals.ROUNDS", rounds)
    rng, off, error = np.random.default_rng(1), [], []
    for group in range(20):
        models = [linear_gaussian(4, wider, shift) for wider, shift in rng.uniform((0.5, 0.0), (1.8, 1.0), (10, 2))]
        images = models[0].images(60, seed=group)
        runs = [one.as_run() for one in models]
        monkeypatch.setattr("aebench.measures.programs.FIXED_SEED", group)
        evaluator = models[0].evaluator
        found = importance_bound(evaluator, evaluator.load(runs, len(images)), images, 0.02, 256)
        off.append([one.log_likelihood(images).mean() - it.log_likelihood.mean()
                    for one, it in zip(models, found, strict=True)])  # fmt: skip
        error.append([one.error for one in found])
    told, left = np.array(error), np.abs(off)
    covered, se = mean_and_error((left <= told).mean(axis=1))
    assert covered + 2.0 * se >= 0.95
    _, limit = METRICS["nll_nats"].certified_by
    certified = told <= limit
    assert (left < 2.0 * told)[certified].all()
    if rounds:  # posteriors are Gaussian
        assert certified.all()
    else:
        assert 0.1 < certified.mean() < 0.9
        assert (left > limit)[~certified].any()
