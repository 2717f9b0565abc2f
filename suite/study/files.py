"""The files that a study's own file names: variants and networks of its author. Imports no Keras."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from aebench.errors import UserError

_NAMING = {"variant": ("file",), "own_network": ("file", "encoder", "decoder")}


def named(study: Path) -> tuple[str, ...]:
    """The files that a study's file names, as it writes them; they lie in its folder.

    Raises:
        UserError: the file cannot be read or is no TOML, or one that it names lies elsewhere or is missing.
    """
    try:
        table = tomllib.loads(study.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the study {study}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{study} is not valid TOML: {str(error) or type(error).__name__}") from None
    names = tuple(dict.fromkeys(PurePosixPath(name).as_posix() for name in _names(table)))
    for name in names:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or not _inside(study.parent, name):
            raise UserError(
                f"{study} names the file {name!r:.120}, which is not in its folder; put it there, and name it as it is"
            )
    return names


def _names(table: dict[str, Any]) -> Iterator[str]:
    for key, naming in _NAMING.items():
        rows = table.get(key)
        for row in rows if isinstance(rows, list) else []:
            for name in naming:
                if isinstance(row, dict) and isinstance(row.get(name), str):
                    yield row[name]


def _inside(folder: Path, name: str) -> bool:
    try:
        path = (folder / name).resolve()
        return path.is_file() and path.is_relative_to(folder.resolve())
    except (OSError, ValueError):  # a name that no file can have
        return False
