"""The array cache: one folder a data set, `.npy` files read by memory map, and `meta.json`.

A folder that exists is complete: it is written aside and renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from aebench.data.dataset import Array, Dataset, Split
from aebench.data.names import check_name
from aebench.errors import UserError
from aebench.records.record import Column, Factor, Values

SCHEMA = 1
SPLITS = ("train", "validation", "test")


class ArrayForm(BaseModel):
    """Type and shape of one `.npy` file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dtype: str
    shape: tuple[int, ...]


class Meta(BaseModel):
    """What `meta.json` holds: everything about a data set but its values."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: int
    name: str
    digest: str
    maximum: float
    class_names: tuple[str, ...] | None
    source: str
    split_rule: str
    arrays: dict[str, ArrayForm]
    factors: tuple[Factor, ...] = ()
    values: Values = "unit"
    columns: tuple[Column, ...] = ()

    @model_validator(mode="after")
    def _has_images(self) -> Meta:
        for split in SPLITS:
            form = self.arrays.get(f"{split}_images")
            if form is None or len(form.shape) not in ((2, 3) if self.columns else (4,)):
                dimensions = "two or three" if self.columns else "four"
                raise ValueError(f"{split}_images is not given with {dimensions} dimensions")
            if self.columns and form.shape[-1] != len(self.columns):
                raise ValueError(
                    f"{split}_images has {form.shape[-1]} columns, of which {len(self.columns)} are described"
                )
            if self.factors and f"{split}_factors" not in self.arrays:
                raise ValueError(f"{split}_factors is not given")
        return self


def root() -> Path:
    """The folder that holds one folder for each cached data set.

    Returns:
        `datasets` in `$AEBENCH_CACHE`, else in `$XDG_CACHE_HOME/aebench`, else in `~/.cache/aebench`.
    """
    if chosen := os.environ.get("AEBENCH_CACHE"):
        return Path(chosen).expanduser() / "datasets"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "aebench" / "datasets"


def folder(name: str) -> Path:
    """The cache folder of one data set, there or not.

    Raises:
        UserError: a name that no data set may have.
    """
    return root() / check_name(name)


def cached_names() -> list[str]:
    """The names of all cached data sets, sorted."""
    found = root()
    return sorted(path.name for path in found.iterdir() if not path.name.startswith(".")) if found.is_dir() else []


def read_meta(name: str) -> Meta | None:
    """Reads the description of a cached data set.

    Args:
        name: the data set.

    Returns:
        Its description, or None where nothing is cached under that name.

    Raises:
        UserError: the cache is damaged, or of another version.
    """
    where = folder(name)
    if not where.exists():
        return None
    try:
        meta = Meta.model_validate_json((where / "meta.json").read_bytes())
    except OSError as error:
        raise _damaged(where, f"meta.json cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise _damaged(where, f"meta.json is not valid ({error.errors()[0]['msg']})") from error
    if meta.schema_version != SCHEMA or meta.name != name:
        raise _damaged(where, f"meta.json is of version {meta.schema_version} for {meta.name!r}")
    return meta


def open_dataset(name: str) -> Dataset | None:
    """Opens a cached data set by memory map.

    Args:
        name: the data set.

    Returns:
        The data set, or None where nothing is cached under that name.

    Raises:
        UserError: the cache is damaged.
    """
    meta = read_meta(name)
    if meta is None:
        return None
    arrays = {array_name: _open_array(folder(name), array_name, form) for array_name, form in meta.arrays.items()}
    splits = {
        split: Split(
            images=arrays[f"{split}_images"],
            labels=arrays.get(f"{split}_labels"),
            maximum=meta.maximum,
            factors=arrays.get(f"{split}_factors"),
            columns=meta.columns,
        )
        for split in SPLITS
    }
    return Dataset(
        name=name,
        digest=meta.digest,
        **splits,
        class_names=meta.class_names,
        source=meta.source,
        split_rule=meta.split_rule,
        factors=meta.factors,
        values=meta.values,
    )


def _open_array(where: Path, array_name: str, form: ArrayForm) -> Array:
    path = where / f"{array_name}.npy"
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(where, f"{path.name} cannot be read ({error})") from error
    if (array.dtype.str, array.shape) != (form.dtype, form.shape):
        raise _damaged(where, f"{path.name} is {array.dtype.str} {array.shape}, not {form.dtype} {form.shape}")
    return array


def _damaged(where: Path, what: str) -> UserError:
    return UserError(
        f"the cached data set in {where} is damaged: {what}; remove that folder, then load or import the set again"
    )


def arrays_of(dataset_splits: Mapping[str, Split]) -> dict[str, Array]:
    """The arrays of all splits under their file names, in C order."""
    arrays = {f"{name}_images": split.images for name, split in dataset_splits.items()}
    arrays |= {f"{name}_labels": split.labels for name, split in dataset_splits.items() if split.labels is not None}
    arrays |= {f"{name}_factors": split.factors for name, split in dataset_splits.items() if split.factors is not None}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def content_digest(dataset_splits: Mapping[str, Split]) -> str:
    """Names the content of a data set.

    Args:
        dataset_splits: the splits by name.

    Returns:
        sha256 (hex) over every array's name, type, shape and values, and the value of a full pixel or, of vectors, what
        is said of each column.
    """
    train = dataset_splits["train"]
    total = hashlib.sha256(f"maximum {train.maximum}\n".encode())
    for column in train.columns:
        total.update(f"column {column.name!r} {column.mean!r} {column.scale!r}\n".encode())
    for name, array in sorted(arrays_of(dataset_splits).items()):
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.data)
    return total.hexdigest()


def write(dataset: Dataset, provenance: Mapping[str, str]) -> None:
    """Stores a data set; a crash on the way leaves nothing that looks finished.

    Args:
        dataset: the data set; its arrays are in memory.
        provenance: how it came here, kept beside the cache proper since it differs between equal caches.

    Raises:
        UserError: the cache folder cannot be written.
    """
    final = folder(dataset.name)
    aside = final.with_name(f".{dataset.name}.{os.getpid()}")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        _write_files(aside, dataset, provenance)
        _rename(aside, final)
    except OSError as error:
        raise UserError(
            f"cannot write the data cache {final}: {error}; free or choose a folder with AEBENCH_CACHE"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_files(where: Path, dataset: Dataset, provenance: Mapping[str, str]) -> None:
    arrays = arrays_of(dataset.splits())
    for name, array in arrays.items():
        np.save(where / f"{name}.npy", array, allow_pickle=False)
    meta = Meta(
        schema_version=SCHEMA,
        name=dataset.name,
        digest=dataset.digest,
        maximum=dataset.train.maximum,
        class_names=dataset.class_names,
        source=dataset.source,
        split_rule=dataset.split_rule,
        arrays={name: ArrayForm(dtype=array.dtype.str, shape=array.shape) for name, array in arrays.items()},
        factors=dataset.factors,
        values=dataset.values,
        columns=dataset.columns,
    )
    (where / "meta.json").write_text(meta.model_dump_json(indent=1, exclude_defaults=True) + "\n", encoding="utf-8")
    (where / "provenance.json").write_text(json.dumps(dict(provenance), indent=1) + "\n", encoding="utf-8")


def _rename(aside: Path, final: Path) -> None:
    try:
        aside.rename(final)
    except OSError:
        # Another process may have filled the same cache meanwhile; what it wrote is as good.
        if not (final / "meta.json").exists():
            raise
