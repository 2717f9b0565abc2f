"""`aebench new`: files to start a variant or a network of one's own from."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import IO, Annotated

import typer

from aebench.errors import UserError
from aebench.records.writing import write_aside

app = typer.Typer(no_args_is_help=True, help="Files to start your own variant or network from, with their test.")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What studies will call it, as in my-vae.")]
FolderOption = Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where to write them.")]


@app.command()
def variant(name: NameArgument, folder: FolderOption = Path()) -> None:
    """Write a variant that works as it is, and its test; nothing is overwritten."""
    from aebench.study import starters

    own, test = _write(starters.variant(name), folder)
    typer.echo(f"""{own}: change `terms` to your objective
{test}: and what it should be; then

    pytest {test}
    pytest --pyargs aebench.conformance --variants {own}     # the contract of all variants, half a minute

In a study:

    [[variant]]
    name = "{name}"
    file = "{own.name}"
    kappa = [0.01, 0.1]""")


@app.command()
def network(name: NameArgument, folder: FolderOption = Path()) -> None:
    """Write a network that works as it is, and its test; nothing is overwritten."""
    from aebench.study import starters

    own, test = _write(starters.network(name), folder)
    typer.echo(f"""{own}: change the layers to yours
{test}: then

    pytest {test}

In a study:

    network = "{name}"

    [[own_network]]
    name = "{name}"
    file = "{own.name}\"""")


def _write(texts: dict[str, str], folder: Path) -> list[Path]:
    """Writes the files unless one of them is there; returns their paths."""
    paths = [folder / name for name in texts]
    if there := [path for path in paths if path.exists()]:
        raise UserError(f"{there[0]} is there already; choose another name or another folder with --dir")
    for path, text in zip(paths, texts.values(), strict=True):
        write_aside(path, partial(_fill, text.encode()))
    return paths


def _fill(content: bytes, file: IO[bytes]) -> None:
    file.write(content)
