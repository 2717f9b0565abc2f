"""The denoising autoencoder."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from aebench.models.ae import AE
from aebench.models.base import Terms, register

KINDS = ("masking", "salt-and-pepper", "gaussian")


@register("denoising-ae", version=1)
class DenoisingAE(AE):
    """An autoencoder that gives back the clean image of a corrupted one (Vincent et al. 2008).

    What is left of an image must tell the rest, so that the encoder learns how pixels hang together. It is corrupted in
    training only. The papers corrupt a fixed number of the pixels of each image; here each pixel falls to it by itself.

    Objective:
        -log p(x|f(x̃)): the distortion D of the clean image x at the code of the corrupted one x̃

    Args:
        latent_dim: numbers in a code, >= 1.
        corruption: share of the pixels that are corrupted or, of Gaussian noise, its standard deviation, 0 to 1; in the
            paper 0.1 to 0.5.
        kind: "masking" sets them to 0, as in the paper; "salt-and-pepper" to 0 or 1 by the toss of a coin, and
            "gaussian" adds noise to all, as Vincent et al. 2010 do too.
        **options: see `Autoencoder`.

    Reference:
        Vincent et al. 2008, "Extracting and Composing Robust Features with Denoising Autoencoders", ICML.
        Vincent et al. 2010, "Stacked Denoising Autoencoders", JMLR 11.
    """

    def __init__(self, latent_dim: int, *, corruption: float = 0.25, kind: str = "masking", **options: Any) -> None:
        super().__init__(latent_dim, **options)
        self.corruption = self.scalar("corruption", corruption, most=1.0)
        self.kind = self.choice("kind", kind, KINDS)

    def corrupted(self, images: Any) -> Any:
        """The images as the encoder sees them in training, `(batch, *image_shape)`."""
        images = ops.cast(images, self.variable_dtype)
        if self.kind == "gaussian":
            return images + self.corruption * keras.random.normal(ops.shape(images), seed=self.noise)
        hit = keras.random.uniform(ops.shape(images), seed=self.noise) < self.corruption
        if self.kind == "masking":
            return ops.where(hit, 0.0, images)
        coins = keras.random.uniform(ops.shape(images), seed=self.noise) < 0.5
        return ops.where(hit, ops.cast(coins, images.dtype), images)

    def terms(self, images: Any, training: bool = False) -> Terms:  # noqa: D102
        seen = self.corrupted(images) if training else images
        codes = self.encode(seen, training=training).sample(self.noise)
        distortion = self.distortion(images, codes, training=training)
        return Terms(objective=distortion, distortion=distortion)
