"""What `aebench validate` prints and writes; the checks themselves are rerun in tests/measures."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from aebench.cli.app import app
from aebench.measures import validity


def test_every_check_is_printed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tuple(validity.kept())
    monkeypatch.setattr(validity, "checks", lambda: found)
    result = CliRunner().invoke(app, ["validate", "--out", str(tmp_path / "own.json")])
    assert result.exit_code == 0, result.output
    failed = sum(not one.passed for one in found)
    assert result.stdout.count("FAIL") == failed > 0
    assert "bold" not in result.stdout
    own = validity.by_measure(found)["precision"]
    assert f"precision: {sum(one.passed for one in own)} of {len(own)} checks" in result.stdout
    assert (tmp_path / "own.json").read_bytes() == validity.RESULTS.read_bytes()
