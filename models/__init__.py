"""Autoencoder variants as plain subclassed Keras models, usable without the benchmark suite.

`aebench.models.AE`, `aebench.models.VAE` and their kin are imported on first use, so that reading what a variant file
declares does not cost an import of Keras.
"""

from __future__ import annotations

if __name__ != "aebench.models":
    raise ImportError(f"import aebench.models, not {__name__}: as a second copy its classes would not be the suite's")

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aebench.models.ae import AE
    from aebench.models.base import Autoencoder, Terms, register
    from aebench.models.iwae import IWAE
    from aebench.models.networks import Network, register_network
    from aebench.models.vae import VAE

_HOMES = {
    "AE": "ae",
    "IWAE": "iwae",
    "VAE": "vae",
    "Autoencoder": "base",
    "Terms": "base",
    "register": "base",
    "Network": "networks",
    "register_network": "networks",
}

__all__ = ["AE", "IWAE", "VAE", "Autoencoder", "Network", "Terms", "register", "register_network"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
