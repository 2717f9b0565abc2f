"""Outlines: what tables need of records, the same whether kept or not, and never of a file that has changed since."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aebench.analysis import rows, sources
from aebench.analysis.best_settings import best_settings
from aebench.errors import UserError
from aebench.records import outlines
from aebench.records.record import RunRecord
from aebench.records.store import Store

KEPT = "records.parquet"


@pytest.fixture
def specs(make_study: Callable[..., Any], expand: Callable[..., Any]) -> list[Any]:
    return expand(make_study())


@pytest.fixture
def store(specs: list[Any], make_record: Callable[..., RunRecord], tmp_path: Path, monkeypatch: Any) -> Store:
    """All runs of a study but the last, one diverged, one with a number that others lack; outlines kept from 3 on."""
    monkeypatch.setattr(outlines, "LEAST", 3)
    monkeypatch.setattr(outlines, "_PART", 4)
    made = Store(tmp_path / "store", warn=lambda line: pytest.fail(line))
    changes: dict[int, dict[str, Any]] = {1: {"outcome": "diverged"}, 2: {"of_later": 0.1 + 0.2}}
    for at, spec in enumerate(specs[:-1]):
        made.write_record(make_record(spec, **changes.get(at, {})))
    return made


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the records that were read."""
    names: list[str] = []
    read = Store._read_run
    monkeypatch.setattr(Store, "_read_run", lambda self, path: names.append(path.stem) or read(self, path))
    return names


def told(record: RunRecord) -> dict[str, Any]:
    """What an outline has of a record; a metric that has no number is as one that is not there."""
    fields = {name: getattr(record, name) for name in ("run_id", "spec", "outcome", "metric_versions", "measured_with",
                                                       "training", "environment", "finished")}  # fmt: skip
    metrics = {name: value for name, value in record.metrics.items() if value is not None}
    curves = ("val_objective", "val_distortion", "val_rate")
    return {**fields, "metrics": metrics, **{name: tuple(getattr(record.curve, name)) for name in curves}}


def test_tables_of_outlines_are_those_of_records(store: Store, make_study: Callable[..., Any]) -> None:
    """To the bit, with the settings that validation curves choose, and whether training was long enough."""
    source, outlined = (read(make_study(), "tensorflow", store) for read in (sources.read, sources.outlined))
    assert (store.root / KEPT).exists()
    for table in (rows.configuration_rows, lambda comparison: rows.configuration_rows(best_settings(comparison))):
        assert table(outlined.comparison) == table(source.comparison)
    assert rows.run_rows([*outlined.records.values()]) == rows.run_rows([*source.records.values()])


def test_outlines_say_what_records_do_kept_or_not(store: Store, specs: list[Any], opened: list[str]) -> None:
    records = {record.run_id: record for record in store.read_records()}
    opened.clear()
    for expected in (len(specs) - 1, 0):  # all are read once, and then none
        found = store.read_outlines(specs)
        assert [*found] == [spec.run_id for spec in specs[:-1]]
        assert {name: told(outline) for name, outline in found.items()} == {n: told(one) for n, one in records.items()}
        assert len(opened) == expected
        opened.clear()
    assert [*store.read_outlines(specs[4:6])] == [spec.run_id for spec in specs[4:6]]


def test_what_others_do_to_records_is_seen(
    store: Store, specs: list[Any], opened: list[str], make_record: Callable[..., RunRecord]
) -> None:
    store.read_outlines(specs)
    opened.clear()
    store.record_path(specs[0]).unlink()
    store.write_record(make_record(specs[1], recon_mse=0.5))
    store.write_record(make_record(specs[-1]))
    path = store.record_path(specs[2])
    was, content = path.stat(), path.read_bytes()
    path.write_bytes(content.replace(b'"of_later": 0.3', b'"of_later": 0.4'))  # in its place, as long as it was,
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))  # and dated back
    found = store.read_outlines(specs)
    assert set(opened) == {specs[at].run_id for at in (1, 2, -1)}
    assert set(found) == {spec.run_id for spec in specs[1:]}
    assert found[specs[1].run_id].metrics["recon_mse"] == 0.5
    assert found[specs[2].run_id].metrics["of_later"] == pytest.approx(0.4)


def test_a_flipped_byte_in_kept_outlines_is_told(store: Store, specs: list[Any]) -> None:
    store.read_outlines(specs)
    path = store.root / KEPT
    content = path.read_bytes()
    at = content.index(struct.pack("<d", 0.1 + 0.2))  # a number of a record
    path.write_bytes(content[:at] + bytes(1) + content[at + 1 :])
    found = store.read_outlines(specs)[specs[2].run_id]
    with pytest.raises(UserError, match=r"records\.parquet is damaged: .*; remove it, and it is made again"):
        _ = found.metrics["of_later"]
    assert found.metrics["recon_mse"] is not None, "what is whole is read"


@pytest.mark.parametrize("what", ["absent", "cut", "other", "locked"])
def test_kept_outlines_may_be_anything(store: Store, specs: list[Any], opened: list[str], what: str) -> None:
    before = store.read_outlines(specs)
    path = store.root / KEPT
    content = path.read_bytes()
    if what == "absent":
        path.unlink()
    elif what == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif what == "other":
        path.write_bytes(content.replace(outlines.FORMAT, b"0" * len(outlines.FORMAT)))
    else:
        path.unlink()
        path.mkdir()  # nobody can write there, not even root
        (path / "file").touch()
    opened.clear()
    found = store.read_outlines(specs)
    assert {name: told(one) for name, one in found.items()} == {name: told(one) for name, one in before.items()}
    assert len(opened) == len(before)


def test_few_records_have_no_outlines(store: Store, specs: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "LEAST", len(specs))
    found = store.read_outlines(specs)
    assert found == {record.run_id: record for record in store.read_records()}
    assert not (store.root / KEPT).exists()
