"""The variational autoencoder with a mixture of Gaussians for its prior."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from aebench.models.base import register
from aebench.models.mixtures import GaussianMixture
from aebench.models.streams import stream
from aebench.models.vae import VAE


@register("mixture-vae", version=1)
class MixtureVAE(VAE):
    """A VAE whose prior is a learned mixture of Gaussians (the "MoG" prior of Tomczak & Welling 2018).

    Means, diagonal variances and weights of the components are trained with the rest. The posterior stays one Gaussian
    and knows of no component; the rate has no closed form and is estimated at the one code drawn. So it is not the
    GMVAE of Dilokthanakul et al. (2016), which infers the component too and makes each component's parameters from
    another latent variable. Use it where codes are expected to lie in clusters.

    Objective:
        D + β (log q(z|x) - log Σ_k w_k N(z; m_k, diag s_k²))      (D: distortion; z: the code drawn)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        components: Gaussians in the prior, >= 1; in the papers 500 (Tomczak & Welling), 10 to 30 (Dilokthanakul).
        **options: see `VAE`.

    Reference:
        Tomczak & Welling 2018, "VAE with a VampPrior", AISTATS, arXiv:1705.07120; Dilokthanakul et al. 2016, "Deep
        Unsupervised Clustering with Gaussian Mixture Variational Autoencoders", arXiv:1611.02648.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, components: int = 10, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.components = self.count("components", components)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        shape = (self.components, self.latent_dim)
        apart = keras.initializers.RandomNormal(stddev=1.0, seed=stream(self.seed, "weights/prior_mean"))
        self.prior_mean = self.add_weight(name="prior_mean", shape=shape, initializer=apart)
        self.prior_log_var = self.add_weight(name="prior_log_var", shape=shape, initializer="zeros")
        self.prior_logits = self.add_weight(name="prior_logits", shape=(self.components,), initializer="zeros")

    @property
    def prior(self) -> GaussianMixture:  # noqa: D102
        mean, log_var = ops.convert_to_tensor(self.prior_mean), ops.convert_to_tensor(self.prior_log_var)
        return GaussianMixture(mean, log_var, ops.log_softmax(self.prior_logits))
