"""Reads data sets from local files: folders of images or of idx files, npz, npy, tables, the binarised MNIST's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from aebench.data import arrow_tables, dsprites_file, factors, huggingface, image_folder
from aebench.data.arrays import RawSplit, publish
from aebench.data.dataset import Array, Published
from aebench.data.decoding import Size
from aebench.data.idx import read_idx
from aebench.data.memory import refuse_larger
from aebench.data.tables import ENDINGS, Roles, arrays_of, read_table
from aebench.errors import UserError
from aebench.records.damage import UNREADABLE
from aebench.records.record import Values

_ROLES = {
    "train images": r"train-images[-.]idx\d-\w+",
    "train labels": r"train-labels[-.]idx\d-\w+",
    "test images": r"(t10k|test)-images[-.]idx\d-\w+",
    "test labels": r"(t10k|test)-labels[-.]idx\d-\w+",
}
_PREFIX = {"emnist": "emnist-balanced-"}
_SPLITS = ("train", "validation", "test")
_OF_SPLITS = tuple(f"{what}_{split}" for split in _SPLITS for what in ("x", "y"))
_NPZ_ARRAYS = (*_OF_SPLITS, "groups_train", "column_names")
_NO_ROLES = Roles()
_ALLOWED = "a folder of images, of a Hugging Face data set or of idx.gz files, or a file .npz, .npy, .csv or .parquet"
_AMAT = {"train": "train", "validation": "valid", "test": "test"}


def read_path(
    name: str,
    path: Path,
    roles: Roles = _NO_ROLES,
    values: Values | None = None,
    *,
    series: bool = False,
    size: Size | None = None,
) -> Published:
    """Reads the files of one data set.

    Args:
        name: what it shall be called: binarized_mnist comes as text files, EMNIST's files have a prefix.
        path: a folder, or an npz, npy, CSV or parquet file.
        roles: what a table's columns are.
        values: what kind of numbers vectors or series hold; `None` where nobody says.
        series: whether arrays, or rows of a table, are series; those of long tables always are.
        size: height and width to scale image files to.

    Returns:
        The published splits.

    Raises:
        UserError: nothing there, files missing or damaged, values that are neither images nor vectors, or roles
            without a table, or a size without image files.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist; give {_ALLOWED}")
    if (published := _image_files(name, path, roles, values, size)) is not None:
        if series:
            raise UserError(f"{path} holds images; --series is for arrays and tables")
        return published
    if size is not None:
        raise UserError(f"{path} has no image files; --size is for a folder of images or of a Hugging Face data set")
    is_table = path.suffix in ENDINGS and path.is_file()
    is_folder = path.is_dir() and not _has_idx(path) and arrow_tables.holds(path)
    if roles.named and not (is_table or is_folder):
        raise UserError(
            f"{path} is no table; --label, --factors, --ignore, --id, --time and --group are for CSV and parquet "
            "files, and for folders of a Hugging Face data set"
        )
    try:
        if is_folder:
            return _table_folder(path, roles, values, series=series)
        if is_table:
            arrays, names = read_table(path, roles)
            return _of_table(arrays, names, path, roles, values, series=series)
        if path.suffix == ".npz" and path.is_file():
            return _npz(path, values, series=series)
        return publish(_raw(name, path), str(path), values=values, series=series)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error}; check its permissions") from error


def _of_table(
    arrays: Mapping[str, Array], names: list[str], path: Path, roles: Roles, values: Values | None, *, series: bool
) -> Published:
    is_long = roles.id is not None
    named = None if series and not is_long else names  # columns of a wide table are time steps
    return _of_arrays(arrays, path, named, values, series=series or is_long)


def _table_folder(path: Path, roles: Roles, values: Values | None, *, series: bool) -> Published:
    """Tables by split in the files of a Hugging Face data set."""
    frames, roles, classes, note = arrow_tables.read(path, roles)
    arrays, names = arrays_of(frames, roles, path)
    published = _of_table(arrays, names, path, roles, values, series=series)
    return replace(huggingface.named(published, classes, str(path)), note=note)


def _image_files(name: str, path: Path, roles: Roles, values: Values | None, size: Size | None) -> Published | None:
    """What a folder of encoded images holds; `None` where it is none."""
    try:
        if huggingface.holds(path):
            if {*roles.named} - {roles.label}:
                raise UserError(f"{path} holds images, of which --label alone can be said; all else is for tables")
            raw, note, names = huggingface.read(path, size, roles.label)
            return replace(huggingface.named(publish(raw, str(path), values=values), names, str(path)), note=note)
        if path.is_dir() and name != "binarized_mnist" and not _has_idx(path) and image_folder.holds_images(path):
            if roles.named:
                raise UserError(f"{path} is no table; its subfolders are the classes")
            raw, note = image_folder.read(path, size)
            return replace(publish(raw, str(path), values=values), note=note)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error}; check its permissions") from error
    return None


def _raw(name: str, path: Path) -> dict[str, RawSplit]:
    if path.is_dir():
        return _amat_folder(path) if name == "binarized_mnist" else _idx_folder(path, _PREFIX.get(name, ""))
    if path.suffix == ".npy":
        return {"train": (_npy(path), None)}
    raise UserError(f"{path} is nothing that can be imported; give {_ALLOWED}")


def _npy(path: Path) -> Array:
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except UNREADABLE as error:
        raise _unreadable(path, error, "npy of one plain array") from error


def _has_idx(path: Path) -> bool:
    """Whether a folder has training images as idx, beside which a picture is no more than a picture."""
    pattern = f"(?:{'|'.join(map(re.escape, _PREFIX.values()))})?{_ROLES['train images']}(?:\\.gz)?"
    return any(re.fullmatch(pattern, file.name) for file in path.iterdir())


