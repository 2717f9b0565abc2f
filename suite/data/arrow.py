"""Arrow and parquet files in a folder, as Hugging Face's `datasets` leaves them: by split, with what they declare.

They are read with pyarrow; `datasets` itself is not needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aebench.data.image_folder import SPLITS
from aebench.errors import UserError


def files_of(path: Path) -> list[Path]:
    """Arrow files beside a `state.json`, else parquet files; a parquet file itself."""
    if path.is_file():
        return [path] if path.suffix == ".parquet" else []
    arrow = sorted(file for file in path.glob("**/*.arrow") if (file.parent / "state.json").exists())
    return arrow or sorted(path.glob("**/*.parquet"))


def by_split(path: Path) -> tuple[dict[str, list[Path]], int]:
    """Files by split, told by how a file or the folder that it lies in is called; and how many are of no split.

    Where none is called as a split, all are for training.
    """
    if path.is_file():
        return {"train": [path]}, 0
    found: dict[str, list[Path]] = {}
    for file in files_of(path):
        found.setdefault(_said_split(file, path), []).append(file)
    others = found.pop("", [])
    if not found:
        return {"train": others}, 0
    if "train" not in found:
        raise UserError(f"{path} has files for {', '.join(found)} and none for train; rename those to train on")
    return {split: found[split] for split in ("train", "validation", "test") if split in found}, len(others)


def _said_split(file: Path, root: Path) -> str:
    """What the first word of the file's name says, else of the innermost folder that is called as a split is."""
    names = (file.name, *reversed(file.relative_to(root).parts[:-1]))
    words = [re.split(r"[^a-z]", name.lower())[0] for name in names]
    return next((SPLITS[word] for word in words if word in SPLITS), "")


def schema_of(path: Path) -> Any:
    """Names and types of a file's columns, and what is declared of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".parquet":
            schema = pq.read_schema(path)
        else:
            with pa.OSFile(str(path)) as source:
                schema = pa.ipc.open_stream(source).schema
        _ = schema.names  # which may be no text
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    return schema


def _unreadable(path: Path, error: Exception) -> UserError:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return UserError(f"cannot read {path}: {reason}; expected an arrow or parquet file")


def columns_of(path: Path, columns: Sequence[str]) -> Any:
    """The columns of a file as a table whose offsets lie inside of it: pyarrow itself trusts an arrow file's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path, columns=list(columns))
        else:
            with pa.memory_map(str(path)) as source:
                table = pa.ipc.open_stream(source).read_all().select(list(columns))
        table.validate(full=True)
        return table
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def features_of(schema: Any) -> dict[str, Mapping[str, Any]]:
    """What is declared of each column in the file's own metadata; nothing where that is absent or damaged."""
    try:
        declared = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = declared.get("info", {}).get("features", {})
        return {str(name): feature for name, feature in features.items() if isinstance(feature, dict)}
    except (ValueError, AttributeError):
        return {}


def label_of(
    asked: str | None, features: Mapping[str, Mapping[str, Any]], names: Sequence[str], path: Path
) -> str | None:
    """The column of the classes: the one that is asked for, else that which is declared as such, or called `label`."""
    if asked is not None:
        if asked not in names:
            raise UserError(f"{path} has no column {asked!r}; it has {', '.join(names)}")
        return asked
    declared = [name for name, feature in features.items() if feature.get("_type") == "ClassLabel"]
    if len(declared) > 1:
        raise UserError(f"{path} has several columns of classes: {', '.join(declared)}; name one with --label")
    return declared[0] if declared else "label" if "label" in names else None
