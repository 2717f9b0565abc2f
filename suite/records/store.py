"""Store: one file per finished run or timing, written aside and renamed. A file that exists is a finished run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from aebench.errors import UserError
from aebench.records import arrays as archives
from aebench.records import outlines
from aebench.records.checkpoints import Checkpoints
from aebench.records.damage import UNREADABLE
from aebench.records.kept import Kept
from aebench.records.locks import Locks
from aebench.records.partial_scores import PartialScores
from aebench.records.record import SCHEMA, DatasetRecord, Environment, RunRecord, TimingRecord
from aebench.records.spec import RunSpec, TimingSpec
from aebench.records.writing import write_aside

Record = TypeVar("Record", RunRecord, TimingRecord, DatasetRecord)
Warn = Callable[[str], None]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Store:
    """The folder that holds one study's records, timings, artefacts and page.

    Args:
        root: the folder; made when something is written.
        warn: told, in one line, of every file that had to be set aside.
    """

    root: Path
    warn: Warn = print

    @property
    def locks(self) -> Locks:
        """Who works at what here."""
        return Locks(self.root / "locks")

    @property
    def checkpoints(self) -> Checkpoints:
        """Trainings that are on their way."""
        return Checkpoints(self.root / "checkpoints", self.warn)

    @property
    def partial_scores(self) -> PartialScores:
        """What has been measured of cohorts that are on their way."""
        return PartialScores(self.root / "checkpoints", self.warn)

    def record_path(self, spec: RunSpec) -> Path:
        """Where this run's record is, or will be."""
        return self._record_path(spec.run_id)

    def has_record(self, run_id: str) -> bool:
        """Whether a run is finished."""
        return self._record_path(run_id).exists()

    def remove_unfinished(self, run_id: str) -> None:
        """Removes what was being written of a run when its process was killed; nobody else may be at it."""
        for folder, pattern in (("records", f".{run_id}.json.*"), (f"artefacts/{run_id}", ".*")):
            for path in (self.root / folder).glob(pattern):
                path.unlink(missing_ok=True)

    def timing_path(self, spec: TimingSpec, environment: Environment) -> Path:
        """Where this timing's record is, or will be: keyed by configuration and environment."""
        return self.root / "timings" / f"{spec.timing_id}-{environment_key(environment)}.json"

    def artefact_path(self, run_id: str, name: str) -> Path:
        """Where a run's arrays of one kind are, or will be; `name` is one of `Kept`."""
        return self.root / "artefacts" / run_id / f"{name}.npz"

    def read_record(self, spec: RunSpec) -> RunRecord | None:
        """This run's record; `None` if it isn't finished or its file had to be set aside.

        Raises:
            UserError: the file is there but cannot be read.
        """
        return self._read_run(self.record_path(spec))

    def read_timings(self) -> list[TimingRecord]:
        """All timings, of every environment.

        Raises:
            UserError: one is there but cannot be read.
        """
        paths = sorted((self.root / "timings").glob("*.json"))
        return [record for path in paths if (record := self._read(path, TimingRecord)) is not None]

    def read_records(self) -> list[RunRecord]:
        """All finished runs, of whatever study; what is no record of the run that its file is named after is set aside.

        Raises:
            UserError: one is there but cannot be read.
        """
        return [*self.each_record()]

    def each_record(self) -> Iterator[RunRecord]:
        """As `read_records`, one after the other, so that they need not all be held."""
        for path in sorted((self.root / "records").glob("*.json")):
            if (record := self._read_run(path)) is not None:
                yield record

    def read_outlines(self, specs: Sequence[RunSpec]) -> dict[str, RunRecord]:
        """The finished ones of these runs by run id, without what no table needs: see `aebench.records.outlines`.

        Raises:
            UserError: one is there but cannot be read.
        """
        return outlines.read(self.root / "records", specs, self._read_run)

    def read_datasets(self) -> list[DatasetRecord]:
        """The data that runs here were trained on.

        Raises:
            UserError: one is there but cannot be read.
        """
        paths = sorted((self.root / "datasets").glob("*.json"))
        return [record for path in paths if (record := self._read(path, DatasetRecord)) is not None]

    def write_dataset(self, record: DatasetRecord) -> None:
        """Keeps what is told of a data set, unless it is kept already."""
        path = self.root / "datasets" / f"{record.name}-{record.digest[:10]}.json"
        if not path.exists():
            self._write_json(path, record)

    def write_record(self, record: RunRecord) -> None:
        """Keeps a finished run, and forgets that it failed before; its artefacts must be there already.

        Raises:
            UserError: it cannot be written; see `write_aside`, as for every `write_...` here.
        """
        self._write_json(self.record_path(record.spec), record)
        self._failure_path(record.run_id).unlink(missing_ok=True)

    def write_timing(self, record: TimingRecord) -> None:
        """Keeps a timing."""
        self._write_json(self.timing_path(record.spec, record.environment), record)

    def write_arrays(self, run_id: str, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keeps a run's arrays as one file; only pictures are compressed: floats shrink by 7 % in 20 times the time."""
        save = np.savez_compressed if name == Kept.FIGURES else np.savez
        write_aside(self.artefact_path(run_id, name), lambda file: save(file, allow_pickle=False, **arrays))

    def read_arrays(self, run_id: str, name: str, wanted: Sequence[str] | None = None) -> dict[str, np.ndarray] | None:
        """A run's arrays called `name`, or those of them that are `wanted` and there; `None` if there are none.

        Raises:
            UserError: the file is damaged or cannot be read.
        """
        return self._of_arrays(run_id, name, lambda path: archives.read_arrays(path, wanted))

    def array_lengths(self, run_id: str, name: str) -> Mapping[str, int]:
        """How long each of a run's arrays called `name` is, found without reading them; empty if there are none.

        Raises:
            UserError: the file is damaged or cannot be read.
        """
        return self._of_arrays(run_id, name, archives.lengths) or {}

    def _of_arrays(self, run_id: str, name: str, read: Callable[[Path], Found]) -> Found | None:
        """What is read of a run's arrays; `None` if there are none."""
        path = self.artefact_path(run_id, name)
        try:
            return read(path)
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            anew = f"remove records/{run_id}.json and run `aebench bench` to train that run again"
            if name in (Kept.LATENTS, Kept.FIGURES) and self.artefact_path(run_id, Kept.WEIGHTS).is_file():
                anew = "run `aebench rescore` to make it again from the run's weights"
            raise UserError(f"cannot read {path}: {str(error) or type(error).__name__}; {anew}") from None

    def write_failure(self, run_id: str, details: str) -> Path:
        """Keeps the traceback of a run that crashed, for whoever has to mend it; returns its path."""
        path = self._failure_path(run_id)
        write_aside(path, lambda file: file.write(details.encode()))
        return path

    def _read_run(self, path: Path) -> RunRecord | None:
        """A run's record; one whose spec does not hash to the name of its file is of no run that was made here."""
        record = self._read(path, RunRecord)
        if record is None or record.run_id == path.stem == record.spec.run_id:
            return record
        self._set_aside(path, f"the record of that run: what it says was run has the id {record.spec.run_id}")
        return None

    def _record_path(self, run_id: str) -> Path:
        return self.root / "records" / f"{run_id}.json"

    def _failure_path(self, run_id: str) -> Path:
        return self.root / "failures" / f"{run_id}.txt"

    def _write_json(self, path: Path, record: BaseModel) -> None:
        write_aside(path, lambda file: file.write(record.model_dump_json(indent=1).encode()))

    def _read(self, path: Path, kind: type[Record]) -> Record | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}; make it readable or remove it") from None
        try:
            return kind.model_validate_json(content)
        except ValidationError:
            self._set_aside(path, f"a valid {kind.__name__} (schema {SCHEMA})")
            return None

    def _set_aside(self, path: Path, expected: str) -> None:
        names = (path.with_name(f"{path.name}.invalid-{number}") for number in range(1, 10_000))
        aside = next(name for name in names if not name.exists())
        try:
            path.rename(aside)
        except OSError as error:
            raise UserError(f"{path} is not {expected} and cannot be set aside: {error.strerror}") from None
        self.warn(f"{path} is not {expected}; it was set aside as {aside.name} and will be made again")


def environment_key(environment: Environment) -> str:
    """Short hash of all but the commit and the switches that are as the framework itself would have them."""
    changed = {name: switch for name, switch in environment.switches.items() if switch.value != switch.default}
    told = environment.model_copy(update={"switches": changed})
    left_out = {"commit"} if changed else {"commit", "switches"}
    return hashlib.sha256(told.model_dump_json(exclude=left_out).encode()).hexdigest()[:8]
