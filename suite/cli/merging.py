"""What `aebench merge` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from aebench.analysis.numbers import counted
from aebench.measures import cost
from aebench.records import merging


def merge(out: Path, folders: Sequence[Path]) -> int:
    """Joins folders and says what became of them; returns the exit status, 1 where runs were left out.

    Raises:
        UserError: see `aebench.records.merging.merge`.
    """
    found = merging.merge(out, folders, frozenset(cost.training_time(1.0, 1)))
    repeated = f", {found.repeated} of them in several folders" if found.repeated else ""
    there = f"{counted(found.runs, 'run')}{repeated}, and {counted(found.timings, 'timing')}"
    typer.echo(f"{there} of {counted(len(folders), 'folder')} are in {out}")
    for path in found.unread:
        typer.echo(f"left out: {path} is no valid record of a run", err=True)
    for conflict in found.conflicts:
        where = ", ".join(map(str, conflict.folders))
        typer.echo(f"left out: {conflict.run_id} has other numbers in {where}: {conflict.differing}", err=True)
    return 1 if found.conflicts or found.unread else 0
