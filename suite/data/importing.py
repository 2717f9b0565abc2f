"""Reads data sets from local files: folders of idx files, npz files, the binarised MNIST's text files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from aebench.data import factors
from aebench.data.arrays import RawSplit, publish
from aebench.data.dataset import Array, Published
from aebench.data.idx import read_idx
from aebench.errors import UserError
from aebench.records.damage import UNREADABLE

_ROLES = {
    "train images": r"train-images[-.]idx\d-\w+",
    "train labels": r"train-labels[-.]idx\d-\w+",
    "test images": r"(t10k|test)-images[-.]idx\d-\w+",
    "test labels": r"(t10k|test)-labels[-.]idx\d-\w+",
}
_PREFIX = {"emnist": "emnist-balanced-"}
_NPZ_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_AMAT = {"train": "train", "validation": "valid", "test": "test"}


def read_path(name: str, path: Path) -> Published:
    """Reads the files of one data set.

    Args:
        name: what it shall be called: binarized_mnist comes as text files, EMNIST's files have a prefix.
        path: a folder, or an npz file.

    Returns:
        The published splits.

    Raises:
        UserError: nothing there, files missing or damaged, or values that are no images.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist; give a folder with idx.gz files or an npz file")
    try:
        if path.suffix == ".npz" and path.is_file():
            return _npz(path)
        return publish(_raw(name, path), str(path))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error}; check its permissions") from error


def _raw(name: str, path: Path) -> dict[str, RawSplit]:
    if path.is_dir():
        return _amat_folder(path) if name == "binarized_mnist" else _idx_folder(path, _PREFIX.get(name, ""))
    raise UserError(f"{path} is neither a folder nor an .npz file; give a folder with idx.gz files or an npz")


def _idx_folder(path: Path, prefix: str) -> dict[str, RawSplit]:
    found = {role: _find(path, f"(?:{prefix})?{pattern}(?:\\.gz)?") for role, pattern in _ROLES.items()}
    unlabelled = not (found["train labels"] or found["test labels"])
    missing = [role for role, file in found.items() if file is None and not (unlabelled and "labels" in role)]
    if missing:
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


def _npz(path: Path) -> Published:
    try:
        arrays = _archive(path)
    except UNREADABLE as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(
            f"cannot read {path}: {reason}; expected an npz of plain arrays, without pickled objects"
        ) from error
    raw = {split: (arrays[f"x_{split}"], arrays.get(f"y_{split}")) for split in ("train", "test")}
    return factors.attach(publish(raw, str(path)), arrays, str(path))


def _archive(path: Path) -> dict[str, Array]:
    archive = np.load(path, allow_pickle=False)
    if isinstance(archive, np.ndarray):
        raise ValueError("it holds one array, not an archive of arrays")
    with archive:
        _check_names(archive.files, path)
        return {key: archive[key] for key in (*_NPZ_ARRAYS, *factors.ARRAYS) if key in archive.files}


def _check_names(names: Iterable[str], path: Path) -> None:
    labelled = {"y_train", "y_test"} & set(names)
    needed = ["x_train", "x_test", *(["y_train", "y_test"] if labelled else [])]
    missing = [key for key in needed if key not in names]
    if missing:
        raise UserError(
            f"{path} has no {', '.join(missing)}; it has {', '.join(names) or 'nothing'}; "
            "needed: x_train, x_test, and either both y_train and y_test or neither"
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
