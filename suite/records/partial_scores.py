"""Partial scores: what has been measured of a cohort before its bench was interrupted. Imports no Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from aebench.records import headed
from aebench.records.damage import UNREADABLE
from aebench.records.headed import Arrays, Header

SUFFIX: Final = ".scores"
ANEW: Final = "what it holds is measured anew"
KEY: Final = 16  # characters of a key
_APART = ":"


@dataclass(frozen=True)
class PartialScores:
    """The partial scores in a folder, in files that hold some pieces of a cohort's scores each.

    A key says what was measured, and how: pieces with another key are of no use. Whoever reads or writes those of a
    cohort holds that cohort's lock.

    Args:
        folder: made when something is written.
        warn: told, in one line, of every file that cannot be used.
    """

    folder: Path
    warn: Callable[[str], None]

    def read(self, header: Header, key: str) -> dict[str, Arrays]:
        """The pieces that were kept of these runs under a key, by name.

        Args:
            header: whose.
            key: `KEY` characters.
        """
        found: dict[str, Arrays] = {}
        for path in self._paths(header.cohort, key):
            try:
                if headed.read_header(path) == header:
                    _take_apart(headed.read_arrays(path), found)
            except (*UNREADABLE, ValidationError) as error:
                self.warn(headed.removed(path, error, ANEW))
        return found

    def write(self, header: Header, key: str, pieces: Mapping[str, Arrays]) -> None:
        """Writes pieces beside those that were written before.

        Args:
            header: whose.
            key: `KEY` characters.
            pieces: arrays by name, by the name of their piece, which has no colon.

        Raises:
            UserError: the folder cannot be written to, or the disk is full; what was there is there still.
        """
        number = 1 + max((int(path.stem.rpartition("-")[2]) for path in self._paths(header.cohort, key)), default=-1)
        arrays = (
            (f"{piece}{_APART}{name}", array) for piece, arrays in pieces.items() for name, array in arrays.items()
        )
        headed.write(self.folder / f"{header.cohort}-{key}-{number}{SUFFIX}", header, arrays)

    def count(self, cohort: str) -> int:
        """How many files there are of a cohort."""
        return len(scores_of(self.folder, cohort))

    def _paths(self, cohort: str, key: str) -> list[Path]:
        return [path for path in scores_of(self.folder, cohort) if path.stem.rsplit("-", 2)[1] == key]


def scores_of(folder: Path, cohort: str) -> list[Path]:
    """The files with partial scores of a cohort."""
    return sorted(folder.glob(f"{cohort}-{'?' * KEY}-*{SUFFIX}"))


def cohort_of(path: Path) -> str:
    """The name of the cohort that a file of partial scores is of."""
    return path.stem.rsplit("-", 2)[0]


def _take_apart(arrays: Arrays, found: dict[str, Arrays]) -> None:
    """Adds the arrays of a file to the pieces that they belong to."""
    for both, array in arrays.items():
        piece, _, name = both.partition(_APART)
        found.setdefault(piece, {})[name] = array
