"""Plans of a small study, and records that it has finished runs of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from aebench import study
from aebench.harness import plan
from aebench.harness.plan import Plan
from aebench.records.record import Curve, RunRecord, TimingRecord
from aebench.records.spec import RunSpec
from aebench.records.store import Store

FROZEN = Path(__file__).parent / "records" / "frozen"
RECORD = RunRecord.model_validate_json((FROZEN / "run_record_v1.json").read_text())
TIMING = TimingRecord.model_validate_json((FROZEN / "timing_record_v1.json").read_text())


def record(spec: RunSpec, outcome: str = "ok") -> RunRecord:
    update = {"spec": spec, "run_id": spec.run_id, "outcome": outcome, "metrics": {}, "curve": Curve()}
    return RECORD.model_copy(update=update)


def planned(store: Store, **options: Any) -> Plan:
    """The study `smoke`, which times two batch sizes, with four."""
    smoke = replace(study.read("smoke"), timed_batch_sizes=(1, 1024, 8192))
    return plan.plan(smoke, "tensorflow", store, **options)
