"""Making very many objects. Imports no Keras."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside it Python does not look for unreachable cycles of objects.

    Where 100,000 runs are made, which have none, it would look through all of them again and again: two fifths of the
    time that planning them takes.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