def _idx_folder(path: Path, prefix: str) -> dict[str, RawSplit]:
    found = {role: _find(path, f"(?:{prefix})?{pattern}(?:\\.gz)?") for role, pattern in _ROLES.items()}
    unlabelled = not (found["train labels"] or found["test labels"])
    missing = [role for role, file in found.items() if file is None and not (unlabelled and "labels" in role)]
    if missing:
        if not any(found.values()):
            raise UserError(f"{path} holds nothing that can be imported; give {_ALLOWED}")
        raise UserError(
            f"{path} has no idx file for {', '.join(missing)}; expected train-images-idx3-ubyte, "
            "train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, gzipped or plain"
        )
    arrays = {role: read_idx(file) for role, file in found.items() if file is not None}
    return {split: (arrays[f"{split} images"], arrays.get(f"{split} labels")) for split in ("train", "test")}


def _find(path: Path, pattern: str) -> Path | None:
    files = sorted(file for file in path.iterdir() if re.fullmatch(pattern, file.name))
    if len({file.name.removesuffix(".gz") for file in files}) > 1:
        names = ", ".join(file.name for file in files)
        raise UserError(f"{path} has several files for one array: {names}; keep one of them")
    return files[0] if files else None


def _unreadable(path: Path, error: Exception, expected: str) -> UserError:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return UserError(f"cannot read {path}: {reason}; expected an {expected}, without pickled objects")


def _npz(path: Path, values: Values | None, *, series: bool) -> Published:
    try:
        if dsprites_file.is_published(_names(path)):
            if series or values:
                raise UserError(f"{path} is dSprites as published: images, of which --series and --values say nothing")
            return dsprites_file.read(path)
        arrays = _archive(path)
    except UNREADABLE as error:
        raise _unreadable(path, error, "npz of plain arrays") from error
    names = [str(name) for name in np.atleast_1d(arrays["column_names"])] if "column_names" in arrays else None
    return _of_arrays(arrays, path, names, values, series=series)


def _of_arrays(
    arrays: Mapping[str, Array], path: Path, names: list[str] | None, values: Values | None, *, series: bool
) -> Published:
    splits = [split for split in _SPLITS if f"x_{split}" in arrays]
    raw = {split: (arrays[f"x_{split}"], arrays.get(f"y_{split}")) for split in splits}
    published = factors.attach(publish(raw, str(path), names, values, series=series), arrays, str(path))
    if "groups_train" not in arrays:
        return published
    return replace(published, train=replace(published.train, groups=_groups(arrays["groups_train"], published, path)))


def _groups(groups: Array, published: Published, path: Path) -> Array:
    """What each training item belongs to, `(n,)`."""
    if groups.shape != (len(published.train),) or groups.dtype.kind not in "iubUS":
        raise UserError(
            f"groups_train in {path} has shape {groups.shape} and type {groups.dtype}; needed: a number or a name for "
            f"each of {len(published.train)} in x_train"
        )
    return groups


def _names(path: Path) -> list[str]:
    """What an npz holds; nothing of a file that is none."""
    archive = np.load(path, allow_pickle=False)
    if isinstance(archive, np.ndarray):
        return []
    with archive:
        return list(archive.files)


def _archive(path: Path) -> dict[str, Array]:
    archive = np.load(path, allow_pickle=False)
    if isinstance(archive, np.ndarray):
        raise ValueError("it holds one array, not an archive of arrays")
    with archive:
        _check_names(archive.files, path)
        wanted = [key for key in (*_NPZ_ARRAYS, *factors.ARRAYS) if key in archive.files]
        refuse_larger(path, sum(one.file_size for one in archive.zip.infolist() if Path(one.filename).stem in wanted))
        return {key: archive[key] for key in wanted}


def _check_names(names: Iterable[str], path: Path) -> None:
    labelled = any(name.startswith("y_") for name in names)
    splits = [split for split in _SPLITS if split == "train" or {f"x_{split}", f"y_{split}"} & set(names)]
    needed = [f"x_{split}" for split in splits] + ([f"y_{split}" for split in splits] if labelled else [])
    missing = [key for key in needed if key not in names]
    if missing:
        raise UserError(
            f"{path} has no {', '.join(missing)}; it has {', '.join(names) or 'nothing'}; "
            "needed: x_train and, if there are such splits, x_validation and x_test, with a y of each or of none"
        )
    strange = [name for name in names if name[:2] in ("x_", "y_") and name not in _OF_SPLITS]
    if strange:
        raise UserError(
            f"{path} has {', '.join(strange)}, which is no split; allowed: {', '.join(_OF_SPLITS)}; rename or remove it"
        )


def _amat_folder(path: Path) -> dict[str, RawSplit]:
    files = {split: path / f"binarized_mnist_{name}.amat" for split, name in _AMAT.items()}
    missing = [file.name for file in files.values() if not file.is_file()]
    if missing:
        raise UserError(f"{path} has no {', '.join(missing)}; binarized_mnist is imported from its three .amat files")
    return {split: (_amat(file), None) for split, file in files.items()}


def _amat(path: Path) -> Array:
    """Reads 784 characters 0 or 1 a line, each followed by one space or the line's end."""
    text = np.frombuffer(path.read_bytes(), np.uint8)
    if text.size == 0 or text.size % 1568 or np.any(text[0::2] >> 1 != ord("0") >> 1):
        raise UserError(f"{path} is not 784 times 0 or 1 a line, single spaces between; get the file again")
    return (text[0::2] - ord("0")).reshape(-1, 28, 28)
