"""Long tables: a row is a time step of a series, which a column names."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aebench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def in_order(frame: pd.DataFrame, named: str, time: str, same: Sequence[str], where: str) -> tuple[pd.DataFrame, int]:
    """The rows series after series, as these first occur, each in the order of its times; and how many a series has.

    Args:
        frame: the table.
        named: the column that says which series a row belongs to.
        time: the column of times, numbers or dates; they decide the order alone.
        same: columns of which each series has one value.
        where: what to call the table in messages.

    Raises:
        UserError: a row has no name or no time, a series has two rows of one time or several values in a column of
            `same`, or series differ in length.
    """
    for column in (named, time):
        if frame[column].isna().any():
            raise UserError(f"{where} has rows without a value in {column!r}; fill them, or leave out those rows")
    at, times = frame.groupby(named, sort=False).ngroup().to_numpy(), _times(frame[time], time, where)
    ordered = frame.iloc[np.lexsort((times, at))]
    twice = frame.assign(**{time: times}).duplicated([named, time])
    if twice.any():
        row = frame[twice].iloc[0]
        raise UserError(f"{where} has several rows of {named} {row[named]!s} at {time} {row[time]!s}; keep one of them")
    lengths = frame.groupby(named, sort=False).size()
    if lengths.min() < lengths.max():
        raise UserError(
            f"{where} has series of {lengths.min()} ({named} {lengths.idxmin()}) to {lengths.max()} time steps "
            f"({named} {lengths.idxmax()}); cut or fill them to one length"
        )
    for column in same:
        values = frame.groupby(named, sort=False)[column].nunique(dropna=False)
        if values.max() > 1:
            raise UserError(
                f"{where} has several values of {column!r} in {named} {values.idxmax()}; give each series one"
            )
    return ordered, int(lengths.max())


def _times(column: pd.Series, name: str, where: str) -> np.ndarray:
    """Places of times in their order, equal for equal ones: `(rows,)` float64."""
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # pandas guesses each date by itself where they have no format in common
            times = column if pd.api.types.is_numeric_dtype(column) else pd.to_datetime(column, utc=True)
    except (ValueError, TypeError, UserWarning) as error:
        raise UserError(
            f"{where} has times in {name!r} that are neither numbers nor dates; write 2026-11-27"
        ) from error
    return times.rank(method="dense").to_numpy(np.float64)
