"""Tables, CSV and parquet: rows are vectors, or time steps of series, and columns have roles."""

from __future__ import annotations

from collections.abc import Mapping
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
    """A table as the arrays of an npz without a test split, and the names of its columns of data: see `arrays_of`."""
    return arrays_of({"train": _frame(path)}, roles, path)


def arrays_of(frames: Mapping[str, pd.DataFrame], roles: Roles, path: Path) -> tuple[dict[str, Array], list[str]]:
    """Tables by split as the arrays of an npz, and the names of their columns of data.

    Returns:
        Of each split `x_train` `(n, d)`, or of a long table `(n, time steps, d)`, float64; `y_train` and
        `factors_train` where asked for, and `groups_train`, `factor_names`, `factor_kinds`.

    Raises:
        UserError: a file cannot be read, or a column is absent, has two roles, or does not fit its role.
    """
    arrays: dict[str, Array] = {}
    parts: dict[str, pd.DataFrame] = {}  # a row an item
    names: list[str] = []
    for split, frame in frames.items():
        _check(frame, roles, path)
        values, parts[split], own = _values(frame, roles, path)
        if names and own != names:
            raise UserError(f"{path} has columns {', '.join(own)} in {split} and {', '.join(names)} in others")
        arrays[f"x_{split}"], names = values, own
        if roles.label is not None:
            arrays[f"y_{split}"] = _labels(parts[split][roles.label], roles.label, path)
    if roles.group is not None:
        arrays["groups_train"] = _groups(parts["train"][roles.group], roles.group, path)
    return {**arrays, **(_factors(parts, roles, path) if roles.factors else {})}, names


def _values(frame: pd.DataFrame, roles: Roles, path: Path) -> tuple[Array, pd.DataFrame, list[str]]:
    """What models see of a table, one row of it for each item, and the names of the columns that they see."""
    steps = 0
    if roles.id is not None and roles.time is not None:
        frame, steps = in_order(frame, roles.id, roles.time, roles.of_items, str(path))
    data = _data(frame, roles, path)
    values: Array = data.to_numpy(np.float64, na_value=np.nan)
    if steps:
        values = values.reshape(len(frame) // steps, steps, data.shape[1])
        frame = frame[::steps]
    return values, frame, [str(name) for name in data.columns]


def _factors(parts: Mapping[str, pd.DataFrame], roles: Roles, path: Path) -> dict[str, Array]:
    """The factors of all splits, so that a name has the same number in each."""
    import pandas as pd

    together = pd.concat([parts[split][list(roles.factors)] for split in parts])
    kinds, values = zip(*(_factor(together[name], name, path) for name in roles.factors), strict=True)
    ends = np.cumsum([len(part) for part in parts.values()])[:-1]
    by_split = dict(zip(parts, np.split(np.stack(values, axis=1), ends), strict=True))
    arrays: dict[str, Array] = {f"factors_{split}": own for split, own in by_split.items()}
    return {**arrays, "factor_names": np.array(roles.factors), "factor_kinds": np.array(kinds)}


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
