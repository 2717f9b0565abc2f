"""Arrays of archives, each read by its place and held against its checksum."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from aebench.records.damage import opened_arrays

_HEADER, _MEMBER = 30, b"PK\x03\x04"  # a member's own header: its length without name and extra, and how it begins
_ENCRYPTED = 1  # a flag of a member
_ARRAY = 10  # bytes of an array before its description, the last two of which tell how long that is


def read_arrays(path: Path, wanted: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an archive, or those of them that are wanted and there, each checked.

    Where wanted ones lie is remembered: a page asks thousands of archives for one array after the other, and listing an
    archive's members takes three times as long as reading one.

    Raises:
        one of `UNREADABLE`: see `opened_arrays`.
    """
    if wanted is not None:
        with path.open("rb") as file:
            places = _places_in(path, file)
            names = [name for name in places.names if name in wanted]
            if all(places.stored(name) for name in names):
                return {name: _stored_array(file, places, name) for name in names}
    with opened_arrays(path) as arrays:
        return {name: arrays[name] for name in arrays.files if wanted is None or name in wanted}


def lengths(path: Path) -> Mapping[str, int]:
    """How long each array of an archive is, by its header alone: thousands are counted in the time of reading one.

    Raises:
        one of `UNREADABLE`: see `opened_arrays`.
    """
    with path.open("rb") as file:
        places = _places_in(path, file)
        if all(map(places.stored, places.names)):
            return _shared_lengths(tuple((name, _stored_length(file, places, name)) for name in places.names))
    return {name: _length(array.shape) for name, array in read_arrays(path).items()}


class _Places:
    """Where the arrays of an archive of `size` bytes lie."""

    def __init__(self, members: list[zipfile.ZipInfo], size: int) -> None:
        self.size = size
        self.names = _shared(tuple(member.filename.removesuffix(".npy") for member in members))
        self._told = np.array(
            [[one.header_offset, one.file_size, one.CRC, one.compress_type, one.flag_bits] for one in members], np.int64
        ).reshape(-1, 5)

    def stored(self, name: str) -> bool:
        """Whether an array's bytes stand in the archive as they are."""
        kind, flags = self._told[self.names.index(name), 3:]
        return bool(kind == zipfile.ZIP_STORED) and not flags & _ENCRYPTED

    def of(self, name: str) -> tuple[int, int, int]:
        """Where its header begins, how many bytes it has, and their checksum."""
        start, length, checksum = self._told[self.names.index(name), :3].tolist()
        return start, length, checksum


@lru_cache(64)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """One object for the names that thousands of archives have in common."""
    return names


@lru_cache(64)
def _shared_lengths(lengths: tuple[tuple[str, int], ...]) -> Mapping[str, int]:
    """One object for the lengths that thousands of archives have in common."""
    return dict(lengths)


def _places_in(path: Path, file: io.BufferedReader) -> _Places:
    """Where the arrays lie of the archive that is opened as `file`."""
    about = os.fstat(file.fileno())
    return _places(path, about.st_ino, about.st_size, about.st_mtime_ns)


@lru_cache(20_000)
def _places(path: Path, _inode: int, size: int, _changed: int) -> _Places:
    """Where the arrays of this archive lie, for as long as the file is the same."""
    with opened_arrays(path), zipfile.ZipFile(path) as archive:
        return _Places(archive.infolist(), size)


def _begin(file: io.BufferedReader, places: _Places, name: str) -> None:
    """Goes to where the bytes of an array begin.

    Raises:
        BadZipFile: it is not there.
    """
    file.seek(places.of(name)[0])
    header = file.read(_HEADER)
    called = file.read(int.from_bytes(header[26:28], "little"))
    if header[:4] != _MEMBER or called != f"{name}.npy".encode():
        raise zipfile.BadZipFile(f"no array of this name begins where {name} should")
    file.seek(int.from_bytes(header[28:30], "little"), io.SEEK_CUR)


def _stored_length(file: io.BufferedReader, places: _Places, name: str) -> int:
    _begin(file, places, name)
    told = file.read(_ARRAY)
    return _length(_described(told + file.read(int.from_bytes(told[_ARRAY - 2 :], "little")))[0])


def _length(shape: tuple[int, ...]) -> int:
    return shape[0] if shape else 1


def _stored_array(file: io.BufferedReader, places: _Places, name: str) -> np.ndarray:
    _, length, checksum = places.of(name)
    _begin(file, places, name)
    content = bytearray(min(length, places.size))  # what says that it is longer than its archive is damaged
    if file.readinto(content) < length or zlib.crc32(content) != checksum:
        raise zipfile.BadZipFile(f"{name} has another checksum than it was written with")
    begins = _ARRAY + int.from_bytes(content[_ARRAY - 2 : _ARRAY], "little")
    shape, column_by_column, dtype = _described(bytes(content[:begins]))
    return np.frombuffer(content, dtype, offset=begins).reshape(shape, order="F" if column_by_column else "C")


@lru_cache(1024)
def _described(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array, as its header says; thousands have the same."""
    file = io.BytesIO(header)
    if (version := np.lib.format.read_magic(file)) != (1, 0):
        raise ValueError(f"an array of format {version}, not (1, 0)")
    shape, column_by_column, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject:
        raise ValueError("an array of objects, which may hold any code")
    return shape, column_by_column, dtype
