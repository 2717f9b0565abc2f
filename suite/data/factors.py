"""Factors of variation that a user brings with images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import numpy as np

from aebench.data.dataset import Array, Published
from aebench.errors import UserError
from aebench.records.record import Factor, FactorKind

ARRAYS = ("factors_train", "factors_validation", "factors_test", "factor_names", "factor_kinds", "factor_periods")
MOST_LEVELS = 100  # values of a factor, above which it counts as continuous


def attach(published: Published, arrays: Mapping[str, Array], where: str) -> Published:
    """Adds the factors that came with images, if any did.

    Args:
        published: training images, and validation and test images where there are some.
        arrays: `factors_train`, `factors_validation` and `factors_test` `(n, factors)` of as many splits as there are,
            and of the factors `factor_names`; if given, `factor_kinds` (all are ordered without) and `factor_periods`
            (of periodic factors; others' are not read).
        where: what to call the source in messages.

    Raises:
        UserError: factors of one split alone, unsuitable shapes or values, or names, kinds or periods that don't fit.
    """
    given = [name for name in ARRAYS if name in arrays]
    if not given:
        return published
    images = published.splits()
    missing = [name for name in (*(f"factors_{split}" for split in images), "factor_names") if name not in arrays]
    if missing:
        raise UserError(f"{where} has {', '.join(given)} but no {', '.join(missing)}; give these too, or none of them")
    names = [str(name) for name in np.atleast_1d(arrays["factor_names"])]
    values = {
        split: _values(arrays[f"factors_{split}"], len(own), len(names), f"factors_{split} in {where}")
        for split, own in images.items()
    }
    factors = _factors(names, np.concatenate([*values.values()]), arrays, where)
    known = {split: replace(own, factors=values[split]) for split, own in images.items()}
    return replace(
        published,
        train=known["train"],
        validation=known.get("validation"),
        test=known.get("test"),
        factors=factors,
    )


def _values(values: Array, images: int, factors: int, what: str) -> Array:
    if values.dtype.kind not in "iubf":
        raise UserError(f"{what} is of type {values.dtype}; allowed: numbers; number the values of categories from 0")
    if values.shape != (images, factors):
        raise UserError(
            f"{what} has shape {values.shape}; needed: ({images}, {factors}), a row an image and a column a factor"
        )
    if not np.isfinite(values).all():
        raise UserError(f"{what} holds NaN or infinity; give every image a value of every factor")
    return values.astype(np.float64)


def _factors(names: list[str], values: Array, arrays: Mapping[str, Array], where: str) -> tuple[Factor, ...]:
    if len(set(names)) < len(names):
        raise UserError(f"factor_names in {where} are {', '.join(names)}; give each factor a name of its own")
    kinds = _of_each(arrays.get("factor_kinds"), names, "ordered", f"factor_kinds in {where}")
    periods = _of_each(arrays.get("factor_periods"), names, "nan", f"factor_periods in {where}")
    return tuple(
        _factor(name, kind, period, values[:, at], where)
        for at, (name, kind, period) in enumerate(zip(names, kinds, periods, strict=True))
    )


def _of_each(given: Array | None, names: list[str], default: str, what: str) -> list[str]:
    if given is None:
        return [default] * len(names)
    told = [str(one) for one in np.atleast_1d(given)]
    if len(told) != len(names):
        raise UserError(f"{what} are {len(told)} for {len(names)} factors; give one for each")
    return told


def _factor(name: str, kind: str, period: str, values: Array, where: str) -> Factor:
    if kind not in (kinds := get_args(FactorKind)):
        raise UserError(f"factor {name!r} in {where} is of kind {kind!r}; allowed: {', '.join(kinds)}")
    levels = len(np.unique(values))
    if kind == "categorical" and not np.array_equal(np.unique(values), np.arange(levels)):
        raise UserError(f"factor {name!r} in {where} is categorical; number its values 0, 1, 2 ... and use each")
    turn = _period(name, period, where) if kind == "periodic" else None
    known = kind == "categorical" or levels <= MOST_LEVELS
    return Factor.model_validate({"name": name, "kind": kind, "levels": levels if known else None, "period": turn})


def _period(name: str, text: str, where: str) -> float:
    try:
        period = float(text)
    except ValueError:
        period = float("nan")
    if not (np.isfinite(period) and period > 0):
        raise UserError(f"factor {name!r} in {where} is periodic with period {text}; give a number > 0, as 2π")
    return period
