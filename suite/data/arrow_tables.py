"""Tables in folders as Hugging Face's `datasets` leaves them on disk: numbers, lists of numbers and classes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aebench.data.arrow import by_split, columns_of, features_of, files_of, label_of, schema_of
from aebench.data.tables import Roles
from aebench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def holds(path: Path) -> bool:
    """Whether it is such a folder."""
    return path.is_dir() and bool(files_of(path))


def read(path: Path, roles: Roles) -> tuple[dict[str, pd.DataFrame], Roles, tuple[str, ...], str]:
    """The tables of such a folder by split; a column of lists, as of embeddings, becomes as many columns of numbers.

    Args:
        path: as `save_to_disk` wrote it, or a copy of a repository with parquet files.
        roles: of its columns; without a label, the column that is declared as `ClassLabel` is the label.

    Returns:
        The tables, the roles, the names of the classes by label, or nothing, and a sentence on what was found.

    Raises:
        UserError: a file cannot be read, or lists of one column differ in length.
    """
    import pandas as pd

    files, left_out = by_split(path)
    schema = schema_of(next(iter(files.values()))[0])
    features = features_of(schema)
    roles = replace(roles, label=label_of(roles.label, features, schema, path))
    frames = {
        split: pd.concat(
            [_frame(columns_of(file, schema.names), roles.ignore, path) for file in parts], ignore_index=True
        )
        for split, parts in files.items()
    }
    names = tuple(map(str, features.get(roles.label or "", {}).get("names") or ()))
    what = "no column of classes" if roles.label is None else f"classes from column {roles.label!r}"
    rest = [f"files of other splits left out ({left_out})"] if left_out else []
    return frames, roles, names, "; ".join(["a table", what, *rest])


def _frame(table: Any, ignored: Collection[str], path: Path) -> pd.DataFrame:
    import pandas as pd

    whole: pd.DataFrame = table.to_pandas()
    columns = [
        column
        for name in table.column_names
        for column in ([whole[name]] if name in ignored else _columns(whole, table, name, path))
    ]
    apart: pd.DataFrame = pd.concat(columns, axis=1)
    return apart


def _columns(whole: pd.DataFrame, table: Any, name: str, path: Path) -> Iterator[pd.DataFrame | pd.Series]:
    """A column as it is, or of lists of numbers as many as they are long."""
    import pandas as pd
    import pyarrow as pa

    kind = table.schema.field(name).type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        yield whole[name]
        return
    lengths = {-1 if one is None else len(one) for one in whole[name]}
    if len(lengths) != 1 or min(lengths) < 1:
        raise UserError(
            f"lists in column {name!r} of {path} are {max(min(lengths), 0)} to {max(lengths)} long; they must be as "
            "long in every row: leave the column out with --ignore, or pad them"
        )
    values = np.stack([np.asarray(one) for one in whole[name]])
    yield pd.DataFrame({f"{name} {at}": values[:, at] for at in range(values.shape[1])})
