"""Variants with one mistake each, which the conformance suite must find; they are run as a user's own file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras
from keras import layers, ops

from aebench.models import VAE, Terms, register
from aebench.models.distributions import DiagonalGaussian, gaussian_kl, gaussian_log_prob


@register("mean-over-pixels", version=1)
class MeanOverPixels(VAE):
    """Its distortion is a mean over pixels."""

    def distortion(self, images, codes, training=False):
        return super().distortion(images, codes, training) / 64.0


@register("mean-over-pixels-in-training", version=1)
class MeanOverPixelsInTraining(VAE):
    """What it trains on is a mean over pixels, what it reports is not."""

    def terms(self, images, training=False):
        terms = super().terms(images, training)
        return replace(terms, objective=terms.distortion / 64.0 + self.annealed(self.beta, training) * terms.rate)


@register("reports-a-mean", version=1)
class ReportsAMean(VAE):
    """The distortion that it reports is none of a drawn code."""

    def terms(self, images, training=False):
        terms, at_mean = super().terms(images, training), self.distortion(images, self.encode(images).mean)
        return replace(terms, distortion=at_mean)


@register("mean-over-latents", version=1)
class MeanOverLatents(VAE):
    """Its rate is a mean over latent dimensions."""

    def rate(self, posterior, codes):
        return gaussian_kl(posterior.mean, posterior.log_var) / self.latent_dim


@register("negated-rate", version=1)
class NegatedRate(VAE):
    """Its rate has the wrong sign."""

    def rate(self, posterior, codes):
        return -gaussian_kl(posterior.mean, posterior.log_var)


@dataclass(frozen=True)
class Gaussian:
    """N(0, diag exp(log_var))."""

    log_var: object

    def sample(self, count, noise):
        zeros = ops.zeros((count, self.log_var.shape[0]))
        return DiagonalGaussian(zeros, zeros + self.log_var).sample(noise)

    def log_prob(self, z):
        return gaussian_log_prob(z, ops.zeros_like(z), ops.zeros_like(z) + self.log_var)


@register("stale-prior", version=1)
class StalePrior(VAE):
    """Its prior is learned, and its rate is still that from N(0, I)."""

    def build_heads(self, feature_shape):
        super().build_heads(feature_shape)
        self.prior_log_var = self.add_weight(name="prior_log_var", shape=(self.latent_dim,), initializer="zeros")

    @property
    def prior(self):
        return Gaussian(ops.convert_to_tensor(self.prior_log_var))

    def rate(self, posterior, codes):
        return gaussian_kl(posterior.mean, posterior.log_var)

    def terms(self, images, training=False):
        terms = super().terms(images, training)
        return replace(terms, objective=terms.objective - 1e-3 * self.prior.log_prob(self.encode(images).mean))


@register("deaf-beta", version=1)
class DeafBeta(VAE):
    """It forgets its β, and with it the rate's warm-up."""

    def terms(self, images, training=False):
        terms = super().terms(images, training)
        return Terms(objective=terms.distortion + terms.rate, distortion=terms.distortion, rate=terms.rate)


@register("dead-weight", version=1)
class DeadWeight(VAE):
    """No gradient reaches its log-variance."""

    def encode(self, images, training=False):
        posterior = super().encode(images, training)
        return DiagonalGaussian(posterior.mean, ops.stop_gradient(posterior.log_var))


@register("unseeded-layer", version=1)
class UnseededLayer(VAE):
    """One of its layers starts from no seed of the run's."""

    def build_heads(self, feature_shape):
        super().build_heads(feature_shape)
        self.mean_head = layers.Dense(self.latent_dim, name="mean")
        self.mean_head.build(feature_shape)


@register("nameless-layer", version=1)
class NamelessLayer(VAE):
    """One of its layers is called otherwise in each model."""

    def build_heads(self, feature_shape):
        super().build_heads(feature_shape)
        self.mean_head = layers.Dense(self.latent_dim, kernel_initializer=keras.initializers.GlorotUniform(1))
        self.mean_head.build(feature_shape)


@register("unseeded-noise", version=1)
class UnseededNoise(VAE):
    """Its noise is not the model's, so that companions in a cohort would change it."""

    def terms(self, images, training=False):
        return super().terms(images + keras.random.normal(images.shape) if training else images, training)


@register("forgotten-option", version=1)
class ForgottenOption(VAE):
    """Its configuration lacks an option."""

    def __init__(self, latent_dim, *, depth: int = 3, **options):
        super().__init__(latent_dim, **options)
        self.depth = depth


@register("plain-number", version=1)
class PlainNumber(VAE):
    """A scalar hyper-parameter is no weight: runs that differ in it could not share a program."""

    def __init__(self, latent_dim, *, weight: float = 3.0, **options):
        super().__init__(latent_dim, **options)
        self.weight = weight

    def get_config(self):
        return {**super().get_config(), "weight": self.weight}


@register("python-branch", version=1)
class PythonBranch(VAE):
    """It asks a tensor's value in Python, which no compiled program can."""

    def terms(self, images, training=False):
        terms = super().terms(images, training)
        return terms if float(ops.convert_to_numpy(ops.mean(terms.rate))) >= 0.0 else replace(terms, rate=0.0)


@register("keeps-state", version=1)
class KeepsState(VAE):
    """It counts its batches outside of the variables that engines carry."""

    batches = 0

    def terms(self, images, training=False):
        terms = super().terms(images, training)
        type(self).batches += 1
        return replace(terms, objective=terms.objective + 0.01 * self.batches)
