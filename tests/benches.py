"""What commands say and keep, in this process, and of `aebench bench` without speeds."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from aebench.cli.app import app
from aebench.harness import plan
from aebench.records.record import RunRecord


def records(out: Path) -> dict[str, RunRecord]:
    return {
        path.stem: RunRecord.model_validate_json(path.read_text()) for path in sorted((out / "records").glob("*.json"))
    }


def bench(study: Path, out: Path, *options: str) -> Result:
    """What `bench` says and does, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "timing_specs", lambda *_: [])
        return CliRunner().invoke(app, ["bench", str(study), "--out", str(out), *options])


def typed(*words: object) -> Result:
    """What a command of `aebench` says that must succeed."""
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == 0, f"{result.output}{result.exception}"
    return result
