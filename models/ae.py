"""The plain autoencoder."""

from __future__ import annotations

from aebench.models.base import Autoencoder, register


@register("ae", version=1)
class AE(Autoencoder):
    """Encoder to one code, decoder back, trained on the distortion alone (Hinton & Salakhutdinov 2006)."""
