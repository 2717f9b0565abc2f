"""Tables in folders as Hugging Face's `datasets` leaves them on disk: numbers, lists of numbers and classes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
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
    files, left_out = by_split(path)
    schema = schema_of(next(iter(files.values()))[0])
    features = features_of(schema)
    taken = {*roles.named} - {roles.label}  # columns that are no classes, whatever is declared of them
    declared = {name: feature for name, feature in features.items() if name not in taken}
    others = [name for name in schema.names if name not in taken]
    roles = replace(roles, label=label_of(roles.label, declared, others, path))
    frames = {split: _together(parts, schema.names, roles, path) for split, parts in files.items()}
    names = tuple(map(str, features.get(roles.label or "", {}).get("names") or ()))
    what = "no column of classes" if roles.label is None else f"classes from column {roles.label!r}"
    rest = [f"files of other splits left out ({left_out})"] if left_out else []
    return frames, roles, names, "; ".join(["a table", what, *rest])


def _together(files: Sequence[Path], names: Sequence[str], roles: Roles, path: Path) -> pd.DataFrame:
    """The rows of all files of a split; files without any are left out."""
    import pandas as pd

    tables = [table for file in files if len(table := columns_of(file, names))]
    if not tables:
        raise UserError(f"{path} has no rows in {files[0].name}; at least 20 are needed to train, and 2 to test")
    frames = [_frame(table, roles.ignore, path) for table in tables]
    for frame in frames[1:]:
        if list(frame) != list(frames[0]):
            apart = ", ".join(sorted({*frame} ^ {*frames[0]})[:5])
            raise UserError(f"files of {path} differ in their columns: {apart}; lists must be as long in every row")
    return pd.concat(frames, ignore_index=True)


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
