"""β-TCVAE: its three parts against sums over a whole data set in NumPy, the VAE at weights of 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rounding
from keras import ops
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from aebench.models import VAE, BetaTCVAE
from aebench.models.distributions import DiagonalGaussian

LATENT = 3
DATA = 60  # images of the small data set
RNG = np.random.default_rng(0)
MEANS = RNG.standard_normal((DATA, LATENT)).astype("float32")
LOG_VARS = RNG.uniform(-2.0, 0.5, (DATA, LATENT)).astype("float32")
CODES = (MEANS + np.exp(0.5 * LOG_VARS) * RNG.standard_normal((DATA, LATENT))).astype("float32")


def posterior(rows: Any = slice(None)) -> DiagonalGaussian:
    return DiagonalGaussian(ops.convert_to_tensor(MEANS[rows]), ops.convert_to_tensor(LOG_VARS[rows]))


def aggregate(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log q(z) and Σ log q(z_j) at `codes`, by loops over the whole data set, by SciPy's densities."""
    joint = np.array([[density(code, image) for image in range(DATA)] for code in codes])
    each = np.array(
        [[norm.logpdf(code, MEANS[image], np.exp(0.5 * LOG_VARS[image])) for image in range(DATA)] for code in codes]
    )
    return logsumexp(joint, axis=1) - np.log(DATA), (logsumexp(each, axis=1) - np.log(DATA)).sum(axis=1)


def density(code: np.ndarray, image: int) -> float:
    return float(multivariate_normal.logpdf(code, MEANS[image], np.diag(np.exp(LOG_VARS[image].astype("float64")))))


def estimated(rows: Any, dataset_size: int) -> list[np.ndarray]:
    model = BetaTCVAE(LATENT, dataset_size=dataset_size)
    found = model.log_aggregate(posterior(rows), ops.convert_to_tensor(CODES[rows]))
    return [ops.convert_to_numpy(one) for one in found]


# Of a log of sums over images of exponentials, whose arguments, below 40 where they matter, are sums of 3 a latent.
SAME = 40.0 * rounding.relative(3 * LATENT, 4) + rounding.relative(DATA, 4)


@pytest.mark.parametrize("dataset_size", [0, DATA])
def test_aggregate_of_all_images_at_once_is_brute_force_s(dataset_size):
    for found, expected in zip(estimated(slice(None), dataset_size), aggregate(CODES), strict=True):
        np.testing.assert_allclose(found, expected, atol=SAME)


def test_stratified_estimate_of_a_batch_has_no_bias():
    """exp of it, over batches that hold the code's image and others drawn from the rest: q(z), by standard errors.

    With the batch for the data, where the code's image counts for 1/8 of it, the estimate is far too large.
    """
    rng, others = np.random.default_rng(1), np.arange(1, DATA)
    batches = [np.r_[0, rng.permutation(others)[:7]] for _ in range(150)]
    for size, unbiased in ((DATA, True), (0, False)):
        found = np.array([[values[0] for values in estimated(rows, size)] for rows in batches[: 150 if size else 30]])
        ratios = np.exp(found[:, 0] - aggregate(CODES[:1])[0])
        error = ratios.std(ddof=1) / np.sqrt(len(ratios))
        assert (abs(ratios.mean() - 1.0) < 4.0 * error) == unbiased


def test_shares_are_the_mean_of_the_paper_s_over_which_image_is_last():
    """Equation S5: 1/N of its own image, 1/M of all others but the last, (N - M) / (N M) of the last; M + 1 = batch."""
    batch, size = 5, 30
    others, found = batch - 1, ops.convert_to_numpy(BetaTCVAE(2, dataset_size=size).shares(batch, "float32"))
    for image in range(batch):
        rest = [other for other in range(batch) if other != image]
        papers = np.zeros((others, batch))
        for row, last in zip(papers, rest, strict=True):
            row[rest], row[image], row[last] = 1.0 / others, 1.0 / size, (size - others) / (size * others)
        np.testing.assert_allclose(found[image], papers.mean(axis=0), rtol=rounding.relative(4, batch))
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=rounding.relative(batch, 4))


