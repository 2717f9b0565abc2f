"""The plain autoencoder."""

from __future__ import annotations

from aebench.models.base import Autoencoder, register


@register("ae", version=1)
class AE(Autoencoder):
    """Encoder to one code, decoder back, trained on the distortion alone (Hinton & Salakhutdinov 2006).

    Reconstructs best at a given size of its codes. Nothing says where in the space of codes images lie: draws of the
    prior decode to few images that look real, those of a mixture fitted to the codes to more. There is no posterior,
    hence no bound. Deviation: trained at once from random weights, where the paper pretrains layer by layer.

    Objective:
        D      (D: distortion -log p(x|z) of the image at its code, in nats)

    Args:
        latent_dim: numbers in a code, >= 1; in the paper 2 to 30.
        **options: see `Autoencoder`.

    Reference:
        Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks", Science 313.
    """
