"""Vectors and series: their columns or channels checked, and standardised as the training split says."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from aebench.data.dataset import Array, Split
from aebench.errors import UserError
from aebench.records.record import Column, Values, items

_NAMED = 5  # columns in a message
_WORDS = {2: "column", 3: "channel"}  # what is named along the last axis, by the number of axes


def checked(
    parts: Mapping[str, Array], values: Values, names: Sequence[str] | None, where: str
) -> tuple[dict[str, Array], tuple[Column, ...]]:
    """Vectors or series as float64, and their columns or channels, unscaled.

    Args:
        parts: by split, vectors `(n, columns)` or series `(n, time steps, channels)`.
        values: what kind of numbers they hold.
        names: of the columns or channels; `column 0` and so on without.
        where: what to call the source in messages.

    Raises:
        UserError: unsuitable types, shapes, names or values.
    """
    shape = next(iter(parts.values())).shape[1:]
    width, word = shape[-1], _WORDS[len(shape) + 1]
    if any(part.shape[1:] != shape for part in parts.values()):
        told = ", ".join(f"{' x '.join(map(str, part.shape[1:]))} in {split}" for split, part in parts.items())
        what = "vectors" if len(shape) == 1 else "series"
        differ = "columns" if len(shape) == 1 else "time steps or channels"
        raise UserError(f"{what} in {where} differ in their {differ}: {told}; give all splits the same")
    if not math.prod(shape):
        raise UserError(f"{where} has no {word}s of data; at least one is needed")
    names = [f"{word} {at}" for at in range(width)] if names is None else names
    if len(names) != width or len(set(names)) < width:
        raise UserError(f"{where} has {len(set(names))} distinct {word} names for {width} {word}s; name each one")
    found = {split: _numbers(part, f"x_{split} in {where}") for split, part in parts.items()}
    for split, part in found.items():
        _refuse_unfit(part, values, names, f"{where}, {split}" if len(found) > 1 else where)
    return found, tuple(Column(name=name) for name in names)


def _numbers(part: Array, what: str) -> Array:
    if part.dtype.kind not in "iufb":
        raise UserError(f"{what} is of type {part.dtype}; allowed: numbers; convert it")
    return np.ascontiguousarray(part, np.float64)


def _refuse_unfit(part: Array, values: Values, names: Sequence[str], where: str) -> None:
    gone = ~np.isfinite(part)
    if gone.any():
        hit, what = int(gone.reshape(len(gone), -1).any(axis=1).sum()), items(part.shape[1:])
        raise UserError(
            f"{where} has missing or infinite values in {_listed(gone, names)} ({hit} of {len(part)} {what}); "
            f"fill them, or leave out those {what} or {_WORDS[part.ndim]}s"
        )
    if values == "unit" and (off := (part < 0) | (part > 1)).any():
        raise UserError(f"{where} is outside of [0, 1] in {_listed(off, names)}; scale it, or import it as real")
    if values == "counts" and (off := (part < 0) | (part != np.floor(part))).any():
        raise UserError(f"{where} holds no counts in {_listed(off, names)}; allowed: whole numbers from 0")


def _listed(marked: Array, names: Sequence[str]) -> str:
    """The names of the columns, of `(..., columns)`, that have a mark."""
    found = [repr(names[at]) for at in np.flatnonzero(marked.reshape(-1, len(names)).any(axis=0)).tolist()]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}"


def standardised(splits: Mapping[str, Split], where: str) -> dict[str, Split]:
    """The splits with columns, or channels over all time steps, of mean 0 and standard deviation 1 on `train`.

    Raises:
        UserError: a column has one value alone in `train`, or values too large to be scaled.
    """
    train = splits["train"]
    names = [column.name for column in train.columns]
    over = tuple(range(train.images.ndim - 1))
    constant = train.images.max(axis=over) == train.images.min(axis=over)
    if constant.any():
        hit = ",".join(name for name, same in zip(names, constant.tolist(), strict=True) if same)
        raise UserError(
            f"{where} has one value alone in {_listed(constant[None], names)} of its {len(train)} training "
            f"{items(train.images.shape[1:])}; leave out what does not vary: --ignore {shlex.quote(hit)}"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = train.images.mean(axis=over), train.images.std(axis=over)
    lost = ~(np.isfinite(mean) & np.isfinite(scale) & (scale > 0))
    if lost.any():
        raise UserError(f"{where} cannot be scaled in {_listed(lost[None], names)}; give it in a unit of its size")
    columns = tuple(
        Column(name=name, mean=float(one), scale=float(other))
        for name, one, other in zip(names, mean, scale, strict=True)
    )
    return {name: replace(split, columns=columns) for name, split in splits.items()}
