"""What `aebench leaderboard` does and prints."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from aebench import page
from aebench.analysis import pooling
from aebench.analysis.audit import audit
from aebench.analysis.numbers import counted
from aebench.analysis.pooling import Sent
from aebench.errors import UserError
from aebench.page.senders import senders
from aebench.records import packs


def leaderboard(folder: Path, out: Path) -> int:
    """Writes a page of all packs in a folder, and a page of each; returns the exit status, 1 where some were left out.

    Raises:
        UserError: there is no pack, or none is sound, or a page cannot be written.
    """
    paths = sorted(folder.glob("*.zip"))
    if not paths:
        raise UserError(f"{folder} holds no packs (no .zip files); make them with `aebench pack STUDY`")
    with ExitStack() as stack:
        sent, left_out = _read(paths, stack)
        pages = {packs.digest(one.pack.manifest): f"packs/{packs.digest(one.pack.manifest)}" for one in sent}
        for digest, one in zip(pages, [*sent], strict=True):
            try:
                page.write(pooling.own_sources(one), out / pages[digest])
            except UserError:
                raise
            except Exception as error:  # whatever a stranger's numbers make of a plot
                left_out.append(
                    (one.pack.path.name, f"cannot be drawn: {type(error).__name__}: {packs.shown(f'{error}')}")
                )
                sent.remove(one)
        for file, reason in left_out:
            typer.echo(f"left out: {packs.shown(file)}: {reason}", err=True)
        if not sent:
            raise UserError(f"no pack in {folder} is sound; `aebench verify PACK` tells all")
        pools = [*pooling.pools(sent, Path(stack.enter_context(TemporaryDirectory(prefix="aebench-pool-"))))]
        told = senders(pools, pages, left_out)
        written = page.write([source for pool in pools for source in pool.sources], out, told)
    typer.echo(f"{counted(len(sent), 'pack')} of {len(paths)} on {written}")
    return 1 if left_out else 0


def _read(paths: list[Path], stack: ExitStack) -> tuple[list[Sent], list[tuple[str, str]]]:
    """The sound packs, each content once, and the others with what was found first."""
    sent: dict[str, Sent] = {}
    left_out: list[tuple[str, str]] = []
    for path in paths:
        try:
            pack = stack.enter_context(packs.opened(path))
        except UserError as error:
            left_out.append((path.name, f"{error}".replace(f"{path} is", "it is")))
            continue
        found = audit(pack)
        one, digest = pooling.sound(pack, found), packs.digest(pack.manifest)
        if digest in sent:
            left_out.append((path.name, f"the same as {sent[digest].pack.path.name}"))
        elif one is None:
            left_out.append((path.name, found.findings[0]))
        elif not pooling.own_sources(one):
            left_out.append((path.name, "none of its runs is one of its study with the variants that are here"))
        else:
            sent[digest] = one
    return [*sent.values()], left_out
