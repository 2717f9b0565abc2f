"""Packs as a sender could have changed them."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aebench.records import packs, tables
from aebench.records.packs import MANIFEST
from aebench.records.record import RunRecord

Members = dict[str, bytes]


def rewritten(
    path: Path,
    change: Callable[[Members], None] = lambda members: None,
    manifest: Callable[[dict[str, Any]], None] = lambda told: None,
    add: Callable[[zipfile.ZipFile], None] = lambda archive: None,
    *,
    checked: bool = True,
) -> Path:
    """The pack with members changed and, if `checked`, checksums made anew."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(members.pop(MANIFEST))
    change(members)
    if checked:
        told["members"] = {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in members.items()
        }
    manifest(told)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")  # of names that are there already
        archive.writestr(MANIFEST, json.dumps(told))
        for name, content in members.items():
            archive.writestr(name, content)
        add(archive)
    return path


def falsified(path: Path, run_id: str, **metrics: float) -> Path:
    """The pack with other numbers of a run, in its record and in the table, and checksums made anew."""

    def change(members: Members) -> None:
        name = f"records/{run_id}.json"
        record = RunRecord.model_validate_json(members[name])
        false = record.model_copy(update={"metrics": {**record.metrics, **metrics}})
        members[name] = false.model_dump_json(indent=1).encode()
        found = [RunRecord.model_validate_json(members[one]) for one in members if one.startswith("records/")]
        members[packs.RUNS] = tables.parquet(tables.run_rows(found))

    return rewritten(path, change)


def with_arrays(content: bytes, **arrays: Any) -> bytes:
    """An npz with some arrays replaced."""
    import numpy as np

    with np.load(io.BytesIO(content)) as found:
        kept = dict(found)
    file = io.BytesIO()
    np.savez(file, **{**kept, **arrays})
    return file.getvalue()
