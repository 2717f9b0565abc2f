"""Records as tables in Parquet: one row a run, one row a round of a timed operation. Imports nothing heavy."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aebench.records.record import RunRecord, TimingRecord

if TYPE_CHECKING:
    import pyarrow as pa

Rows = list[dict[str, Any]]


def run_rows(records: Iterable[RunRecord]) -> Rows:
    """One row a run, by run id: its spec, its settings as `setting.<name>`, its numbers as `metric.<name>`."""
    return [_run_row(record) for record in sorted(records, key=lambda record: record.run_id)]


def timing_rows(records: Iterable[TimingRecord]) -> Rows:
    """One row a kept round of a timed operation."""
    rows = []
    for record in sorted(records, key=lambda record: (record.timing_id, record.model_dump_json())):
        place = record.environment
        shared = {
            "timing_id": record.timing_id,
            **record.spec.model_dump(exclude={"options", "image_shape"}),
            **{f"setting.{name}": value for name, value in sorted(record.spec.options.items())},
            "image_shape": "x".join(map(str, record.spec.image_shape)),
            "device": place.device,
            "device_kind": place.device_kind,
            "cores": place.cores,
            "finished": record.finished,
        }
        for name, timed in record.operations.items():
            for number, seconds in enumerate(timed.seconds):
                rows.append({**shared, "operation": name, "images": timed.images, "round": number, "seconds": seconds})
    return rows


def parquet(rows: Rows) -> bytes:
    """The rows as a Parquet file, the same whenever they are the same."""
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(_table(rows), file)
    return file.getvalue()


def differing(path: Path, rows: Rows) -> str:
    """In what a Parquet file differs from rows that it is to hold; empty where it does not."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        wanted = _table(rows)
    except OverflowError:
        return "cannot be held against the records: they hold a number that is too large for a table"
    try:
        with pq.ParquetFile(path) as file:
            told = file.metadata
            if (told.num_rows, told.num_columns) != wanted.shape:  # before so many are read
                return (
                    f"has {told.num_rows} rows of {told.num_columns} numbers, and the records {wanted.num_rows} of "
                    f"{wanted.num_columns}"
                )
            found = file.read()
    except (pa.ArrowException, OSError, ValueError, MemoryError):
        return "is no whole Parquet file"
    if found.column_names != wanted.column_names:
        return "has other columns than the records"
    for name in wanted.column_names:
        ours, theirs = wanted[name].to_pylist(), found[name].to_pylist()
        if ours != theirs:
            at = next(place for place, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other)
            first = next(iter(rows[at].values()))
            return f"says {name} {theirs[at]!r:.80} of {first}, and its record {ours[at]!r:.80}"
    return ""


def _run_row(record: RunRecord) -> dict[str, Any]:
    spec = record.spec
    return {
        "run_id": record.run_id,
        "configuration": spec.configuration,
        **spec.model_dump(exclude={"scalars", "options", "adam", "annealing"}),
        **{f"adam_{name}": value for name, value in spec.adam.model_dump().items()},
        **spec.rate_schedule,
        **{f"setting.{name}": value for name, value in sorted({**spec.scalars, **spec.options}.items())},
        "outcome": record.outcome,
        "engine": record.training.engine,
        "device": record.environment.device,
        "device_kind": record.environment.device_kind,
        "finished": record.finished,
        **{f"metric.{name}": value for name, value in sorted(record.metrics.items())},
    }


def _table(rows: Rows) -> pa.Table:
    import pyarrow as pa

    names = dict.fromkeys(name for row in rows for name in row)
    fixed = [name for name in names if "." not in name]
    columns = [*fixed, *sorted(names.keys() - set(fixed))]
    return pa.table({name: _column([row.get(name) for row in rows]) for name in columns})


def _column(values: Sequence[Any]) -> pa.Array:
    """Whole numbers as floats where others stand beside them, all as text where names do."""
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    kind = str if str in kinds else float if float in kinds else int if kinds else None
    types = {str: pa.string(), float: pa.float64(), int: pa.int64(), None: pa.null()}
    return pa.array([value if value is None or kind is None else kind(value) for value in values], types[kind])
