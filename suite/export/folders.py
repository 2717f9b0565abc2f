"""Folders that are written into as a whole: what lies there already is nobody's to mix with."""

from __future__ import annotations

from pathlib import Path

from aebench.errors import UserError


def refuse_filled(folder: Path) -> None:
    """Lets pass what is absent or an empty folder.

    Raises:
        UserError: it holds something, or is no folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not an empty folder; give another, or remove it")
