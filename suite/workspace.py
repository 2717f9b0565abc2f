"""Where the folders of studies are, and what lies there: shared by the command line and the Python interface."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aebench import study
from aebench.analysis import sources
from aebench.analysis.sources import Source
from aebench.backends import NAMES, loaded
from aebench.errors import UserError, unknown
from aebench.records.store import Store
from aebench.study import Study

REPORTS = Path("reports")
Warn = Callable[[str], None]


def chosen_backend(given: str | None) -> str:
    """The backend that was asked for; else `$KERAS_BACKEND`, else what Keras was imported with, else TensorFlow.

    Raises:
        UserError: there is none of that name.
    """
    name = given or os.environ.get("KERAS_BACKEND") or loaded() or NAMES[0]
    if name not in NAMES:
        raise unknown("backend", name, NAMES)
    return name


def store_of(chosen: Study, out: str | Path | None, warn: Warn = print) -> Store:
    """The store of a study: in `out`, else in a folder of its name under `reports`."""
    return Store(Path(out) if out else REPORTS / chosen.name, warn=warn)


def page_folder(found: Sequence[Source], out: str | Path | None) -> Path:
    """Where the page of these sources goes: `out`, else `reports/<study>`, of several `reports/<study>+<study>`."""
    return Path(out) if out else REPORTS / "+".join(dict.fromkeys(source.study.name for source in found))


def finished(
    name: str,
    backend: str | None,
    out: str | Path | None,
    warn: Warn = print,
    read: Callable[[Study, str, Store], Source] = sources.read,
) -> list[Source]:
    """What there is of a study: on the backend that was asked for, or on every one that has finished runs.

    Args:
        name: the study's name, or its TOML file.
        backend: the one that was asked for.
        out: see `store_of`.
        warn: told, in one line, of every file that had to be set aside.
        read: reads a store; `sources.outlined` for no more than tables need.

    Raises:
        UserError: the study or the backend is unknown, or nothing of it is finished.
    """
    chosen = study.read(name)
    store = store_of(chosen, out, warn)
    asked = [chosen_backend(backend)] if backend else NAMES
    found = [source for one in asked if (source := read(chosen, one, store)).records]
    if not found:
        on = f" with backend {backend}" if backend else ""
        raise UserError(
            f"no finished runs of study {chosen.name!r}{on} in {store.root}; train some with: aebench bench {name}"
            + (f" --backend {backend}" if backend else "")
            + (f" --out {out}" if out else "")
        )
    if len(found) == 1:
        return found
    return [replace(one, timings=[item for item in one.timings if item.spec.backend == one.backend]) for one in found]
