"""The table at the end of a bench: whole numbers under their heads, in as many columns as there is room for."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from aebench.analysis.configurations import compare
from aebench.cli.tables import print_comparison


@pytest.mark.parametrize("width", [60, 100, 300])
def test_columns_that_fit_are_whole(
    width: int, make_study: Callable[..., Any], expand: Callable[..., Any], make_record: Callable[..., Any]
) -> None:
    study = make_study(title="名 [red] β")
    specs = expand(study)
    file = io.StringIO()
    found = compare(study, specs, {spec.run_id: make_record(spec) for spec in specs[:-1]})
    print_comparison(Console(file=file, width=width, highlight=False), found)
    title, _, heads, rule, *rows = file.getvalue().rstrip("\n").split("\n")
    assert title == "名 [red] β: mean ± sd over seeds, test split"
    assert {cell_len(line) for line in (heads, *rows)} == {cell_len(rule) - 1}
    assert cell_len(rule) <= width
    assert len(rows) == 6
    names = heads.split("   ")
    shown = [one.strip() for one in names if one.strip()]
    assert shown[:3] == ["variant", "z", "n"]
    assert len(shown) == {60: 5, 100: 7, 300: 10}[width]  # of active units there is no number
    assert "…" not in file.getvalue()
    assert rows[-1].split()[:5] == ["VAE", "β=4", "4", "2", "of"]
