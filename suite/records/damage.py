"""What a damaged or hostile archive of arrays makes its readers raise."""

from __future__ import annotations

import zipfile
import zlib
from typing import Final

# RuntimeError is of members that say that they are encrypted, and NotImplementedError, which is one, of those that say
# that they are compressed in some other way; MemoryError is of arrays that say that they are longer than any memory.
UNREADABLE: Final = (
    OSError, EOFError, ValueError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
