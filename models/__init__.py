"""Autoencoder variants as plain subclassed Keras models, usable without the benchmark suite.

`aebench.models.AE`, `aebench.models.VAE` and their kin are imported on first use, so that reading what a variant file
declares does not cost an import of Keras.
"""

from __future__ import annotations

if __name__ != "aebench.models":
    raise ImportError(f"import aebench.models, not {__name__}: as a second copy its classes would not be the suite's")

import ast
import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aebench.models.ae import AE
    from aebench.models.base import Autoencoder, Terms, register
    from aebench.models.iwae import IWAE
    from aebench.models.networks import Network, register_network
    from aebench.models.vae import VAE

_CONTRACT = {
    "Autoencoder": "base",
    "Terms": "base",
    "register": "base",
    "Network": "networks",
    "register_network": "networks",
}

__all__ = ["AE", "IWAE", "VAE", "Autoencoder", "Network", "Terms", "register", "register_network"]


@cache
def _homes() -> dict[str, str]:
    """The module of each public name: the contract's, and every class that a file here registers."""
    variants = {
        node.name: path.stem
        for path in sorted(Path(__file__).resolve().parent.glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and any("register(" in ast.unparse(one) for one in node.decorator_list)
    }
    return {**variants, **_CONTRACT}


def __getattr__(name: str) -> Any:
    if name not in _homes():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_homes()[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_homes()})
