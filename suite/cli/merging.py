"""What `aebench merge` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

from aebench.analysis.numbers import counted
from aebench.errors import UserError
from aebench.measures import cost
from aebench.records import merging, packs


def merge(out: Path, given: Sequence[Path]) -> int:
    """Joins folders and packs and says what became of them; returns the exit status, 1 where runs were left out.

    Raises:
        UserError: a pack is damaged, or see `aebench.records.merging.merge`.
    """
    with ExitStack() as stack:
        folders = {stack.enter_context(_folder(one)): one for one in given}
        found = merging.merge(out, [*folders], frozenset(cost.training_time(1.0, 1)))
    repeated = f", {found.repeated} of them in several folders" if found.repeated else ""
    there = f"{counted(found.runs, 'run')}{repeated}, and {counted(found.timings, 'timing')}"
    typer.echo(f"{there} of {counted(len(folders), 'folder')} are in {out}")
    for path in found.unread:
        folder = path.parent.parent
        typer.echo(f"left out: {folders[folder] / path.relative_to(folder)} is no valid record of a run", err=True)
    for path, reason in found.damaged.items():
        folder = path.parents[2]
        taken = (out / "records" / f"{path.parent.name}.json").exists()
        end = "was taken from another folder" if taken else "was left out: `aebench rescore` mends it or says how"
        typer.echo(f"damaged: {folders[folder] / path.relative_to(folder)}: {reason}; its run {end}", err=True)
    for conflict in found.conflicts:
        where = ", ".join(str(folders[folder]) for folder in conflict.folders)
        typer.echo(f"left out: {conflict.run_id} has other numbers in {where}: {conflict.differing}", err=True)
    return 1 if found.conflicts or found.damaged or found.unread else 0


@contextmanager
def _folder(given: Path) -> Iterator[Path]:
    """The folder itself, or that to which a pack is unpacked for the time."""
    if not given.is_file():
        yield given
        return
    with packs.opened(given) as pack:
        if pack.damaged:
            raise UserError(f"{given} is damaged: {pack.damaged[0]}; `aebench verify {given}` tells all")
        yield pack.store.root
