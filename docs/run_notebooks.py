"""Runs the notebooks of the documents and keeps what their cells show: `python docs/run_notebooks.py`, in minutes.

Bars, times and warnings are left out: they are no part of what a reader is to see.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent / "notebooks"


def executed(path: Path, folder: Path, first: str = "") -> Any:
    """The notebook with the outputs of its cells, run in a folder after some code that does not stay in it."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(folder)}}).execute()
    notebook.cells.pop(0)
    return notebook


def tidy(notebook: Any) -> Any:
    """The notebook without what differs between two times that it is run."""
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [output for output in map(_output, cell.outputs) if output is not None]
    return notebook


def _output(output: Any) -> Any:
    if output.output_type == "stream":
        told = output.name == "stdout" and not output.text.startswith("WARNING:")  # TensorFlow's own
        return output if told else None
    if not any(output.data.values()):
        return None
    return nbformat.v4.new_output(output.output_type, output.data, metadata=output.metadata)


def main() -> None:
    """Runs each of them in a folder of its own and writes it back."""
    os.environ["PYTHONPATH"] = str(FOLDER.parents[1])
    for path in sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(tidy(executed(path, Path(folder))), path)


if __name__ == "__main__":
    main()
