"""The documents' notebooks run in a kernel of Jupyter's, from the first cell to the last, and are small."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((REPO / "docs" / "notebooks").glob("*.ipynb"))
# Speeds take their time, and fewer epochs show the same.
QUICK = """
import dataclasses
from aebench import study
from aebench.harness import plan
plan.timing_specs = lambda *_: []
whole = study.read
def read(name):
    found = whole(name)
    less = {"epochs": (1,), "latent_dim": (2,)}
    grids = tuple(dataclasses.replace(one, axes={**one.axes, **less}) for one in found.grids)
    return dataclasses.replace(found, grids=grids)
study.read = read
"""


@pytest.fixture(scope="module")
def script() -> Any:
    pytest.importorskip("nbclient", reason="the extra dev is not installed")
    spec = importlib.util.spec_from_file_location("run_notebooks", REPO / "docs" / "run_notebooks.py")
    made: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(script: Any, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    cells = script.executed(path, tmp_path, QUICK).cells
    shown = {cell["id"]: cell["outputs"] for cell in cells if cell["cell_type"] == "code"}
    progress = [output for output in shown["bench"] if output["output_type"] == "display_data"]
    assert [output["data"]["text/plain"] for output in progress] == [""], "the bar was there and is gone"
    (answer,) = (output for output in shown["bench"] if output["output_type"] == "execute_result")
    assert "What to choose" in answer["data"]["text/html"]
    assert "\x1b" not in answer["data"]["text/plain"]
    assert all(shown.values()), "each cell shows something"
    assert (tmp_path / "reports" / "smoke" / "index.html").stat().st_size > 100_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_small_and_tidy(script: Any, path: Path) -> None:
    import nbformat

    assert path.stat().st_size < 300_000
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    kept = json.loads(json.dumps(notebook))
    assert all(cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"), "run docs/run_notebooks.py"
    assert script.tidy(notebook) == kept, "run docs/run_notebooks.py"
    assert str(REPO) not in path.read_text()
