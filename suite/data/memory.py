"""This machine's memory: files that unpack to more than it are refused before they are unpacked."""

from __future__ import annotations

import os
from pathlib import Path

from aebench.errors import UserError

GIB = 2**30


def memory() -> int | None:
    """Bytes of memory of this machine, where the system tells them."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def refuse_larger(path: Path, unpacked: int) -> None:
    """Raises UserError where a file says that it unpacks to more bytes than this machine has."""
    most = memory()
    if most is not None and unpacked > most:
        raise UserError(
            f"{path} unpacks to {unpacked // GIB:,} GiB or more, and this machine has {most / GIB:,.1f} GiB of memory; "
            "if that is what it should hold, give a part of it"
        )
