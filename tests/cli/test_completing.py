"""What a shell is told to complete: studies and data sets by name, and files."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from aebench.cli.app import app


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AEBENCH_CACHE", str(tmp_path / "cache"))
    Path("smooth").mkdir()
    for name in ("smart.toml", "smart.txt", "smooth/own.toml", "digits-of-mine.npz"):
        Path(name).write_text("")


def completed(*words: str) -> list[str]:
    """What bash would offer for the last of these words."""
    asked = {
        "_AEBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["aebench", *words]),
        "COMP_CWORD": str(len(words)),
    }
    result = CliRunner().invoke(app, [], env=asked, prog_name="aebench")
    return result.stdout.split()


@pytest.mark.parametrize("command", ["bench", "report", "table", "verdicts", "rescore"])
def test_studies_complete_by_name_and_by_file(command: str) -> None:
    assert completed(command, "sm") == ["smoke", "smart.toml", "smooth/"]


def test_files_in_folders_complete() -> None:
    assert completed("bench", "smooth/") == ["smooth/own.toml"]


def test_data_sets_and_files_complete() -> None:
    assert completed("init", "digits") == ["digits", "digits-of-mine.npz"]


def test_commands_complete() -> None:
    assert completed("doc") == ["doctor"]


@pytest.mark.parametrize("outside", ["/nowhere", "~nobody"])
def test_paths_elsewhere_are_left_alone(outside: str) -> None:
    assert completed("bench", outside) == []
