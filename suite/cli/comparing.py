"""`aebench compare`: two sides held against each other, in quality or in speed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from aebench.cli.options import warn
from aebench.errors import UserError

Format = Literal["text", "csv", "json"]


def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A", help="A study, its TOML file, a folder with records/ (of speeds, timings/ too), or a pack."
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="What to set beside it.")],
    metrics: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Which numbers. Default: those that choices go by.")
    ] = None,
    margin: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC=NUMBER", help="Within what a difference makes none. Default: the measure's own."),
    ] = None,
    require_same: Annotated[
        bool, typer.Option("--require-same", help="Leave with status 3 where something cannot be told.")
    ] = False,
    page: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as an HTML page too.")] = None,
    speed: Annotated[bool, typer.Option("--speed", help="Speeds instead, as ratios B/A of equal work.")] = False,
    fmt: Annotated[Format, typer.Option("--format", help="How to print it.")] = "text",
) -> None:
    """Tell what changed in quality from A to B, what is the same, and what so few seeds cannot tell.

    The status is 1 where something changed, whether better or worse. Runs that both sides have are paired by seed;
    others are two samples. Where a side holds several devices, backends, precisions or versions, pick one by a text
    that only it has, as in digits@jax.
    """
    if not speed:
        raise typer.Exit(_quality(a, b, metrics, margin or [], page, fmt, require_same=require_same))
    if metrics or margin or page or require_same:
        raise UserError("--metrics, --margin, --page and --require-same are of quality; leave out --speed")
    _speed(a, b, fmt)


def _quality(
    a: str, b: str, metrics: str | None, margin: list[str], page: Path | None, fmt: Format, *, require_same: bool
) -> int:
    from aebench.analysis import changes, run_sides
    from aebench.cli import changing
    from aebench.workspace import REPORTS

    asked = [name.strip() for name in metrics.split(",")] if metrics else []
    margins = changing.margins(margin)
    first, second = (run_sides.read(given, REPORTS, warn) for given in (a, b))
    found = changes.changes(first, second, asked, margins)
    return changing.compare(found, fmt, page, require_same=require_same)


def _speed(a: str, b: str, fmt: Format) -> None:
    from aebench.analysis import ratios, sides
    from aebench.cli import tables
    from aebench.cli.progress import console
    from aebench.cli.ratios import print_ratios
    from aebench.workspace import REPORTS

    found = ratios.side_by_side(*(sides.read(given, REPORTS, warn) for given in (a, b)))
    if fmt == "text":
        print_ratios(console(), found)
        return
    for line in ratios.notes(found):
        typer.echo(line, err=True)
    typer.echo(tables.render(ratios.rows(found), fmt))