@pytest.mark.parametrize("dataset_size", [0, 1000])
def test_parts_add_up_to_the_log_ratio(dataset_size):
    model, codes = BetaTCVAE(LATENT, dataset_size=dataset_size), ops.convert_to_tensor(CODES)
    parts = [ops.convert_to_numpy(part) for part in model.parts(posterior(), codes)]
    ratio = norm.logpdf(CODES, MEANS, np.exp(0.5 * LOG_VARS)).sum(axis=1) - norm.logpdf(CODES).sum(axis=1)
    np.testing.assert_allclose(sum(parts), ratio, atol=4.0 * SAME)
    assert min(np.abs(part).mean() for part in parts) > 0.05


@pytest.fixture(scope="module")
def images(binary: np.ndarray) -> np.ndarray:
    return binary[:40]


def made(images: np.ndarray, cls: Any = BetaTCVAE, **settings: Any) -> Any:
    model = cls(LATENT, network="linear", seed=1, name="one", **settings)
    model.adapt(images)
    return model


def test_objective_is_numpy_s(images):
    model = made(images, alpha=0.5, beta=4.0, gamma=2.0, dataset_size=500)
    state = ops.convert_to_numpy(model.noise.state.value)
    own = model.encode(images)
    codes = own.sample(model.noise)
    logits = ops.convert_to_numpy(model.decode(codes)).astype("float64")
    model.noise.state.assign(state)
    mean, log_var, z = (ops.convert_to_numpy(one).astype("float64") for one in (own.mean, own.log_var, codes))
    each = norm.logpdf(z[:, None], mean[None], np.exp(0.5 * log_var)[None])
    share = np.full((40, 40), 499.0 / (500.0 * 39.0))
    np.fill_diagonal(share, 1.0 / 500.0)
    joint = logsumexp(each.sum(axis=2), axis=1, b=share)
    marginals = logsumexp(each, axis=1, b=share[:, :, None]).sum(axis=1)
    given, prior = each[range(40), range(40)].sum(axis=1), norm.logpdf(z).sum(axis=1)
    kl = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1.0).sum(axis=1)
    parts = -0.5 * (given - joint) + 3.0 * (joint - marginals) + 1.0 * (marginals - prior)
    distortion = (np.logaddexp(0.0, logits) - images * logits).sum(axis=(1, 2, 3))
    terms = model.terms(images)
    assert ops.convert_to_numpy(terms.objective) == pytest.approx(distortion + kl + parts, rel=1e-5)
    assert ops.convert_to_numpy(terms.rate) == pytest.approx(kl, rel=1e-4)


@pytest.mark.parametrize("dataset_size", [0, 500])
def test_with_weights_of_one_it_is_the_vae(dataset_size, images):
    weights = {"alpha": 1.0, "beta": 1.0, "gamma": 1.0}
    ours, vae = made(images, dataset_size=dataset_size, **weights), made(images, VAE)
    np.testing.assert_array_equal(*(ops.convert_to_numpy(model.terms(images).objective) for model in (ours, vae)))


def test_one_image_is_its_own_data(images):
    assert np.isfinite(ops.convert_to_numpy(made(images, beta=3.0).terms(images[:1]).objective)).all()


@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
def test_bad_weights_are_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` must be finite and at least 0. Received: {name}=-1.0"):
        BetaTCVAE(2, **{name: -1.0})


def test_a_bad_size_is_refused():
    with pytest.raises(ValueError, match="`dataset_size` must be at least 0"):
        BetaTCVAE(2, dataset_size=-1)
    assert BetaTCVAE.from_config(BetaTCVAE(2, dataset_size=7).get_config()).dataset_size == 7
