"""Images in folders as Hugging Face's `datasets` leaves them on disk: files with a column of encoded images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from aebench.data.arrays import RawSplit
from aebench.data.arrow import by_split, columns_of, features_of, files_of, label_of, schema_of
from aebench.data.dataset import Array, Published
from aebench.data.decoding import File, Size, decode
from aebench.errors import UserError


def holds(path: Path) -> bool:
    """Whether it is such a folder, or a parquet file, with a column of encoded images."""
    files = files_of(path)
    return bool(files) and bool(_image_columns(schema_of(files[0])))


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
    files, left_out = by_split(path)
    schema = schema_of(next(iter(files.values()))[0])
    image = _one(_image_columns(schema), "images", path)
    features = features_of(schema)
    label = label_of(label, features, schema.names, path)
    columns = [image] if label is None else [image, label]
    tables = {split: [columns_of(file, columns) for file in parts] for split, parts in files.items()}
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


def _image_columns(schema: Any) -> list[str]:
    """Columns of encoded files: bytes with a path, or bytes that are declared as images."""
    import pyarrow as pa

    declared = {name for name, feature in features_of(schema).items() if feature.get("_type") == "Image"}

    def is_bytes(kind: Any) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    def is_encoded(name: str, kind: Any) -> bool:
        if pa.types.is_struct(kind):
            return kind.get_field_index("bytes") >= 0 and is_bytes(kind.field("bytes").type)
        return name in declared and is_bytes(kind)

    return [field.name for field in schema if is_encoded(field.name, field.type)]


def _one(names: list[str], what: str, path: Path) -> str:
    if len(names) != 1:
        told = ", ".join(map(repr, names)) or "none"
        raise UserError(f"{path} must have one column of {what} and has {told}; leave one in a copy of it")
    return names[0]


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
