"""Archives of a cohort's arrays on their way, each with a header that says what it is of. Imports no Keras."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final, Literal

import numpy as np
from pydantic import ValidationError

from aebench.records.damage import opened_arrays
from aebench.records.record import EngineName
from aebench.records.spec import Frozen
from aebench.records.writing import write_aside

FORMAT: Final = 1
_HEADER = "header"
Arrays = dict[str, np.ndarray]


class Circumstances(Frozen):
    """What decides to the last bit how a training goes on, beside its runs.

    Attributes:
        code: digest of the source that training runs through.
        device_kind: CPU, GPU or TPU.
        versions: of the packages that compute.
        switches: of the framework, by name.
    """

    code: str
    device_kind: str
    versions: dict[str, str]
    switches: dict[str, str]

    def differing(self, now: Circumstances) -> str:
        """What of this is another now: `keras 3.15.0 is 3.15.1 now`; empty if nothing is."""
        if self.device_kind != now.device_kind:
            return f"the device was a {self.device_kind} and is a {now.device_kind} now"
        for was, here in ((self.versions, now.versions), (self.switches, now.switches)):
            for name in sorted(was.keys() | here.keys()):
                if was.get(name) != here.get(name):
                    return f"{name} was {was.get(name, 'absent')} and is {here.get(name, 'absent')} now"
        return "" if self.code == now.code else "the code that trains has changed"


class Header(Frozen):
    """What an archive is of.

    Attributes:
        cohort: name of the cohort; see `RunSpec.cohort_name`.
        runs: ids of the runs that are trained together, in order.
        engine: what trains them.
    """

    format_number: Literal[1] = FORMAT
    cohort: str
    runs: tuple[str, ...]
    engine: EngineName
    circumstances: Circumstances


def write(path: Path, header: Header, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
    """Writes an archive in place of the one that there was.

    Args:
        path: where to.
        header: what it is of.
        arrays: with their names; taken one after the other, so that they need not all be held.

    Raises:
        UserError: the folder cannot be written to, or the disk is full; the one that there was is there still.
    """
    write_aside(path, lambda file: _write(file, header, arrays))


def removed(path: Path, error: Exception, anew: str) -> str:
    """Removes an archive that cannot be read; returns what is to be told of it.

    Args:
        path: where it is.
        error: what reading it raised.
        anew: what is done instead of going on from it.
    """
    told = "it has another form" if isinstance(error, ValidationError) else str(error) or type(error).__name__
    path.unlink(missing_ok=True)
    return f"{path} is no whole checkpoint and was removed, {anew}: {told}"


def read_header(path: Path) -> Header:
    """What an archive is of.

    Raises:
        ValidationError: it is of something else.
        one of `UNREADABLE`: it is damaged.
    """
    with opened_arrays(path) as arrays:
        return Header.model_validate_json(arrays[_HEADER].tobytes())


def read_arrays(path: Path) -> Arrays:
    """The arrays of an archive.

    Raises:
        one of `UNREADABLE`: it is damaged.
    """
    with opened_arrays(path) as arrays:
        return {name: arrays[name] for name in arrays.files if name != _HEADER}


def _write(file: IO[bytes], header: Header, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
    """Writes arrays as `numpy.savez` does, but one after the other."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in _with_header(header, arrays):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def _with_header(header: Header, arrays: Iterable[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
    yield _HEADER, np.frombuffer(header.model_dump_json().encode(), "uint8")
    yield from arrays
