"""`aebench doctor`: what this machine and installation are like, and what to type where they could be better."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aebench.backends import NAMES

if TYPE_CHECKING:
    from aebench.cli.checkup import Finding


def doctor(
    backend: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(NAMES),
            help="Import it and ask it for a GPU, which takes seconds; by default $KERAS_BACKEND, else tensorflow, is "
            "looked at without importing it.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of a study's records. Default: reports.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check machine, installation and folders; say what to type where something is amiss.

    The status is 0 unless something would stop a bench.
    """
    from aebench.cli import checkup
    from aebench.workspace import chosen_backend

    chosen = chosen_backend(backend)
    broken = checkup.start(chosen) if backend else None
    found = [*([broken] if broken else []), *checkup.findings(chosen, out, look=backend is not None and not broken)]
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        _print(found)
    raise typer.Exit(int(any(finding.stops for finding in found)))


def _print(found: list[Finding]) -> None:
    """One line a finding: `!` where there is advice, `x` where a bench would be stopped; the advice below it."""
    for finding in found:
        mark = "x" if finding.stops else "!" if finding.advice else " "
        typer.secho(f"{mark} {finding.name:<13} {finding.value}", fg="red" if finding.stops else None)
        if finding.advice:
            typer.echo(f"{'':>16}-> {finding.advice}")
    stopping = sum(finding.stops for finding in found)
    typer.echo(
        f"{stopping} thing(s) would stop a bench." if stopping else "Nothing here stops a bench: aebench bench smoke"
    )
