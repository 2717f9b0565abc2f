"""How every file of a study comes to be: written aside, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from aebench.errors import UserError


def write_aside(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes a file under a temporary name beside `path`, then renames it, so that `path` is whole or absent.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            write(file)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; nothing finished before was lost") from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
