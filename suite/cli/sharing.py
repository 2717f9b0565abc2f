"""`aebench merge`, `pack`, `verify` and `leaderboard`: runs of several folders, machines and people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aebench.cli.options import BackendOption, OutOption, StudyArgument, warn


def merge(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder.")],
    given: Annotated[
        list[Path], typer.Argument(metavar="FOLDER|PACK...", help="Folders that `bench` has filled, and packs.")
    ],
) -> None:
    """Join the runs, arrays and timings of several folders and packs; name runs whose numbers differ between them."""
    from aebench.cli import merging

    raise typer.Exit(merging.merge(out, given))


def pack(
    study: StudyArgument,
    out: OutOption = None,
    file: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The archive. Default: STUDY.aebench.zip."),
    ] = None,
    weights: Annotated[
        bool, typer.Option("--weights", help="With trained weights, from which others can measure anew.")
    ] = False,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who sends it.")] = "",
) -> None:
    """Make one archive of a study's finished runs, for others to verify, merge and compare."""
    from aebench.cli import packing
    from aebench.study import read
    from aebench.workspace import store_of

    chosen = read(study)
    packing.pack(chosen, store_of(chosen, out, warn), file or Path(f"{chosen.name}.aebench.zip"), by, weights=weights)


def verify(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="An archive that `pack` has made.")],
    recompute: Annotated[
        int, typer.Option(metavar="N", min=0, help="How many runs to measure anew from the weights in it.")
    ] = 3,
    draw: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Repeat a draw of runs, as told by an earlier one.", show_default=False),
    ] = None,
    backend: BackendOption = None,
) -> None:
    """Hold a pack against itself and against its weights; one line for each thing that is wrong, then status 1."""
    from aebench.cli import packing
    from aebench.workspace import chosen_backend

    raise typer.Exit(packing.verify(pack, recompute, draw, chosen_backend(backend)))


def leaderboard(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of packs.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the pages. Default: FOLDER/leaderboard.", show_default=False),
    ] = None,
) -> None:
    """Write a page of all packs in a folder: runs of one experiment together, who sent them and on what machine."""
    from aebench.cli import leaderboard as drawing

    raise typer.Exit(drawing.leaderboard(folder, out or folder / "leaderboard"))
