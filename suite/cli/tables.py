"""The tables that the command line prints: one row a run, or one a configuration."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
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
_LEFT, _ABSENT = ("variant", "z", "n"), "n/a"
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
    columns = {"variant": _names(items), "z": [str(item.latent_dim) for item in items],
               "n": [_count(item) for item in items]}  # fmt: skip
    widths = {head: max(map(cell_len, [head, *cells])) for head, cells in columns.items()}
    for name in SHOWN:
        cells, head = [_cell(item.summaries[name]) for item in items], f"{SHORT[name]}{ARROWS[METRICS[name].better]}"
        width = max(map(len, [head, *cells]))
        if sum(widths.values()) + 3 * len(widths) + width + 2 <= console.width and {*cells} != {_ABSENT}:
            columns[head], widths[head] = cells, width
    rows = zip(*columns.values(), strict=True)
    console.out(f"{comparison.study.title}: mean ± sd over seeds, test split\n")
    # Line by line, since tables that may fold their cells take a millisecond a row.
    console.out(_line(columns, widths))
    console.out(f" {'─' * (sum(widths.values()) + 3 * len(widths) - 1)}")
    console.out("".join(f"{_line(row, widths)}\n" for row in rows))


def _line(cells: Iterable[str], widths: Mapping[str, int]) -> str:
    """Cells under their heads: names at the left, numbers at the right."""
    padded = (
        f"{cell}{' ' * (width - cell_len(cell))}" if head in _LEFT else cell.rjust(width)
        for cell, (head, width) in zip(cells, widths.items(), strict=True)
    )
    return f"  {'   '.join(padded)}"


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


def _names(items: Sequence[Configuration]) -> list[str]:
    """What each is called: with its data set, network and likelihood where these vary."""
    names = ("dataset", "network", "likelihood")
    varying = [name for name in names if len({getattr(item, name) for item in items}) > 1]
    return [" ".join([item.label, *(getattr(item, name) for name in varying)]) for item in items]


def _count(item: Configuration) -> str:
    usable = item.finished - item.diverged
    return f"{usable}" if usable == item.planned else f"{usable} of {item.planned}"


def _cell(summary: Summary) -> str:
    """Mean ± sd, both to the decimal of the sd's leading digit."""
    if summary.mean is None:
        return _ABSENT
    if summary.sd is None or not summary.varies:
        return f"{summary.mean:.4g}"
    decimals = max(0, -math.floor(math.log10(summary.sd)))
    return f"{summary.mean:.{decimals}f} ± {summary.sd:.{decimals}f}"
