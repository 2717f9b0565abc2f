"""The tables that the command line prints: one row a run, or one a configuration."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from aebench.analysis.configurations import Comparison, Configuration, Summary
from aebench.analysis.known_values import Held
from aebench.measures import METRICS

Format = Literal["text", "csv", "json", "latex"]
SHORT = {
    "elbo_nats": "ELBO",
    "recon_mse": "MSE",
    "silhouette": "silhouette",
    "silhouette_pca": "of PCA",
    "train_seconds": "train s",
    "distortion_nats": "distortion",
    "rate_nats": "rate",
    "active_units": "active",
}
SHOWN = tuple(SHORT)
MOST_ROWS = 60  # of a table; of a larger study it has each variant with its best settings
ARROWS = {"higher": " ↑", "lower": " ↓", None: ""}


def render(rows: list[dict[str, Any]], fmt: Format) -> str:
    """Rows as text, CSV, JSON or a LaTeX table; a missing number is empty (JSON: null)."""
    if fmt == "json":
        return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False)
    import pandas as pd

    frame = pd.DataFrame(rows)
    if fmt == "csv":
        return str(frame.to_csv(index=False)).rstrip("\n")
    if fmt == "latex":
        return str(frame.to_latex(index=False, na_rep="", float_format="%.4g", escape=True))
    return str(frame.dropna(axis="columns", how="all").to_string(index=False, na_rep=""))


def print_comparison(console: Console, comparison: Comparison) -> None:
    """The summary at the end of a bench: mean ± sd over seeds of the numbers that people ask for first.

    Columns that a narrow terminal has no room for are left to `aebench table --format csv` and the report.
    """
    items = comparison.configurations
    columns = [name for name in SHOWN if any(item.summaries[name].n for item in items)]
    cells = {name: [_cell(item.summaries[name]) for item in items] for name in columns}
    names = [_name(item, comparison) for item in items]
    room = console.width - max(map(len, names)) - 16
    table = Table(
        title=f"{comparison.study.title}: mean ± sd over seeds, test split",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for head in ("variant", "z", "n"):
        table.add_column(head, no_wrap=True)
    shown = []
    for name in columns:
        head = f"{SHORT[name]}{ARROWS[METRICS[name].better]}"
        room -= max(len(head), *map(len, cells[name])) + 2
        if room >= 0:
            shown.append(name)
            table.add_column(head, justify="right", no_wrap=True)
    for row, item in enumerate(items):
        table.add_row(names[row], str(item.latent_dim), _count(item), *(cells[name][row] for name in shown))
    console.print(table)


def print_summary(console: Console, comparison: Comparison, argument: str) -> None:
    """The table; of a large study each variant with its best settings, and how all can be had by its `argument`."""
    from aebench.analysis import best_settings

    if len(comparison.configurations) <= MOST_ROWS:
        print_comparison(console, comparison)
        return
    print_comparison(console, best_settings.best_settings(comparison))
    console.print(
        f"each variant with its best settings on validation, of {len(comparison.configurations)} configurations; "
        f"`aebench table {argument}` prints all"
    )


def print_held(console: Console, held: Sequence[Held]) -> None:
    """Ours beside the published or exactly known values, and whether they agree."""
    table = Table(title="Held against known values", title_justify="left", box=SIMPLE_HEAD)
    for head in ("what", "runs", "ours", "n", "known", "difference", "allowed", "result", "source"):
        table.add_column(head, overflow="fold")
    for item in held:
        asked = item.expectation
        table.add_row(
            asked.title,
            item.label,
            _cell(item.ours),
            str(item.ours.n),
            "n/a" if item.known is None else f"{item.known:.2f}",
            "n/a" if item.difference.mean is None else f"{item.difference.mean:+.3f}",
            f"{asked.low:+g} to {asked.high:+g}",
            item.result,
            f"{asked.source}; {asked.note}" if asked.note else asked.source,
        )
    console.print(table)


def _name(item: Configuration, comparison: Comparison) -> str:
    several = {
        name: len({getattr(other, name) for other in comparison.configurations}) > 1
        for name in ("dataset", "network", "likelihood")
    }
    return " ".join([item.label, *(getattr(item, name) for name, varies in several.items() if varies)])


def _count(item: Configuration) -> str:
    usable = item.finished - item.diverged
    return f"{usable}" if usable == item.planned else f"{usable} of {item.planned}"


def _cell(summary: Summary) -> str:
    """Mean ± sd, both to the decimal of the sd's leading digit."""
    if summary.mean is None:
        return "n/a"
    if summary.sd is None or not summary.varies:
        return f"{summary.mean:.4g}"
    decimals = max(0, -math.floor(math.log10(summary.sd)))
    return f"{summary.mean:.{decimals}f} ± {summary.sd:.{decimals}f}"
