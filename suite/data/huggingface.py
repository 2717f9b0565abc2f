"""Folders as Hugging Face's `datasets` leaves them on disk: arrow or parquet files with a column of encoded images.

They are read with pyarrow; `datasets` itself is not needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from aebench.data.arrays import RawSplit
from aebench.data.dataset import Array, Published
from aebench.data.decoding import File, Size, decode
from aebench.data.image_folder import SPLITS
from aebench.errors import UserError

_ENDINGS = (".arrow", ".parquet")


def holds(path: Path) -> bool:
    """Whether it is such a folder, or a parquet file with a column of encoded images."""
    if path.is_dir():
        return bool(_files(path))
    return path.suffix == ".parquet" and path.is_file() and bool(_image_columns(_schema(path)))


def read(path: Path, size: Size | None, label: str | None) -> tuple[dict[str, RawSplit], str, tuple[str, ...]]:
    """The images and labels of such a folder, in its order.

    Args:
        path: as `save_to_disk` wrote it, a copy of a repository with parquet files, or one such file.
        size: see `decoding.decode`.
        label: the column of the classes; by default the one that is declared as `ClassLabel`, if there is one.

    Returns:
        Images and labels by split, a sentence on what was found, and the names of the classes by label, or nothing.

    Raises:
        UserError: no column of images or several, several of classes, images that are not in the files, or as
            `decoding.decode`.
    """
    files, left_out = _by_split(path)
    schema = _schema(next(iter(files.values()))[0])
    image = _one(_image_columns(schema), "images", path)
    features = _features(schema)
    label = _label(label, features, schema, path)
    columns = [image] if label is None else [image, label]
    tables = {split: [_columns(file, columns) for file in parts] for split, parts in files.items()}
    encoded = {split: [*_encoded(parts, image, f"{split} of {path}")] for split, parts in tables.items()}
    decoded = decode(encoded, size, str(path))
    labels = {split: None if label is None else _values(parts, label, path) for split, parts in tables.items()}
    names = tuple(map(str, features.get(label or "", {}).get("names") or ()))
    what = "no column of classes" if label is None else f"classes from column {label!r}"
    rest = [f"files of other splits left out ({left_out})"] if left_out else []
    note = "; ".join([f"column {image!r}", what, *decoded.notes, *rest])
    return {split: (images, labels[split]) for split, images in decoded.images.items()}, note, names


def named(published: Published, names: tuple[str, ...], where: str) -> Published:
    """The data set with its classes called as they are declared, not by their numbers."""
    if not names or published.class_names is None:
        return published
    values = [int(value) for value in published.class_names]
    if not 0 <= min(values) <= max(values) < len(names):
        raise UserError(f"labels in {where} are {min(values)} to {max(values)}; declared: 0 to {len(names) - 1}")
    return replace(published, class_names=tuple(names[value] for value in values))


def _files(path: Path) -> list[Path]:
    """Arrow files beside a `state.json`, or parquet files that hold encoded images."""
    arrow = sorted(file for file in path.glob("**/*.arrow") if (file.parent / "state.json").exists())
    if arrow:
        return arrow
    parquet = sorted(path.glob("**/*.parquet"))
    return parquet if parquet and _image_columns(_schema(parquet[0])) else []


def _by_split(path: Path) -> tuple[dict[str, list[Path]], int]:
    """Files by split, told by how a file or the folder that it lies in is called; and how many are of no split.

    Where none is called as a split, all are for training.
    """
    if path.is_file():
        return {"train": [path]}, 0
    found: dict[str, list[Path]] = {}
    for file in _files(path):
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


def _schema(path: Path) -> Any:
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


def _columns(path: Path, columns: list[str]) -> Any:
    """The columns of a file as a table whose offsets lie inside of it: pyarrow itself trusts an arrow file's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path, columns=columns)
        else:
            with pa.memory_map(str(path)) as source:
                table = pa.ipc.open_stream(source).read_all().select(columns)
        table.validate(full=True)
        return table
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def _image_columns(schema: Any) -> list[str]:
    """Columns of encoded files: bytes with a path, or bytes that are declared as images."""
    import pyarrow as pa

    declared = {name for name, feature in _features(schema).items() if feature.get("_type") == "Image"}

    def is_bytes(kind: Any) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    def is_encoded(name: str, kind: Any) -> bool:
        if pa.types.is_struct(kind):
            return kind.get_field_index("bytes") >= 0 and is_bytes(kind.field("bytes").type)
        return name in declared and is_bytes(kind)

    return [field.name for field in schema if is_encoded(field.name, field.type)]


def _features(schema: Any) -> dict[str, Mapping[str, Any]]:
    """What is declared of each column in the file's own metadata; nothing where that is absent or damaged."""
    try:
        declared = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = declared.get("info", {}).get("features", {})
        return {str(name): feature for name, feature in features.items() if isinstance(feature, dict)}
    except (ValueError, AttributeError):
        return {}


def _one(names: list[str], what: str, path: Path) -> str:
    if len(names) != 1:
        told = ", ".join(map(repr, names)) or "none"
        raise UserError(f"{path} must have one column of {what} and has {told}; leave one in a copy of it")
    return names[0]


def _label(asked: str | None, features: Mapping[str, Mapping[str, Any]], schema: Any, path: Path) -> str | None:
    if asked is not None:
        if asked not in schema.names:
            raise UserError(f"{path} has no column {asked!r}; it has {', '.join(schema.names)}")
        return asked
    declared = [name for name, feature in features.items() if feature.get("_type") == "ClassLabel"]
    if len(declared) > 1:
        raise UserError(f"{path} has several columns of classes: {', '.join(declared)}; name one with --label")
    return declared[0] if declared else "label" if "label" in schema.names else None


def _encoded(tables: list[Any], column: str, where: str) -> Iterator[File]:
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [table[column] for table in tables]
    parts = [pc.struct_field(part, "bytes") if pa.types.is_struct(part.type) else part for part in parts]
    for at, value in enumerate(value for part in parts for value in part):
        if not value.is_valid:
            raise UserError(f"image {at} of {where} is not in the file, only its path; embed the images first")
        yield File(name=f"image {at} of {where}", content=value.as_py())


def _values(tables: list[Any], column: str, path: Path) -> Array:
    values = [value for table in tables for value in table[column].to_pylist()]
    if any(value is None for value in values):
        raise UserError(f"{path} has rows without a {column!r}; leave them out, or choose another column with --label")
    return np.array(values)
