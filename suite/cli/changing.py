"""What `aebench compare` prints of quality, and its exit status."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from aebench.analysis import change_words, changes
from aebench.analysis.changes import Changes
from aebench.cli import tables
from aebench.cli.progress import console
from aebench.cli.tables import Format
from aebench.errors import UserError

CHANGED, UNTOLD = 1, 3  # exit statuses; 2 is bad input


def margins(given: Sequence[str]) -> dict[str, float]:
    """`METRIC=NUMBER` as margins by metric.

    Raises:
        UserError: one is not of that form.
    """
    found: dict[str, float] = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = math.nan
        if not 0 < found[name] < math.inf:
            raise UserError(
                f"--margin takes METRIC=NUMBER with a number above 0, as in elbo_nats=0.5, and got {text!r}"
            )
    return found


def compare(found: Changes, fmt: Format, page: Path | None, *, require_same: bool) -> int:
    """Prints what changed, and writes it as a page too where that is asked for; returns the exit status."""
    if page is not None:
        from aebench.page import write_changes

        write_changes(found, page)
    if fmt == "text":
        print_changes(console(), found)
    else:
        for line in change_words.notes(found):
            typer.echo(line, err=True)
        typer.echo(tables.render(changes.rows(found), fmt))
    if page is not None:
        typer.echo(page, err=fmt != "text")
    if found.found("changed"):
        return CHANGED
    return UNTOLD if require_same and found.untold else 0


def print_changes(console: Console, found: Changes) -> None:
    """A row each for what changed and what cannot be told; of what is the same, how many there are."""
    for line in change_words.notes(found):
        console.print(line, soft_wrap=True)
    told = [line for line in change_words.lines(found) if line.finding != "same"]
    if told:
        table = Table(title=change_words.TITLE, title_justify="left", box=SIMPLE_HEAD)
        for head in ("found", "configuration", "z", "metric"):
            table.add_column(head, no_wrap=True)
        for head in ("A", "B", "B − A", "margin", "seeds"):
            table.add_column(head, justify="right", no_wrap=True)
        for one in told:
            cells = (one.finding, one.configuration, one.latent_dim, one.metric, one.a, one.b, one.difference)
            style = "bold" if one.finding.startswith("changed") else None
            table.add_row(*cells, one.margin, one.seeds, style=style)
        console.print(table)
    console.print(change_words.same(found), soft_wrap=True)
    console.print(change_words.verdict(found), soft_wrap=True)
