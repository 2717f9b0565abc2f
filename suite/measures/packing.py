"""What a family says of a cohort, packed as a piece that can be kept. Imports no Keras."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from aebench.measures.family import Measured
from aebench.records.keeping import Piece

_NUMBERS = "numbers"


def packed(found: Sequence[Measured]) -> Piece:
    """What a family says of each run, as a piece."""
    numbers = [{"numbers": one.numbers, "profiles": one.profiles} for one in found]
    piece = {_NUMBERS: np.frombuffer(json.dumps(numbers, default=float).encode(), "uint8")}
    for run, one in enumerate(found):
        for kind, arrays in (("latents", one.latents), ("figures", one.figures)):
            piece |= {f"{run}/{kind}/{name}": np.asarray(array) for name, array in arrays.items()}
    return piece


def unpacked(piece: Piece) -> list[Measured]:
    """What a family said of each run, from its piece."""
    told: list[dict[str, Any]] = json.loads(piece[_NUMBERS].tobytes())
    arrays: list[dict[str, Piece]] = [{"latents": {}, "figures": {}} for _ in told]
    for name, array in piece.items():
        if name != _NUMBERS:
            run, kind, own = name.split("/", 2)
            arrays[int(run)][kind][own] = array
    return [
        Measured(
            numbers=one["numbers"], profiles={name: tuple(values) for name, values in one["profiles"].items()}, **own
        )
        for one, own in zip(told, arrays, strict=True)
    ]
