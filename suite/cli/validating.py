"""The table that `aebench validate` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aebench.measures.validity import Check, by_measure


def print_checks(console: Console, found: Sequence[Check]) -> None:
    """Every check with what ought to be and what was, then how many each measure passed."""
    table = Table(title="Measures on made-up data with a known answer", title_justify="left", box=SIMPLE_HEAD)
    for head in ("measure", "case", "ought to be", "was", ""):
        table.add_column(head, justify="right" if head == "was" else "left", overflow="fold")
    for one in found:
        table.add_row(
            one.measure, one.case, one.ought, f"{one.value:.3g}", Text("pass") if one.passed else Text("FAIL", "bold")
        )
    console.print(table)
    for measure, own in by_measure(found).items():
        console.print(f"{measure}: {sum(one.passed for one in own)} of {len(own)} checks", highlight=False)
