"""`aebench export` and `aebench track`: finished runs for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aebench.cli.options import BackendOption, OutOption, StudyArgument, warn

track = typer.Typer(no_args_is_help=True, help="Show finished runs in a tracker.")


def export(
    study: StudyArgument,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run's id or how it begins; of a configuration's, its first seed is taken. They are named as the "
            "folders in DIR/artefacts.",
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    backend: BackendOption = None,
    out: OutOption = None,
) -> None:
    """Write a run as a Keras model with its numbers, a card as Hugging Face reads them, and a picture."""
    from aebench.export import files, selecting
    from aebench.workspace import chosen_backend, finished

    (source,) = finished(study, chosen_backend(backend), out, warn)
    for path in files.export(selecting.select(source, run), folder):
        typer.echo(path)


@track.command()
def tensorboard(
    study: StudyArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    backend: BackendOption = None,
    out: OutOption = None,
) -> None:
    """Write curves, settings and numbers of all runs, and pictures and codes of first seeds, for TensorBoard."""
    from aebench.export import tensorboard as board
    from aebench.workspace import chosen_backend, finished

    (source,) = finished(study, chosen_backend(backend), out, warn)
    written = board.write(source, folder)
    typer.echo(f"{len(written)} runs; see them with: tensorboard --logdir {folder}")


@track.command()
def mlflow(
    study: StudyArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    backend: BackendOption = None,
    out: OutOption = None,
) -> None:
    """Write settings, curves, numbers, tags and records of all runs, and pictures of first seeds, for MLflow."""
    from aebench.export import mlflow as tracker
    from aebench.workspace import chosen_backend, finished

    (source,) = finished(study, chosen_backend(backend), out, warn)
    written = tracker.write(source, folder)
    typer.echo(f"{len(written)} runs; see them with: mlflow ui --backend-store-uri {tracker.address(folder)}")
