"""What commands say and keep, in this process, and of `aebench bench` without speeds."""

from __future__ import annotations

from functools import partial
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
        leave_out_speeds(patch)
        return CliRunner().invoke(app, ["bench", str(study), "--out", str(out), *options])


def typed(*words: object) -> Result:
    """What a command of `aebench` says that must succeed."""
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == 0, f"{result.output}{result.exception}"
    return result


def leave_out_speeds(patch: pytest.MonkeyPatch) -> None:
    """For as long as the patch lasts."""
    patch.setattr(plan, "timing_specs", lambda *_: [])


def measure_little(patch: pytest.MonkeyPatch, *also: str) -> None:
    """Asks few families of measures, for tests of how runs are trained and kept: all take most of a short bench."""
    from aebench.harness import cohort
    from aebench.measures import FAMILIES
    from aebench.measures.scorer import Scorer

    few = [family for family in FAMILIES if family.name in {"bound", "reconstruction", "classes", "cost", *also}]
    patch.setattr(cohort, "Scorer", partial(Scorer, families=few))
