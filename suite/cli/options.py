"""Arguments and options that several commands take, and how they warn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aebench.backends import NAMES
from aebench.cli import completing

StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY|FILE.toml", help="A study's name, or your own file.", autocompletion=completing.studies
    ),
]
BackendOption = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(NAMES),
        help="Default: $KERAS_BACKEND, else tensorflow.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of this study's records and page. Default: reports/STUDY."),
]
OnlyOption = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="Only runs that a pandas condition picks: \"variant == 'vae' and beta <= 1\"."),
]


def warn(line: str) -> None:
    """A warning, on standard error."""
    typer.echo(f"warning: {line}", err=True)
