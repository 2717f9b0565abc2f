"""Priors that are mixtures: learned components, pseudo-images' posteriors, and stored training images."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
import rounding
from keras import ops
from scipy import stats
from scipy.special import logsumexp

from aebench.models import VAE, Autoencoder, ExemplarVAE, MixtureVAE, VampVAE
from aebench.models.mixtures import GaussianMixture

LATENT, COMPONENTS = 3, 5
# Sums over 64 pixels and 3 numbers of a code on the way to a term, of parts up to 5 times as large without signs.
SAME = rounding.relative(64, LATENT, 64, condition=5.0)


def numpy(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), "float64")


def parameters(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means, log-variances and log-weights of components that overlap."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=COMPONENTS)
    shape = (COMPONENTS, LATENT)
    return rng.normal(0.0, 2.0, shape), rng.normal(-1.0, 1.0, shape), logits - logsumexp(logits)


def mixture(*parts: np.ndarray) -> GaussianMixture:
    return GaussianMixture(*map(ops.convert_to_tensor, parts))


def scipy_log_prob(z: np.ndarray, mean: np.ndarray, log_var: np.ndarray, log_weights: np.ndarray) -> np.ndarray:
    """log Σ w_k N(z; mean_k, diag exp(log_var_k)); `log_weights` `(components,)` or `(batch, components)`."""
    densities = [
        stats.multivariate_normal(centre, np.diag(np.exp(spread))).logpdf(z)
        for centre, spread in zip(mean, log_var, strict=True)
    ]
    found: np.ndarray = logsumexp(np.stack(densities, axis=1) + log_weights, axis=1)
    return found


def make(cls: type, images: np.ndarray, **settings: Any) -> Any:
    model = cls(LATENT, network="linear", seed=1, **settings)
    model.adapt(images)
    return model


def set_noise(model: Autoencoder, draw: int = 0) -> None:
    model.noise.state.assign(np.array([3, draw], "uint32"))


@pytest.mark.usefixtures("in_float64")
def test_a_mixture_has_scipy_s_density():
    mean, log_var, log_weights = parameters()
    z = np.random.default_rng(1).normal(0.0, 3.0, (200, LATENT))
    # (|z| + |mean|)² / variance is up to 1e5 times the result.
    found = numpy(mixture(mean, log_var, log_weights).log_prob(ops.convert_to_tensor(z)))
    assert found == pytest.approx(scipy_log_prob(z, mean, log_var, log_weights), rel=1e-10)


@pytest.mark.usefixtures("in_float64")
def test_each_code_may_have_weights_of_its_own_and_none_of_some_components():
    mean, log_var, _ = parameters()
    rng = np.random.default_rng(2)
    z, kept = rng.normal(size=(50, LATENT)), rng.random((50, COMPONENTS)) < 0.5
    kept[:, 0] |= ~kept.any(axis=1)
    with np.errstate(divide="ignore"):
        log_weights = np.log(kept / kept.sum(axis=1, keepdims=True))
    found = numpy(mixture(mean, log_var, log_weights).log_prob(ops.convert_to_tensor(z)))
    assert found == pytest.approx(scipy_log_prob(z, mean, log_var, log_weights), rel=1e-10)


def test_samples_come_from_components_by_their_weights():
    """Components far apart: the share, mean and variance of each are those of its codes, within 5 standard errors."""
    _, log_var, log_weights = parameters()
    mean = np.repeat(1000.0 * np.arange(COMPONENTS)[:, None], LATENT, axis=1)
    parts = (np.asarray(part, "float32") for part in (mean, log_var, log_weights))
    count = 40_000
    codes = numpy(mixture(*parts).sample(count, keras.random.SeedGenerator(0)))
    component = np.round(codes[:, 0] / 1000.0).astype(int)
    for k, (centre, spread, weight) in enumerate(zip(mean, np.exp(log_var), np.exp(log_weights), strict=True)):
        own = codes[component == k]
        assert len(own) / count == pytest.approx(weight, abs=5.0 * math.sqrt(weight * (1.0 - weight) / count))
        assert np.all(np.abs(own.mean(axis=0) - centre) < 5.0 * np.sqrt(spread / len(own)) + 1e-4)  # 4000's last digit
        assert own.var(axis=0) == pytest.approx(spread, rel=5.0 * math.sqrt(2.0 / len(own)))


def as_standard_normal(model: Any, images: np.ndarray) -> Any:
    """Puts the prior of a model to N(0, I), and gives its posteriors something to be wrong about."""
    rng = np.random.default_rng(4)
    for head in (model.mean_head, model.log_var_head):
        head.kernel.assign(rng.normal(0.0, 0.1, head.kernel.shape))
    pixels = images[0].reshape(-1)
    if isinstance(model, MixtureVAE):
        model.prior_mean.assign(np.zeros(model.prior_mean.shape))
        model.prior_logits.assign(rng.normal(size=model.prior_logits.shape))
        return model
    # Every component is one image, whose code is N(0, I).
    kept = model.pseudo_images if isinstance(model, VampVAE) else model.exemplars
    kept.assign(np.tile(pixels, (COMPONENTS, 1)))
    for head in (model.mean_head, model.log_var_head):
        head.bias.assign(-pixels @ numpy(head.kernel))
    return model


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("cls", [MixtureVAE, VampVAE, ExemplarVAE])
def test_with_the_prior_forced_to_the_standard_normal_it_is_the_vae(cls, training, binary, gradients):
    """One of the same weights, whose rate is estimated at the code drawn too."""
    images = binary[:20]
    model = as_standard_normal(make(cls, images, components=COMPONENTS), images)
    plain = make(EstimatedVAE, images)
    values = {weight.path.split("/", 1)[1]: weight for weight in model.weights}
    for weight in plain.weights:
        weight.assign(values[weight.path.split("/", 1)[1]])
    found = []
    for one in (model, plain):
        set_noise(one)
        found.append(one.terms(images, training=training))
    for part in ("objective", "distortion", "rate"):
        one, other = (numpy(getattr(terms, part)) for terms in found)
        assert one == pytest.approx(other, abs=SAME * np.abs(numpy(found[1].objective)).max()), part
    set_noise(model)
    set_noise(plain)
    own, of_plain = (gradients(one, images, training=training)[1] for one in (model, plain))
    own = {path.split("/", 1)[1]: value for path, value in own.items()}
    decoder = [path for path in of_plain if "/decoder/" in path or path.endswith("output_bias")]
    assert decoder
    for path in decoder:
        bound = SAME * math.sqrt(len(images)) * np.abs(of_plain[path]).max()
        np.testing.assert_allclose(own[path.split("/", 1)[1]], of_plain[path], rtol=0, atol=bound, err_msg=path)


class EstimatedVAE(VAE):
    """The VAE with its rate estimated at the code drawn, where it has a closed form."""

    def rate(self, posterior: Any, codes: Any) -> Any:
        return posterior.log_prob(codes) - self.prior.log_prob(codes)


def test_the_vamp_prior_is_the_mean_posterior_of_the_pseudo_images(binary):
    model = make(VampVAE, binary, components=COMPONENTS)
    rng = np.random.default_rng(5)
    outside = rng.normal(0.5, 1.0, model.pseudo_images.shape).astype("float32")
    model.pseudo_images.assign(outside)
    model.log_var_head.kernel.assign(rng.normal(0.0, 0.1, model.log_var_head.kernel.shape))
    posterior = model.encode(np.clip(outside, 0.0, 1.0).reshape(-1, 8, 8, 1))
    z = rng.normal(size=(50, LATENT)).astype("float32")
    equal = np.full(COMPONENTS, -math.log(COMPONENTS))
    expected = scipy_log_prob(z, numpy(posterior.mean), numpy(posterior.log_var), equal)
    found = numpy(model.prior.log_prob(ops.convert_to_tensor(z)))
    # Squares of |z| + |mean|, over variances, are up to 40 times what they come to.
    assert found == pytest.approx(expected, rel=rounding.relative(64, LATENT, 4, condition=40.0))


def test_pseudo_images_start_around_the_mean_image(binary):
    model = make(VampVAE, binary, components=200)
    start = numpy(model.pseudo_images)
    spread = start - binary.mean(axis=0).reshape(1, -1)
    assert np.abs(spread.mean()) < 5.0 * 0.01 / math.sqrt(spread.size)
    assert spread.std() == pytest.approx(0.01, rel=5.0 / math.sqrt(2.0 * spread.size))


def test_an_exemplar_that_an_image_could_be_drawn_from_is_left_out(grey, binary):
    """Drawn from its grey values, or the grey image itself; against a loop over images, exemplars and pixels."""
    model = make(ExemplarVAE, grey[:60], components=60)
    drawn, stored = np.concatenate([binary[:30], grey[30:60]]), grey[:60]
    found = numpy(model.leave_one_out(drawn))
    for i, image in enumerate(drawn):
        could_be = [not np.any(((e == 0) & (image > 0)) | ((e == 1) & (image < 1))) for e in stored]
        assert could_be[i]
        count = could_be.count(False)
        assert count > 0
        expected = [-math.inf if left_out else -math.log(count) for left_out in could_be]
        assert found[i] == pytest.approx(expected, rel=rounding.relative(4, 4))


def test_no_exemplar_is_left_out_where_all_would_be(binary):
    model = make(ExemplarVAE, binary[:1], components=4)
    assert numpy(model.leave_one_out(binary[:1])) == pytest.approx(-math.log(4.0))


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_the_rate_of_the_exemplar_vae_is_against_the_others_in_training_and_all_outside(training, binary):
    model = make(ExemplarVAE, binary, components=40)
    model.prior_log_var.assign(-0.7)
    images = binary[:20]
    set_noise(model)
    rate = numpy(model.terms(images, training=training).rate)
    set_noise(model)
    posterior = model.encode(images)
    codes = posterior.sample(model.noise)
    centres = numpy(model.encode(binary[:40]).mean)
    same = np.array([[np.array_equal(image, exemplar) for exemplar in binary[:40]] for image in images])
    kept = ~same if training else np.ones_like(same)
    with np.errstate(divide="ignore"):
        log_weights = np.log(kept / kept.sum(axis=1, keepdims=True))
    log_prior = scipy_log_prob(numpy(codes), centres, np.full_like(centres, -0.7), log_weights)
    expected = numpy(posterior.log_prob(codes)) - log_prior
    # Squares of |z| + |centre| are up to 40 nats where the rate is about 1.
    assert rate == pytest.approx(expected, abs=40.0 * rounding.relative(64, LATENT, 4))
    assert not training or same.any()


def test_exemplars_are_repeated_where_too_few_images_came(binary):
    model = make(ExemplarVAE, binary[:3], components=7)
    stored = numpy(model.exemplars).reshape(7, 8, 8, 1)
    assert np.array_equal(stored, binary[[0, 1, 2, 0, 1, 2, 0]])


@pytest.mark.parametrize(("cls", "components", "least"), [(MixtureVAE, 0, 1), (VampVAE, 0, 1), (ExemplarVAE, 1, 2)])
def test_too_few_components_are_refused(cls, components, least):
    with pytest.raises(ValueError, match=f"`components` must be at least {least}. Received: components={components}"):
        cls(2, components=components)
