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
EveryOption = Annotated[
    str,
    typer.Option(
        metavar="SECONDS|never",
        envvar="AEBENCH_CHECKPOINT_EVERY",
        help="How often what is on its way is written aside, a training at the end of an epoch, and at most 2 % of its "
        "time; 0 is as often as that allows.",
    ),
]


def warn(line: str) -> None:
    """A warning, on standard error."""
    typer.echo(f"warning: {line}", err=True)
