"""Several folders of a study's runs joined into one, the same whatever their order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aebench.errors import UserError
from aebench.records.damage import damage
from aebench.records.record import RunRecord
from aebench.records.store import Store
from aebench.records.writing import write_aside

# What may differ between two trainings of one run that came to the same numbers.
_CIRCUMSTANCES = {"training", "environment", "finished"}
_KINDS = ("timings", "datasets")


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A run that has other numbers in different folders; `differing` names some of them with both values."""

    run_id: str
    folders: tuple[Path, ...]
    differing: str


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What became of folders.

    Attributes:
        runs, timings: how many there are now.
        repeated: runs that were in several folders with the same numbers.
        conflicts: runs that were left out.
        damaged: arrays that are damaged, and why; their runs were taken from another folder, or left out.
        unread: files that are no valid records of runs, left out.
    """

    runs: int
    timings: int
    repeated: int
    conflicts: tuple[Conflict, ...]
    damaged: dict[Path, str]
    unread: tuple[Path, ...]


@dataclass(frozen=True)
class _Found:
    folder: Path
    path: Path
    record: RunRecord

    @property
    def rank(self) -> tuple[str, bytes]:
        """The run that was finished first stands for others with its numbers, wherever it is given."""
        return self.record.finished, self.path.read_bytes()


def merge(out: Path, folders: Sequence[Path], circumstantial: frozenset[str]) -> Merged:
    """Copies runs with their arrays, timings and what is told of data sets into a new folder.

    A run that has the same numbers in several folders is taken from where it was finished first, of those where its
    arrays are whole. Where its numbers differ, neither is taken. Of timings of one configuration in one environment the
    one that was taken first stays.

    Args:
        out: made; must not hold anything.
        folders: each with `records/`; they are only read.
        circumstantial: metrics that may differ between two trainings of one run, as its time.

    Raises:
        UserError: `out` holds something, a folder holds no runs, or something cannot be read or written.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} is not empty; merge into a new folder")
    for folder in folders:
        if not (folder / "records").is_dir():
            raise UserError(f"{folder} holds no runs (no folder records/ in it); give folders that `bench` has filled")
    unread: list[Path] = []
    found: dict[str, list[_Found]] = {}
    for folder in folders:
        for one in _records(folder, unread):
            found.setdefault(one.record.run_id, []).append(one)
    conflicts, store, runs = [], Store(out), 0
    damaged: dict[Path, str] = {}
    for run_id, same in sorted(found.items()):
        differing = _differing([one.record for one in same], circumstantial)
        if differing:
            conflicts.append(Conflict(run_id=run_id, folders=tuple(one.folder for one in same), differing=differing))
            continue
        bad = [_damaged(one) for one in same]
        damaged |= {path: reason for arrays in bad for path, reason in arrays.items()}
        if whole := [one for one, arrays in zip(same, bad, strict=True) if not arrays]:
            _take(_first(whole), store)
            runs += 1
    _take_others(folders, out)
    return Merged(
        runs=runs,
        timings=len([*(out / "timings").glob("*.json")]),
        repeated=sum(len(same) > 1 for same in found.values()) - len(conflicts),
        conflicts=tuple(conflicts),
        damaged=damaged,
        unread=tuple(sorted(unread)),
    )


def pool(out: Path, folders: Sequence[Path]) -> dict[str, tuple[Path, ...]]:
    """Copies runs as `merge` does, but the one that was finished first stands for others of the same run.

    So it is with what strangers send: rounding differs between their machines, and training makes much of it. The same
    run twice is no two draws of a seed, whatever its numbers.

    Returns:
        The folders that have each run, by its id; that from which it was taken comes first.
    """
    found: dict[str, list[_Found]] = {}
    for folder in folders:
        for one in _records(folder, []):
            found.setdefault(one.record.run_id, []).append(one)
    for same in found.values():
        _take(_first(same), Store(out))
    _take_others(folders, out)
    return {
        run_id: tuple(one.folder for one in sorted(same, key=lambda one: one.rank)) for run_id, same in found.items()
    }


def _first(same: Sequence[_Found]) -> _Found:
    return min(same, key=lambda one: one.rank)


def _arrays(found: _Found) -> list[Path]:
    return sorted((found.folder / "artefacts" / found.record.run_id).glob("*.npz"))


def _damaged(found: _Found) -> dict[Path, str]:
    """Which arrays of a run are damaged, and why."""
    return {path: reason for path in _arrays(found) if (reason := damage(path))}


def _take(chosen: _Found, store: Store) -> None:
    """Copies a run, its record last."""
    run_id = chosen.record.run_id
    for path in _arrays(chosen):
        _copy(path, store.artefact_path(run_id, path.stem))
    _copy(chosen.path, store.record_path(chosen.record.spec))


def _take_others(folders: Sequence[Path], out: Path) -> None:
    """Copies timings and what is told of data sets; of those of one name the one that was taken first."""
    for kind in _KINDS:
        names: dict[str, list[Path]] = {}
        for folder in folders:
            for path in (folder / kind).glob("*.json"):
                names.setdefault(path.name, []).append(path)
        for name, paths in sorted(names.items()):
            _copy(min(paths, key=_when), out / kind / name)


def _records(folder: Path, unread: list[Path]) -> Iterator[_Found]:
    for path in sorted((folder / "records").glob("*.json")):
        try:
            record = RunRecord.model_validate_json(_bytes(path))
        except ValidationError:
            unread.append(path)
            continue
        if record.run_id == path.stem == record.spec.run_id:
            yield _Found(folder, path, record)
        else:
            unread.append(path)


def _differing(records: Sequence[RunRecord], circumstantial: frozenset[str]) -> str:
    """Some numbers that are not the same in all records of a run, each with two of its values; nothing if all are."""
    first = _told(records[0], circumstantial)
    for other in (_told(record, circumstantial) for record in records[1:]):
        names = sorted(name for name in first.keys() | other.keys() if first.get(name) != other.get(name))
        if names:
            shown = ", ".join(f"{name} {first.get(name)} and {other.get(name)}" for name in names[:2])
            return shown + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    return ""


def _told(record: RunRecord, circumstantial: frozenset[str]) -> dict[str, Any]:
    """All that a record says but for the circumstances of its training, metrics by name."""
    told = record.model_dump(exclude={*_CIRCUMSTANCES, "metrics", "curve"})
    curve = record.curve.model_dump()
    metrics = {name: value for name, value in record.metrics.items() if name not in circumstantial}
    return {**told, **{f"curve of {name}": value for name, value in curve.items()}, **metrics}


def _when(path: Path) -> tuple[str, bytes]:
    """When a timing was finished, as its file says; files of one moment, or of none, by content."""
    content = _bytes(path)
    try:
        return str(json.loads(content).get("finished", "")), content
    except (ValueError, AttributeError):
        return "~", content  # after all that can be read


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; make it readable or remove it") from None


def _copy(path: Path, to: Path) -> None:
    content = _bytes(path)
    write_aside(to, lambda file: file.write(content))
