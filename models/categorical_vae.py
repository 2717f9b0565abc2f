"""The VAE of categorical latent variables."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from aebench.models.base import register
from aebench.models.discrete import Categorical, UniformCategories, perplexity
from aebench.models.vae import VAE


@register("categorical-vae", version=1)
class CategoricalVAE(VAE):
    """Each latent variable is one of a few categories, relaxed in training (Jang, Gu & Poole 2017).

    Training decodes a softmax of logits plus Gumbel noise, whose temperature falls by a factor e over the training, as
    exp(-r t) in the paper, and no lower than `min_temperature`. Elsewhere codes are one-hot, drawn exactly, so that
    what is measured is a bound; the rate is that of the categories throughout, as in the authors' code. For what comes
    in kinds. A code has `latent_dim * categories` numbers, yet `latent_dim` variables of at most log `categories` nats
    each; the mean of a posterior is the probabilities.

    Objective:
        D + β KL(q(z|x) || p(z))      (p(z): all categories alike)

    Args:
        latent_dim: categorical variables in a code, >= 1; in the paper 20 to 30.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        temperature: of the relaxation when training begins, finite and >= 0; in the paper 1.
        min_temperature: the least, finite and above 0; in the paper 0.5, of 0.1 to 1.
        categories: of each variable, >= 2; in the paper 10.
        **options: see `Autoencoder`.

    Reference:
        Jang, Gu & Poole 2017, "Categorical Reparameterization with Gumbel-Softmax", ICLR, arXiv:1611.01144.
    """

    is_scheduled = True

    def __init__(
        self,
        latent_dim: int,
        *,
        beta: float = 1.0,
        temperature: float = 1.0,
        min_temperature: float = 0.5,
        categories: int = 10,
        **options: Any,
    ) -> None:
        if min_temperature == 0.0:
            raise ValueError("`min_temperature` must be above 0. Received: min_temperature=0.0")
        super().__init__(latent_dim, beta=beta, **options)
        self.categories = self.count("categories", categories, least=2)
        self.temperature = self.scalar("temperature", temperature)
        self.min_temperature = self.scalar("min_temperature", min_temperature)

    @property
    def code_dim(self) -> int:  # noqa: D102
        return self.latent_dim * self.categories

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        self.logits_head = self.head("logits", feature_shape, self.code_dim)

    def encode(self, images: Any, training: bool = False) -> Any:  # noqa: D102
        logits = self.logits_head(self.features(images, training))
        temperature = self.temperature_now(training) if training else None
        return Categorical(ops.reshape(logits, (-1, self.latent_dim, self.categories)), temperature)

    def temperature_now(self, training: bool) -> Any:
        """The temperature of this step's relaxation, a scalar."""
        return ops.maximum(self.min_temperature, self.temperature * ops.exp(-self.progress(training)))

    @property
    def prior(self) -> UniformCategories:  # noqa: D102
        return UniformCategories(self.latent_dim, self.categories)

    def rate(self, posterior: Any, codes: Any) -> Any:  # noqa: ARG002, D102
        return posterior.kl_from_uniform()

    def diagnostics(self, images: Any, noise: keras.random.SeedGenerator) -> dict[str, Any]:  # noqa: ARG002
        """How many categories are in use: each is chosen as often as its mean probability says."""
        chosen = ops.softmax(self.encode(images).logits, axis=-1)
        return {"code_perplexity": perplexity(ops.mean(chosen, axis=0)) + ops.zeros_like(chosen[:, 0, 0])}
