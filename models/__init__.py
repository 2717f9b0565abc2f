"""Autoencoder variants as plain subclassed Keras models, usable without the benchmark suite.

`models.AE`, `models.VAE` and their kin are imported on first use, so that reading what a variant file
declares does not cost an import of Keras.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {"Autoencoder": "base", "register": "base", "AE": "ae", "IWAE": "iwae", "VAE": "vae"}

__all__ = ["AE", "IWAE", "VAE", "Autoencoder", "register"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
