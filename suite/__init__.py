"""aebench: which autoencoder variant, latent size and β is better at what, by how much, and how sure are we.

In a notebook:

    import aebench

    found = aebench.bench("digits")  # trains and measures what is missing of a study; shows the answer
    found = aebench.open("digits")   # what is finished, without training
    found.frame()                    # one row a finished run, as a pandas table
    found.report()                   # writes its page; returns the path

The models are in `aebench.models`, and work without the rest.
"""

from __future__ import annotations

if __name__ != "aebench":
    raise ImportError(f"import aebench, not {__name__}: the folder {__name__}/ is the source of the package aebench")

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aebench.api import bench, report
    from aebench.api import open as open

__all__ = ["bench", "report"]  # not `open`, which `from aebench import *` would put in the place of Python's own


def __getattr__(name: str) -> Any:
    if name not in (*__all__, "open"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from aebench import api

    return getattr(api, name)
