"""Tables, CSV and parquet: rows are vectors, or time steps of series, and columns have roles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aebench.data.dataset import Array
from aebench.data.long_tables import in_order
from aebench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Roles:
    """What columns of a table are that are not data.

    Attributes:
        label: the column of the classes; `None` without classes.
        factors: columns that are known of each row and that models shall not see.
        ignore: columns to leave out.
        id, time: of a table whose rows are time steps: which series a row belongs to, and when in it.
        group: what rows or series have in common, as a recording or a person; one is in one split alone.
    """

    label: str | None = None
    factors: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    id: str | None = None
    time: str | None = None
    group: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """All columns that have a role; the group may be a label, a factor or the name of a series too."""
        single = tuple(name for name in (self.label, self.id, self.time) if name is not None)
        known = (*single, *self.factors, *self.ignore)
        return known if self.group is None or self.group in known else (*known, self.group)

    @property
    def of_items(self) -> tuple[str, ...]:
        """Columns that have one value for each row or series."""
        return tuple(name for name in (self.label, *self.factors, self.group) if name is not None)


def read_table(path: Path, roles: Roles) -> tuple[dict[str, Array], list[str]]:
    """A table as the arrays of an npz without a test split, and the names of its columns of data.

    Returns:
        `x_train` `(n, d)`, or of a long table `(n, time steps, d)`, float64; `y_train`, `groups_train` and
        `factors_train`, `factor_names`, `factor_kinds` where asked for.

    Raises:
        UserError: the file cannot be read, or a column is absent, has two roles, or does not fit its role.
    """
    frame, steps = _frame(path), 0
    _check(frame, roles, path)
    if roles.id is not None and roles.time is not None:
        frame, steps = in_order(frame, roles.id, roles.time, roles.of_items, str(path))
    data = _data(frame, roles, path)
    arrays: dict[str, Array] = {"x_train": data.to_numpy(np.float64, na_value=np.nan)}
    if steps:
        arrays["x_train"] = arrays["x_train"].reshape(len(frame) // steps, steps, data.shape[1])
        frame = frame[::steps]
    if roles.group is not None:
        arrays["groups_train"] = _groups(frame[roles.group], roles.group, path)
    if roles.label is not None:
        arrays["y_train"] = _labels(frame[roles.label], roles.label, path)
    if roles.factors:
        kinds, values = zip(*(_factor(frame[name], name, path) for name in roles.factors), strict=True)
        arrays |= {"factors_train": np.stack(values, axis=1), "factor_names": np.array(roles.factors)}
        arrays["factor_kinds"] = np.array(kinds)
    return arrays, [str(name) for name in data.columns]


def _data(frame: pd.DataFrame, roles: Roles, path: Path) -> pd.DataFrame:
    """The columns without a role, all of them numbers."""
    data = frame.drop(columns=list(roles.named))
    text = [str(name) for name in data.columns if not _is_numeric(data[name])]
    if text:
        told = ", ".join(map(repr, text[:5])) + (" ..." if len(text) > 5 else "")
        raise UserError(
            f"{path} has columns that are no numbers: {told}; name them with --label, --factors, --ignore or, of time "
            "series, --id and --time, or replace them by numbers"
        )
    return data


def _frame(path: Path) -> pd.DataFrame:
    import pandas as pd

    read = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
    try:
        return read(path).rename(columns=str)
    except Exception as error:  # pandas raises whatever its parser met
        if isinstance(error, OSError) and error.errno is not None:  # of the disk; pyarrow's, of content, has none
            raise
        kind = "parquet file" if path.suffix == ".parquet" else "CSV with a first line of names"
        raise UserError(f"cannot read {path}: {_line(error)}; expected a {kind}") from error


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _check(frame: pd.DataFrame, roles: Roles, path: Path) -> None:
    if (roles.id is None) != (roles.time is None):
        raise UserError("--id and --time go together: which series a row belongs to, and when in it")
    if not len(frame):
        raise UserError(f"{path} has no rows; at least 20 are needed")
    known = [str(name) for name in frame.columns]
    for name in roles.named:
        if name not in known:
            shown = ", ".join(known[:12]) + (" ..." if len(known) > 12 else "")
            raise UserError(f"{path} has no column {name!r}; it has {shown}")
        if roles.named.count(name) > 1:
            raise UserError(
                f"column {name!r} has several roles; name it once in --label, --factors, --ignore, --id and --time"
            )


def _is_numeric(column: pd.Series) -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(column)


def _labels(column: pd.Series, name: str, path: Path) -> Array:
    if column.isna().any():
        raise UserError(f"{path} has rows without a label in {name!r}; fill them, or leave out those rows")
    if not _is_numeric(column):
        return column.astype(str).to_numpy(np.str_)
    if column.dtype.kind in "iub":
        return column.to_numpy(np.int64)
    values = column.to_numpy(np.float64)
    if not np.isfinite(values).all() or not np.array_equal(values, np.floor(values)):
        raise UserError(
            f"label column {name!r} of {path} holds fractions or infinities; classes are whole numbers or names: "
            "make it a factor (--factors) or --ignore it"
        )
    return values.astype(np.int64)


def _groups(column: pd.Series, name: str, path: Path) -> Array:
    if column.isna().any():
        raise UserError(f"{path} has rows without a group in {name!r}; fill them, or leave out those rows")
    return np.unique(column.astype(str).to_numpy(np.str_), return_inverse=True)[1]


def _factor(column: pd.Series, name: str, path: Path) -> tuple[str, Array]:
    """Its kind and values; names are numbered in sorted order."""
    if column.isna().any():
        raise UserError(f"{path} has rows without a value of factor {name!r}; fill them, or leave out those rows")
    if _is_numeric(column):
        return "ordered", column.to_numpy(np.float64)
    return "categorical", np.unique(column.astype(str).to_numpy(np.str_), return_inverse=True)[1].astype(np.float64)
