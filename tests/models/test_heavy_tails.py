"""Laplace and Student-t posteriors and priors, against scipy and quadrature."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops
from scipy import stats

from aebench.models import LaplaceVAE, StudentVAE
from aebench.models.distributions import StandardNormal, gaussian_kl
from aebench.models.heavy_tails import (
    Laplace,
    StandardLaplace,
    StandardStudentT,
    StudentT,
    laplace_noise,
    student_entropy,
)

LATENT = 3
MEANS, LOG_VARS = (0.0, 0.7, -2.5, 4.0), (-6.0, -1.0, 0.0, 1.0)
# A sum of six terms, of a function of one of them: what cancels is within ten times the result, or within 10 nats.
CLOSED = rounding.relative(6, 4, 4, condition=10.0)


def numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def laplace(mean: Any, log_var: Any) -> Laplace:
    return Laplace(*(ops.convert_to_tensor(part, "float32") for part in (mean, log_var)))


def student(mean: Any, log_var: Any, degrees: int) -> StudentT:
    return StudentT(*(ops.convert_to_tensor(part, "float32") for part in (mean, log_var)), degrees)


def frozen(posterior: Any, mean: float, log_var: float) -> Any:
    """The same distribution as scipy has it."""
    if isinstance(posterior, Laplace):
        return stats.laplace(mean, math.sqrt(math.exp(log_var) / 2.0))
    return stats.t(posterior.degrees, mean, math.sqrt(math.exp(log_var) * (posterior.degrees - 2) / posterior.degrees))


def log_pdf(oracle: Any, z: np.ndarray) -> np.ndarray:
    """The log-density, finite where scipy takes the logarithm of a density that has become 0."""
    if oracle.dist.name != "laplace":
        return oracle.logpdf(z)
    return -np.abs(z - oracle.mean()) * math.sqrt(2.0) / oracle.std() - math.log(math.sqrt(2.0) * oracle.std())


def kl(q: Any, p: Any) -> float:
    """KL(q || p) in nats by quadrature, exact to 1e-9.

    Over t, where z = median + scale sinh(t), so that polynomial tails end too; in pieces that end where densities have
    kinks, by Gauss and Legendre in each.
    """
    scale = q.ppf(0.75) - q.median()
    widths = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 36.0)
    edges = sorted({*widths, *(-width for width in widths), float(np.arcsinh(-q.median() / scale))})
    nodes, weights = np.polynomial.legendre.leggauss(30)
    starts, lengths = np.array(edges[:-1])[:, None], np.diff(edges)[:, None]
    t = starts + 0.5 * (nodes + 1.0) * lengths
    z = q.median() + scale * np.sinh(t)
    values = q.pdf(z) * (log_pdf(q, z) - log_pdf(p, z)) * scale * np.cosh(t)
    return float((0.5 * lengths * weights * values).sum())


def test_the_quadrature_knows_what_is_known():
    assert kl(stats.norm(1.0, 0.1), stats.norm()) == pytest.approx(0.5 * (1.0 + 0.01 - math.log(0.01) - 1.0), abs=1e-9)
    assert kl(stats.t(3), stats.t(3)) == pytest.approx(0.0, abs=1e-9)
    exact = stats.norm().expect(lambda z: -stats.t(5).logpdf(z)) - stats.norm().entropy()
    assert kl(stats.norm(), stats.t(5)) == pytest.approx(exact, abs=1e-8)


POSTERIORS = [laplace, lambda mean, log_var: student(mean, log_var, 3), lambda mean, log_var: student(mean, log_var, 9)]


@pytest.mark.parametrize("make", POSTERIORS, ids=["laplace", "t3", "t9"])
def test_log_prob_is_scipy_s(make):
    rng = np.random.default_rng(0)
    mean, log_var = rng.normal(size=(5, 3)).astype("float32"), rng.uniform(-4.0, 1.0, (5, 3)).astype("float32")
    z = (mean + 3.0 * rng.normal(size=(5, 3))).astype("float32")
    posterior = make(mean, log_var)
    oracle = [
        sum(frozen(posterior, m, v).logpdf(x) for m, v, x in zip(*row, strict=True))
        for row in zip(*(part.astype("float64") for part in (mean, log_var, z)), strict=True)
    ]
    assert numpy(posterior.log_prob(ops.convert_to_tensor(z))) == pytest.approx(oracle, rel=1e-5)


@pytest.mark.parametrize("make", POSTERIORS, ids=["laplace", "t3", "t9"])
def test_samples_are_scipy_s_and_have_the_variance_that_is_said(make):
    one = make([[0.5, -1.0]], [[0.4, -2.0]])
    many = make(np.repeat([[0.5, -1.0]], 20_000, axis=0), np.repeat([[0.4, -2.0]], 20_000, axis=0))
    codes = numpy(many.sample(keras.random.SeedGenerator(3)))
    for column, (mean, log_var) in enumerate([(0.5, 0.4), (-1.0, -2.0)]):
        oracle = frozen(one, mean, log_var)
        assert oracle.var() == pytest.approx(math.exp(log_var))
        assert stats.kstest(codes[:, column], oracle.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(codes.T)[0, 1]) < 4.0 / math.sqrt(20_000)


@pytest.mark.parametrize(
    ("prior", "oracle"),
    [(StandardLaplace(3), stats.laplace()), (StandardStudentT(3, 4), stats.t(4)), (StandardStudentT(3, 9), stats.t(9))],
)
def test_priors_are_scipy_s(prior, oracle):
    codes = numpy(prior.sample(20_000, keras.random.SeedGenerator(0)))
    assert codes.shape == (20_000, 3)
    assert stats.kstest(codes.ravel(), oracle.cdf).pvalue > 1e-3
    found = numpy(prior.log_prob(ops.convert_to_tensor(codes[:50])))
    assert found == pytest.approx(oracle.logpdf(codes[:50].astype("float64")).sum(axis=1), rel=1e-5)


def test_laplace_noise_is_finite_at_either_end_of_the_uniform_numbers(monkeypatch):
    ends = np.array([[[0.0, 0.0, 1.0 - 2.0**-24]], [[0.0, 1.0 - 2.0**-24, 0.0]]], "float32")
    monkeypatch.setattr(keras.random, "uniform", lambda shape, **options: ops.convert_to_tensor(ends))
    assert numpy(laplace_noise((1, 3), None)) == pytest.approx(np.array([[0.0, -1.0, 1.0]]) * 24 * math.log(2.0))


@pytest.mark.parametrize("log_var", LOG_VARS)
@pytest.mark.parametrize("mean", MEANS)
def test_closed_rates_are_those_of_quadrature(mean, log_var):
    one = laplace([[mean]], [[log_var]])
    q = frozen(one, mean, log_var)
    size = 0.5 * (mean**2 + math.exp(log_var) + abs(log_var)) + 1.0
    assert float(one.kl_from_normal()[0]) == pytest.approx(kl(q, stats.norm()), abs=CLOSED * size)
    assert float(one.kl_from_laplace()[0]) == pytest.approx(kl(q, stats.laplace()), abs=CLOSED * size)
    for degrees in (3, 9):
        other = student([[mean]], [[log_var]], degrees)
        exact = kl(frozen(other, mean, log_var), stats.norm())
        assert float(other.kl_from_normal()[0]) == pytest.approx(exact, abs=CLOSED * size)


def test_a_rate_is_a_sum_over_dimensions():
    for name, make in (("kl_from_normal", laplace), ("kl_from_laplace", laplace), ("kl_from_normal", POSTERIORS[1])):
        whole = getattr(make([MEANS], [LOG_VARS]), name)()
        each = getattr(make(np.transpose([MEANS]), np.transpose([LOG_VARS])), name)()
        assert float(whole[0]) == pytest.approx(numpy(each).sum(), rel=rounding.relative(8))


def test_known_least_rates():
    """A Laplace posterior equals a Laplace prior, but no normal one: its least is (log π - 1) / 2, at variance 1."""
    assert float(laplace([[0.0]], [[math.log(2.0)]]).kl_from_laplace()[0]) == pytest.approx(0.0, abs=1e-6)
    at = [float(laplace([[0.0]], [[log_var]]).kl_from_normal()[0]) for log_var in (-0.1, 0.0, 0.1)]
    assert at[1] == pytest.approx(0.5 * (math.log(math.pi) - 1.0), abs=1e-6)
    assert at[1] < min(at[0], at[2])


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 9, 100])
def test_entropy_is_scipy_s(degrees):
    assert student_entropy(degrees) == pytest.approx(float(stats.t(degrees).entropy()), rel=1e-9)


def test_with_many_degrees_of_freedom_it_is_the_gaussian():
    """By terms of order 1/ν²: KL(t_ν || N) of equal variance is 3 / (4 ν²) + ... for large ν."""
    mean, log_var = (ops.convert_to_tensor([part], "float32") for part in (MEANS, LOG_VARS))
    exact = float(gaussian_kl(mean, log_var)[0])
    assert float(StudentT(mean, log_var, 2000).kl_from_normal()[0]) == pytest.approx(exact, rel=1e-5)
    excesses = [float(student([[0.0]], [[0.0]], degrees).kl_from_normal()[0]) for degrees in (10, 20, 40)]
    assert 3.0 < excesses[0] / excesses[1] < 8.0
    assert 3.0 < excesses[1] / excesses[2] < 8.0


# Variants


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:6]


def adapted(cls: type, images: np.ndarray, **settings: Any) -> Any:
    model = cls(LATENT, network="linear", seed=1, **settings)
    model.adapt(images)
    return model


CASES = [
    (LaplaceVAE, {"prior": "laplace"}, stats.laplace()),
    (LaplaceVAE, {"prior": "normal"}, stats.norm()),
    (StudentVAE, {"prior": "normal", "degrees": 5}, stats.norm()),
]


@pytest.mark.parametrize(("cls", "settings", "prior"), CASES)
def test_objective_by_hand(images, cls, settings, prior):
    model, same = (adapted(cls, images, beta=3.0, **settings) for _ in range(2))
    posterior = model.encode(images)
    codes = posterior.sample(model.noise)
    logits = numpy(model.decode(codes)).astype("float64").reshape(len(images), -1)
    x = images.reshape(len(images), -1)
    distortion = (np.logaddexp(0.0, logits) - x * logits).sum(axis=1)
    pairs = zip(numpy(posterior.mean).ravel(), numpy(posterior.log_var).ravel(), strict=True)
    rates = [kl(frozen(posterior, float(m), float(v)), prior) for m, v in pairs]
    rate = np.reshape(rates, (-1, LATENT)).sum(axis=1)
    terms = same.terms(images)
    assert numpy(terms.rate) == pytest.approx(rate, rel=1e-5)
    assert numpy(terms.objective) == pytest.approx(distortion + 3.0 * rate, rel=1e-5)


def test_under_a_student_prior_the_rate_is_estimated_at_the_code_without_bias(images):
    model = adapted(StudentVAE, images, prior="student", degrees=5)
    terms, same = model.terms(images), adapted(StudentVAE, images, prior="student", degrees=5)
    posterior = same.encode(images)
    codes = posterior.sample(same.noise)
    z, means, log_vars = (numpy(part).astype("float64") for part in (codes, posterior.mean, posterior.log_var))
    oracles = [
        [frozen(posterior, m, v) for m, v in zip(*row, strict=True)] for row in zip(means, log_vars, strict=True)
    ]
    by_hand = [
        sum(q.logpdf(x) - stats.t(5).logpdf(x) for q, x in zip(*row, strict=True))
        for row in zip(oracles, z, strict=True)
    ]
    assert numpy(terms.rate) == pytest.approx(by_hand, abs=1e-5 * max(map(abs, by_hand)))
    many = StudentT(*(ops.repeat(part[:1], 20_000, axis=0) for part in (posterior.mean, posterior.log_var)), 5)
    drawn = numpy(same.rate(many, many.sample(same.noise)))
    exact = sum(kl(q, stats.t(5)) for q in oracles[0])
    assert abs(drawn.mean() - exact) < 4.0 * drawn.std() / math.sqrt(len(drawn))


def test_priors_are_those_that_are_asked_for():
    assert isinstance(LaplaceVAE(2).prior, StandardLaplace)
    assert isinstance(LaplaceVAE(2, prior="normal").prior, StandardNormal)
    assert isinstance(StudentVAE(2).prior, StandardNormal)
    assert StudentVAE(2, prior="student", degrees=4).prior == StandardStudentT(2, 4)
    for cls, settings in ((LaplaceVAE, {"prior": "normal"}), (StudentVAE, {"prior": "student", "degrees": 4})):
        config = cls(2, **settings).get_config()
        assert {**config, **settings} == config == cls.from_config(config).get_config()


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (LaplaceVAE, {"prior": "student"}, "`prior` must be one of normal, laplace. Received: prior='student'"),
        (StudentVAE, {"prior": "laplace"}, "`prior` must be one of normal, student. Received: prior='laplace'"),
        (StudentVAE, {"degrees": 2}, "`degrees` must be at least 3. Received: degrees=2"),
    ],
)
def test_bad_settings_are_refused(cls, settings, message):
    with pytest.raises(ValueError, match=message):
        cls(2, **settings)
