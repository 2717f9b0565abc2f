"""Mutual information and marginal KL against Gaussian closed forms, SciPy's densities and numerical integrals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from aebench.measures.information import (
    Information,
    aggregated_log_prob,
    drawn,
    information,
    kl_by_dimension,
    saturated,
    standard_normal_log_prob,
)


def rng():
    return np.random.default_rng(7)


def split(mean: np.ndarray, log_var: np.ndarray) -> Information:
    """The information of Gaussian posteriors under N(0, I)."""
    own = drawn(mean, log_var, rng())
    return information(mean, log_var, own, standard_normal_log_prob(own.codes))


def posteriors(count=300, size=4):
    draws = np.random.default_rng(0)
    mean, log_var = draws.normal(size=(count, size)), draws.normal(-1.5, 1.0, size=(count, size))
    return mean.astype("float32"), log_var.astype("float32")


def channel(size, nats, count=3000):
    """Posteriors N(x, v) of x drawn from N(0, I), with v such that I(x; z) is `nats`; and that v."""
    variance = 1.0 / math.expm1(2.0 * nats / size)
    mean = np.random.default_rng(size).normal(size=(count, size)).astype("float32")
    return mean, np.full_like(mean, math.log(variance)), variance


@pytest.mark.parametrize("size", [1, 2, 8])
def test_gaussian_channel_has_its_closed_form_information_and_marginal_kl(size):
    mean, log_var, variance = channel(size, 2.0)
    found = split(mean, log_var)
    assert found.mutual_information == pytest.approx(2.0, abs=0.1)
    marginal_kl = size / 2 * (variance - math.log1p(variance))  # KL(N(0, (1 + v) I) || N(0, I))
    assert found.marginal_kl == pytest.approx(marginal_kl, abs=0.1 + 0.05 * marginal_kl)
    assert found.ceiling == pytest.approx(math.log(3000))


def test_information_and_marginal_kl_add_up_to_the_mean_rate():
    mean, log_var = posteriors(2000)
    found = split(mean, log_var)
    rates = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1.0).sum(axis=1)
    drawn = mean + np.exp(log_var / 2) * np.random.default_rng(1).normal(size=mean.shape)
    single = norm.logpdf(drawn, mean, np.exp(log_var / 2)).sum(axis=1) - norm.logpdf(drawn).sum(axis=1)
    noise = np.std(single - rates) / math.sqrt(2000)
    assert noise < 0.05
    assert abs(found.mutual_information + found.marginal_kl - rates.mean()) < 4 * noise


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_total_correlation_of_a_gaussian_has_its_closed_form(correlation):
    covariance, variance = np.array([[1.0, correlation], [correlation, 1.0]]), 0.1
    mean = np.random.default_rng(3).multivariate_normal(np.zeros(2), covariance, 3000)
    found = split(mean, np.full_like(mean, math.log(variance)))
    expected = math.log(1.0 + variance) - 0.5 * math.log(np.linalg.det(covariance + variance * np.eye(2)))
    assert found.total_correlation == pytest.approx(expected, abs=0.03)  # its standard error is .015


def test_without_a_density_of_the_prior_there_is_no_marginal_kl():
    mean, log_var = posteriors()
    assert information(mean, log_var, drawn(mean, log_var, rng()), None).marginal_kl is None


def test_images_that_all_encode_to_the_prior_say_nothing():
    found = split(np.zeros((50, 3), "float32"), np.zeros((50, 3), "float32"))
    assert found.mutual_information == pytest.approx(0.0, abs=1e-6)
    assert found.marginal_kl == pytest.approx(0.0, abs=1e-6)


def test_codes_that_never_meet_say_which_image_it_was_and_no_more():
    mean = np.arange(150, dtype="float32").reshape(50, 3)
    found = split(mean, np.full_like(mean, -10.0))
    assert found.mutual_information == pytest.approx(math.log(50), abs=1e-6)
    assert found.ceiling == pytest.approx(math.log(50))


def test_no_estimate_passes_the_ceiling():
    for nats in (1.0, 6.0, 20.0):
        mean, log_var, _ = channel(8, nats, count=200)
        assert split(mean, log_var).mutual_information <= math.log(200) + 1e-9


@pytest.mark.parametrize("pairs", [2**21, 700, 1])
def test_aggregated_density_is_scipys_mixture_whatever_the_parts(pairs, monkeypatch):
    monkeypatch.setattr("aebench.measures.information.PAIRS", pairs)
    mean, log_var = posteriors()
    codes = np.random.default_rng(2).normal(size=(40, 4))
    each = [multivariate_normal(m, np.diag(np.exp(v))).logpdf(codes) for m, v in zip(mean, log_var, strict=True)]
    expected = logsumexp(each, axis=0) - math.log(300)
    np.testing.assert_allclose(aggregated_log_prob(codes, mean, log_var), expected, atol=1e-5)


def test_narrow_posteriors_far_from_zero_keep_their_density():
    """z²/v and its fellows are 1e8 here, and their difference a few nats."""
    mean = np.array([[100.0], [103.0]], "float32")
    log_var = np.full_like(mean, math.log(1e-4))
    codes = mean + 0.01
    expected = norm.logpdf(0.01, scale=0.01) - math.log(2)
    np.testing.assert_allclose(aggregated_log_prob(codes.astype("float64"), mean, log_var), expected, atol=1e-2)


@pytest.mark.parametrize("size", [1, 16])
@pytest.mark.parametrize("nats", [1.0, 3.0, 5.0, 7.0, 8.0, 10.0, 15.0])
def test_what_is_not_saturated_falls_short_by_little_and_what_is_by_more(size, nats):
    mean, log_var, _ = channel(size, nats)
    found = split(mean, log_var)
    shortfall = nats - found.mutual_information
    if saturated(found.mutual_information, found.ceiling):
        assert shortfall > 0.1
    else:
        assert -0.15 < shortfall < 0.7


def test_saturation_is_seen_where_it_must_be():
    ceiling = math.log(3000)
    for size in (1, 16):
        found = {nats: split(*channel(size, nats)[:2]).mutual_information for nats in (3.0, 10.0)}
        assert not saturated(found[3.0], ceiling)
        assert saturated(found[10.0], ceiling)


def test_kl_of_each_dimension_is_the_numerical_integral():
    mean, log_var = np.array([[0.0, 1.0, -2.0]]), np.array([[0.0, 0.0, -3.0]])
    expected = []
    for center, sd in zip(mean[0], np.exp(log_var[0] / 2), strict=True):
        q = norm(center, sd)
        integrand = lambda z, q=q: q.pdf(z) * (q.logpdf(z) - norm.logpdf(z))  # noqa: E731
        expected.append(quad(integrand, center - 10, center + 10, points=[center])[0])
    np.testing.assert_allclose(kl_by_dimension(mean, log_var), expected, atol=1e-7)
    np.testing.assert_allclose(expected[:2], [0.0, 0.5], atol=1e-7)


def test_kl_by_dimension_is_a_mean_over_images_and_adds_up_to_the_rate():
    mean, log_var = posteriors()
    rates = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1.0).sum(axis=1)
    found = kl_by_dimension(mean, log_var)
    assert found.shape == (4,)
    assert found.sum() == pytest.approx(rates.mean(), rel=1e-5)
