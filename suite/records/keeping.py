"""Pieces of what is measured, which can be kept so that an interrupt costs one of them. Imports no Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

Piece = dict[str, np.ndarray]


class Keeping(Protocol):
    """Keeps pieces of what is measured, by name."""

    def __call__(self, name: str, compute: Callable[[], Piece], /) -> Piece:
        """What `compute` gives, or gave under this name before an interrupt: the same to the last bit."""


def unkept(name: str, compute: Callable[[], Piece], /) -> Piece:  # noqa: ARG001
    """What `compute` gives, each time anew."""
    return compute()
