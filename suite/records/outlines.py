"""Outlines of records, so that 100,000 are read in seconds: what tables need of each, in one file beside them.

An outline is a record without its profiles, milestones and training curves. The records are the truth: an outline
counts for as long as the file that it was read from is the same by inode, length and times, which the system changes
with every write. So nobody has to tell of runs that are added, replaced or removed; of two processes that write
outlines the last one wins, and who reads next makes up for it. They may be removed at any time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from aebench.errors import UserError
from aebench.records.making import uncollected
from aebench.records.record import Curve, Environment, MeasureSettings, Outcome, RunRecord, Training
from aebench.records.spec import Frozen, RunSpec
from aebench.records.writing import write_aside

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT: Final = b"1"  # another with whatever changes in what is kept, or in how records are read
LEAST: Final = 1000  # records without a kept outline from which on outlines are kept: fewer are read in a moment
_PART: Final = 500  # records that are held whole at once
_METRIC, _CURVE = "metric.", "curve."
_CURVES: Final = ("val_objective", "val_distortion", "val_rate")  # by which tables choose
_REPEATED: Final = ["common", "training"]  # texts that most rows share


class _Common(Frozen):
    """What most records of a study share."""

    outcome: Outcome
    metric_versions: dict[str, int]
    measured_with: MeasureSettings | None
    environment: Environment


class Row(Mapping[str, float | None]):
    """The metrics of one run in columns of many; what its record leaves out is `None`."""

    __slots__ = ("_at", "_columns")

    def __init__(self, columns: _Columns, at: int) -> None:
        self._columns, self._at = columns, at

    def __getitem__(self, name: str) -> float | None:
        value = float(self._columns[name][self._at])
        return None if value != value else value  # NaN, which no record holds

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns.names)

    def __len__(self) -> int:
        return len(self._columns.names)


class Series(Sequence[float]):
    """One curve of one run among those of many."""

    __slots__ = ("_at", "_curves", "_name")

    def __init__(self, curves: _Curves, name: str, at: int) -> None:
        self._curves, self._name, self._at = curves, name, at

    def __getitem__(self, place: Any) -> Any:
        ends, values = self._curves[self._name]
        found = values[ends[self._at] : ends[self._at + 1]][place]
        return tuple(found.tolist()) if isinstance(place, slice) else float(found)

    def __len__(self) -> int:
        ends, _ = self._curves[self._name]
        return int(ends[self._at + 1] - ends[self._at])


class _Curves(dict[str, tuple[np.ndarray, np.ndarray]]):
    """Curves of some tables by name, each read when it is first asked for: where each run's ends, and all numbers."""

    def __init__(self, tables: Sequence[_Kept | pa.Table]) -> None:
        self._tables = tables

    def __missing__(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        column = _joined(self._tables, [f"{_CURVE}{name}"])[0].combine_chunks()
        self[name] = column.offsets.to_numpy(), column.values.to_numpy()
        return self[name]


class _Columns(dict[str, np.ndarray]):
    """Metrics of some tables, one after the other, by name: each is read when it is first asked for."""

    def __init__(self, tables: Sequence[_Kept | pa.Table]) -> None:
        self._tables = tables
        columns = (name for table in tables for name in table.column_names)
        self._known = {name.removeprefix(_METRIC) for name in columns if name.startswith(_METRIC)}
        self.names = sorted(self._known)

    def __missing__(self, name: str) -> np.ndarray:
        if name not in self._known:
            raise KeyError(name)
        parts = (_column(table, f"{_METRIC}{name}") for table in self._tables)
        self[name] = np.concatenate([*parts])
        return self[name]


def _column(table: _Kept | pa.Table, name: str) -> np.ndarray:
    """A column of numbers, NaN where it has none."""
    there = name in table.column_names
    found: np.ndarray = table.select([name])[name].to_numpy() if there else np.full(table.num_rows, np.nan)
    return found


class _Kept:
    """The outlines that are kept of records as they are now, whose columns are read when they are asked for.

    Raises:
        OSError, ValueError, KeyError, pyarrow.ArrowException: there are none, or none that can be read.
    """

    def __init__(self, path: Path, stamps: Mapping[str, str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = path
        self._file = pq.ParquetFile(path, read_dictionary=_REPEATED, page_checksum_verification=True, pre_buffer=False)
        if (self._file.schema_arrow.metadata or {}).get(b"format") != FORMAT:
            raise ValueError("other outlines")
        self.column_names = self._file.schema_arrow.names
        table = self._file.read(["run", "stamp"])
        runs, then = table["run"].to_pylist(), table["stamp"].to_pylist()
        same = [stamps.get(run) == stamp for run, stamp in zip(runs, then, strict=True)]
        self._same = None if all(same) else pa.array(same)
        self.num_rows = sum(same)

    def select(self, names: Sequence[str]) -> pa.Table:
        """Some of its columns, which are held against their checksums.

        Raises:
            UserError: they have others.
        """
        import pyarrow as pa

        try:
            table = self._file.read(list(names))
        except (pa.ArrowException, OSError) as error:
            raise UserError(
                f"{self._path} is damaged: {error}; remove it, and it is made again from records/"
            ) from None
        return table if self._same is None else table.filter(self._same)


def read(
    folder: Path, specs: Sequence[RunSpec], read_record: Callable[[Path], RunRecord | None]
) -> dict[str, RunRecord]:
    """Outlines of the finished ones of some runs, by run id in their order; others' are kept as they are.

    Args:
        folder: holds the records; the outlines are kept beside it.
        specs: the runs.
        read_record: reads a record's file; `None` for one that is none.
    """
    stamps = _stamps(folder)
    if len(stamps) < LEAST:
        found = [read_record(folder / f"{spec.run_id}.json") for spec in specs if spec.run_id in stamps]
        return {record.run_id: record for record in found if record is not None}
    path = folder.parent / f"{folder.name}.parquet"
    tables: list[_Kept | pa.Table] = [] if (kept := _kept(path, stamps)) is None else [kept]
    known = {run for table in tables for run in table.select(["run"])["run"].to_pylist()}
    new = [spec.run_id for spec in specs if spec.run_id in stamps and spec.run_id not in known]
    tables += [_table(ids, folder, stamps, read_record) for ids in _parts(new)]
    if len(new) >= LEAST:
        with suppress(UserError):  # where nothing can be written, all are read anew each time
            write_aside(path, lambda file: _write(file, _joined(tables)))
    with uncollected():
        return _outlines(tables, specs) if tables else {}


def _stamps(folder: Path) -> dict[str, str]:
    """What tells a record's file from every other that may take its place, by run id."""
    try:
        with os.scandir(folder) as files:
            return {file.name[:-5]: _stamp(file.stat()) for file in files
                    if file.name.endswith(".json") and not file.name.startswith(".")}  # fmt: skip
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"cannot read {folder}: {error.strerror}; make it readable") from None


def _stamp(file: os.stat_result) -> str:
    return f"{file.st_ino} {file.st_size} {file.st_mtime_ns} {file.st_ctime_ns}"


def _kept(path: Path, stamps: Mapping[str, str]) -> _Kept | None:
    """What is kept of records as they are now, all of it sound; `None` if there is none."""
    import pyarrow as pa

    try:
        return _Kept(path, stamps)
    except (pa.ArrowException, OSError, ValueError, KeyError, MemoryError):
        return None


def _joined(tables: Sequence[_Kept | pa.Table], names: Sequence[str] | None = None) -> pa.Table:
    """Some columns, by default all, of tables one after the other."""
    import pyarrow as pa

    parts = [table.select(table.column_names if names is None else names) for table in tables]
    return pa.concat_tables(parts, promote_options="permissive")


def _write(file: IO[bytes], table: pa.Table) -> None:
    import pyarrow.parquet as pq

    kept = table.replace_schema_metadata({b"format": FORMAT})
    pq.write_table(kept, file, compression="none", use_dictionary=_REPEATED, write_statistics=False,
                   write_page_checksum=True)  # fmt: skip


def _parts(runs: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(runs), _PART):
        yield runs[start : start + _PART]


def _table(
    runs: Sequence[str], folder: Path, stamps: Mapping[str, str], read_record: Callable[[Path], RunRecord | None]
) -> pa.Table:
    """Outlines of some records, a row each; those that are none are left out."""
    import pyarrow as pa

    read_now = (read_record(folder / f"{run}.json") for run in runs)
    records = [record for record in read_now if record is not None]
    common = (_Common(**{name: getattr(record, name) for name in _Common.model_fields}) for record in records)
    texts = {
        "run": (record.run_id for record in records),
        "stamp": (stamps[record.run_id] for record in records),
        "finished": (record.finished for record in records),
        "common": (one.model_dump_json() for one in common),
        "training": (record.training.model_dump_json() for record in records),
    }
    shared = pa.dictionary(pa.int32(), pa.string())
    metrics = sorted({name for record in records for name in record.metrics})
    return pa.table(
        {
            **{name: pa.array(values, shared if name in _REPEATED else pa.string()) for name, values in texts.items()},
            **{
                f"{_CURVE}{name}": pa.array([getattr(record.curve, name) for record in records], pa.list_(pa.float64()))
                for name in _CURVES
            },
            **{f"{_METRIC}{name}": pa.array([record.metrics.get(name) for record in records], pa.float64())
               for name in metrics},
        }
    )  # fmt: skip


def _outlines(tables: Sequence[_Kept | pa.Table], specs: Sequence[RunSpec]) -> dict[str, RunRecord]:
    """Records made of rows; all of one cohort are copies of one, which is quicker than to make each."""
    table = _joined(tables, ["run", "finished", *_REPEATED])
    columns, commons, trainings = _Columns(tables), _of(table, "common"), _of(table, "training")
    made: dict[tuple[str, str], RunRecord] = {}
    finished, curves = table["finished"].to_pylist(), _Curves(tables)
    rows = {run: at for at, run in enumerate(table["run"].to_pylist())}
    found = {}
    for spec in specs:
        at = rows.get(spec.run_id)
        if at is None:
            continue
        kind = commons[at], trainings[at]
        like = made[kind] if kind in made else made.setdefault(kind, _like(*kind))
        curve = like.curve.model_copy(update={name: Series(curves, name, at) for name in _CURVES})
        own = {"run_id": spec.run_id, "spec": spec, "curve": curve, "finished": finished[at]}
        found[spec.run_id] = like.model_copy(update=own | {"metrics": Row(columns, at)})
    return found


def _of(table: pa.Table, name: str) -> list[str]:
    """A column of which most rows are the same, as one object where they are."""
    column = table[name].dictionary_encode().combine_chunks()
    texts = column.dictionary.to_pylist()
    return [texts[at] for at in column.indices.to_pylist()]


def _like(common: str, training: str) -> RunRecord:
    """A record of no run."""
    return RunRecord.model_construct(
        curve=Curve(), training=Training.model_validate_json(training), **dict(_Common.model_validate_json(common))
    )
