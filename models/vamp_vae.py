"""The variational autoencoder whose prior is the posterior of learned pseudo-images."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from aebench.models.base import register
from aebench.models.mixtures import GaussianMixture
from aebench.models.streams import stream
from aebench.models.vae import VAE

SPREAD = 0.01  # standard deviation of the pseudo-images' pixels around the mean image at the start, as in the paper


@register("vamp-vae", version=1)
class VampVAE(VAE):
    """A VAE whose prior is the mean posterior of learned pseudo-images: VampPrior (Tomczak & Welling 2018).

    The best prior for the ELBO is the mean of all images' posteriors; this is that of `components` pseudo-images u_k,
    which are trained with the rest and kept in [0, 1] by clipping, as in the paper's code (of series and vectors, where
    their likelihood has a density). They start at the mean image with a little noise. The rate is estimated at the one
    code drawn. The paper's second layer of codes is left out: see `HierarchicalVAE` for two layers.

    Objective:
        D + β (log q(z|x) - log 1/K Σ_k q(z|u_k))      (D: distortion; z: the code drawn; K: components)

    Args:
        latent_dim: numbers in a code, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1, after a warm-up over 100 epochs (`rate_warmup`).
        components: pseudo-images, >= 1; in the paper 500 to 1000. Each is encoded at every step.
        **options: see `VAE`.

    Reference:
        Tomczak & Welling 2018, "VAE with a VampPrior", AISTATS, arXiv:1705.07120.
    """

    def __init__(self, latent_dim: int, *, beta: float = 1.0, components: int = 500, **options: Any) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.components = self.count("components", components)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads(feature_shape)
        shape, start = (self.components, math.prod(self.image_shape)), self._around(0.5)
        self.pseudo_images = self.add_weight(name="pseudo_images", shape=shape, initializer=start)

    def _around(self, mean: float) -> keras.initializers.Initializer:
        return keras.initializers.RandomNormal(mean, SPREAD, seed=stream(self.seed, "weights/pseudo_images"))

    def adapt(self, images: Any, mean: Any = None) -> None:
        """Starts the pseudo-images around the mean image too; see `Autoencoder.adapt`."""
        super().adapt(images, mean)
        mean = np.mean(images, axis=0, dtype=np.float64) if mean is None else np.asarray(mean)
        noise = ops.convert_to_numpy(self._around(0.0)(self.pseudo_images.shape))
        self.pseudo_images.assign((mean.reshape(1, -1) + noise).astype("float32"))

    @property
    def prior(self) -> GaussianMixture:  # noqa: D102
        pseudo_images = self.pseudo_images
        if len(self.image_shape) == 3:
            pseudo_images = ops.clip(pseudo_images, 0.0, 1.0)
        elif self.likelihood.takes == ("counts",):
            pseudo_images = ops.relu(pseudo_images)
        pseudo_images = ops.reshape(pseudo_images, (-1, *self.image_shape))
        posterior = self.encode(pseudo_images)
        equal = ops.full((self.components,), -math.log(self.components), dtype=posterior.mean.dtype)
        return GaussianMixture(posterior.mean, posterior.log_var, equal)
