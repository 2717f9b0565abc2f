"""The table that `aebench compare --speed` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from aebench.analysis.ratios import Ratio, SideBySide, notes
from aebench.analysis.sides import Work


def print_ratios(console: Console, found: SideBySide) -> None:
    """The table that `compare` prints: above it who A and B are, beside each ratio its quartiles."""
    for line in notes(found):
        console.print(line, soft_wrap=True)
    table = Table(
        title="images/s, median of the faster half of rounds; B/A from B's and A's quartiles",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for head in ("operation", "configuration", "z"):
        table.add_column(head, no_wrap=True)
    for head in ("batch", "A", "B", "B/A", "quartiles", ""):
        table.add_column(head, justify="right", no_wrap=True)
    several = _varying([ratio.a.work for ratio in found.ratios])
    for ratio in found.ratios:
        table.add_row(*_cells(ratio, several))
    console.print(table)


def _varying(works: Sequence[Work]) -> list[str]:
    names = ("network", "likelihood", "dataset", "image_shape", "epochs")
    return [name for name in names if len({work[name] for work in works} - {None}) > 1]


def _cells(ratio: Ratio, several: Sequence[str]) -> list[str]:
    work = ratio.a.work
    details = [value for name in several if (value := work[name]) is not None]
    return [
        f"{work['operation']}".replace("_", " "),
        " ".join([f"{work['label']}", *details]),
        f"{work['latent_dim']}",
        f"{work['batch_size']}",
        f"{ratio.a.rate.median:,.0f}",
        f"{ratio.b.rate.median:,.0f}",
        f"{ratio.median:.2f}",
        f"{ratio.low:.2f} to {ratio.high:.2f}",
        "~" if ratio.wide else "",
    ]
