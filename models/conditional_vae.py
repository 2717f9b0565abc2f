"""The conditional and semi-supervised variational autoencoder."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from aebench.models.base import Terms, register
from aebench.models.classes import ClassAndCode, UniformClassAndNormal, one_hot
from aebench.models.distributions import DiagonalGaussian, gaussian_kl
from aebench.models.vae import VAE


@register("conditional-vae", version=1)
class ConditionalVAE(VAE):
    """VAE whose encoder and decoder see the class, known of some images or all (Kingma et al. 2014; Sohn et al. 2015).

    With all labels known this is the conditional VAE beside a classifier q(y|x) on the encoder's features; with few it
    is the semi-supervised model M2, which sums over the classes of an image without a label. Nothing is told outside of
    training: there the class is inferred, its cost is a part of the rate, and all likelihoods are of the image alone.
    A code is z and the class as one-hot. It has seen labels: compare its class separation with none that has not.

    Objective:
        D(x, y) + β (KL(q(z|x, y) || N(0, I)) + log K) - α log q(y|x) where y, one of K classes, is known;
        Σ_y q(y|x) (D(x, y) + β (KL(q(z|x, y) || N(0, I)) + log K + log q(y|x))) where it is not

    Args:
        latent_dim: numbers in z, >= 1.
        beta: weight of the rate, finite and >= 0; in the paper 1.
        alpha: weight of the classifier's cross-entropy on a labelled image, finite and >= 0; in the paper 0.1 times the
            images for each that is labelled, so 0.1 where all are.
        labelled_images: how many training images have a label, 0 for all; in the paper 100 to 3000.
        classes: how many there are, >= 2; in the paper 10.
        **options: see `VAE`.

    Reference:
        Kingma, Rezende, Mohamed & Welling 2014, "Semi-supervised Learning with Deep Generative Models", NeurIPS,
        arXiv:1406.5298; Sohn, Lee & Yan 2015, "Learning Structured Output Representation using Deep Conditional
        Generative Models", NeurIPS.
    """

    takes_labels = True

    def __init__(
        self,
        latent_dim: int,
        *,
        beta: float = 1.0,
        alpha: float = 1.0,
        labelled_images: int = 0,
        classes: int = 10,
        **options: Any,
    ) -> None:
        super().__init__(latent_dim, beta=beta, **options)
        self.alpha = self.scalar("alpha", alpha)
        self.labelled_images = self.count("labelled_images", labelled_images, least=0)
        self.classes = self.count("classes", classes, least=2)

    @property
    def code_dim(self) -> int:  # noqa: D102
        return self.latent_dim + self.classes

    @property
    def prior(self) -> UniformClassAndNormal:  # noqa: D102
        return UniformClassAndNormal(self.latent_dim, self.classes)

    def build_heads(self, feature_shape: tuple[int | None, ...]) -> None:  # noqa: D102
        super().build_heads((None, int(feature_shape[-1] or 0) + self.classes))
        self.class_head = self.head("class", feature_shape, self.classes)

    def encode(self, images: Any, training: bool = False) -> ClassAndCode:  # noqa: D102
        features = ops.cast(self.features(images, training), self.variable_dtype)

        def given(chosen: Any) -> DiagonalGaussian:
            both = ops.concatenate([features, chosen], axis=-1)
            return DiagonalGaussian(self.mean_head(both), self.log_var_head(both))

        return ClassAndCode(ops.log_softmax(self.class_head(features), axis=-1), given)

    def terms(self, images: Any, training: bool = False, labels: Any = None) -> Terms:
        """Means over q(y|x) for images without a label, which are all where no `labels` `(batch,)` came."""
        posterior = self.encode(images, training=training)
        known = ops.zeros_like(posterior.log_probs) if labels is None else one_hot(labels, self.classes)
        is_known = ops.sum(known, axis=-1)
        if labels is not None and not self.labelled_images:
            distortion, rate = self._given(posterior, images, known, training)
        else:
            weights = ops.where(is_known[:, None] > 0.0, known, ops.exp(posterior.log_probs))
            distortion, rate = self._expected(posterior, images, weights, training)
            rate = rate + (1.0 - is_known) * ops.sum(weights * posterior.log_probs, axis=-1)
        cross_entropy = -ops.sum(known * posterior.log_probs, axis=-1)
        objective = distortion + self.annealed(self.beta, training) * rate + self.alpha * cross_entropy
        return Terms(objective=objective, distortion=distortion, rate=rate)

    def _given(self, posterior: ClassAndCode, images: Any, chosen: Any, training: bool) -> tuple[Any, Any]:
        """Distortion and rate, `(batch,)`, of images whose classes are `chosen`, `(batch, classes)`."""
        own = posterior.given(chosen)
        codes = ops.concatenate([own.sample(self.noise), chosen], axis=-1)
        rate = gaussian_kl(own.mean, own.log_var) + math.log(self.classes)
        return self.distortion(images, codes, training), rate

    def _expected(self, posterior: ClassAndCode, images: Any, weights: Any, training: bool) -> tuple[Any, Any]:
        """The same, means over classes with `weights` `(batch, classes)`."""
        each = [
            self._given(posterior, images, ops.zeros_like(weights) + one_hot(ops.array(label), self.classes), training)
            for label in range(self.classes)
        ]
        parts = (ops.stack(one, axis=-1) for one in zip(*each, strict=True))
        distortion, rate = (ops.sum(weights * part, axis=-1) for part in parts)
        return distortion, rate
