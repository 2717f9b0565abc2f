"""Archives of arrays that are damaged or were made to harm: what reading them raises, and what is found of them.

Every array in an archive has its checksum (CRC-32), which is held against its content whenever it is read.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from numpy.lib.npyio import NpzFile

# RuntimeError is of members that say that they are encrypted, and NotImplementedError, which is one, of those that say
# that they are compressed in some other way; MemoryError is of arrays that say that they are longer than any memory.
UNREADABLE: Final = (
    OSError, EOFError, ValueError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_END = 22  # bytes of an archive's last record, which counts its members at byte 10


@contextmanager
def opened_arrays(path: Path) -> Iterator[NpzFile]:
    """An archive of arrays, each of which is checked as it is read.

    Raises:
        one of `UNREADABLE`: it is no such archive, or its directory hides some, which no checksum tells.
    """
    with path.open("rb") as file, NpzFile(file, allow_pickle=False) as arrays:
        file.seek(-_END, io.SEEK_END)
        told = int.from_bytes(file.read()[10:12], "little")
        if told != len(arrays.files):
            raise zipfile.BadZipFile(f"it tells of {told} arrays and lists {len(arrays.files)}")
        yield arrays


def damage(path: Path) -> str:
    """What is wrong with an archive of arrays; empty where all of them are whole."""
    try:
        with opened_arrays(path), zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except UNREADABLE as error:
        return str(error) or type(error).__name__
    return f"{broken} has another checksum than it was written with" if broken else ""
