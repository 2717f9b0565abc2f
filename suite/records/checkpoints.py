"""Checkpoints: trainings on their way, written aside so that they go on where they were. Imports no Keras."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import ValidationError

from aebench.records import headed
from aebench.records.damage import UNREADABLE
from aebench.records.headed import Arrays, Header
from aebench.records.partial_scores import ANEW, SUFFIX, cohort_of, scores_of

OLD_DAYS: Final = 30  # without a sign of it, after which a training that the study does not plan any more is given up


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints in a folder: one file a training, there until each of its runs has a record.

    What has been measured of these runs lies beside them and goes with them: see `PartialScores`. Whoever reads or
    writes those of a cohort holds that cohort's lock.

    Args:
        folder: made when something is written.
        warn: told, in one line, of every checkpoint that cannot be used.
    """

    folder: Path
    warn: Callable[[str], None]

    def path(self, header: Header) -> Path:
        """Where a checkpoint is, or will be: apart from one of the same runs that cannot be used here and now."""
        return self.folder / f"{header.cohort}-{hashlib.sha256(header.model_dump_json().encode()).hexdigest()[:8]}.npz"

    def write(self, header: Header, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
        """Writes a checkpoint in place of the one that there was.

        Args:
            header: what it is of.
            arrays: with their names; taken one after the other, so that they need not all be held.

        Raises:
            UserError: the folder cannot be written to, or the disk is full; the one that there was is there still.
        """
        headed.write(self.path(header), header, arrays)

    def find(self, wanted: Header, planned: Collection[str]) -> tuple[Header | None, dict[Path, str]]:
        """The checkpoint of a training of some runs, which may have been trained with others of their cohort.

        Args:
            wanted: what the checkpoint of the runs alone would be of.
            planned: runs that they may have been trained with.

        Returns:
            What it is of, if there is one, and why others of these runs cannot be used.
        """
        found: list[Header] = []
        unfit: dict[Path, str] = {}
        for path in self._paths(wanted.cohort):
            header = self._header(path)
            if header is None:
                continue
            if path != self.path(header):
                unfit[path] = "its name is of another training"
            elif set(header.runs) & set(wanted.runs):  # else of another part of the cohort
                unfit[path] = _unfit(header, wanted, planned)
                if not unfit[path]:
                    found.append(header)
        chosen = min(found, key=lambda header: len(header.runs), default=None)
        return chosen, {path: reason for path, reason in unfit.items() if reason}

    def read(self, header: Header) -> Arrays | None:
        """The arrays of a checkpoint; `None`, which is told, if they are damaged."""
        path = self.path(header)
        try:
            return headed.read_arrays(path)
        except UNREADABLE as error:
            self._set_aside(path, error)
            return None

    def cohorts(self) -> set[str]:
        """Names of the cohorts that have checkpoints."""
        trained = {path.stem.rpartition("-")[0] for path in self.folder.glob("*.npz")}
        return trained | {cohort_of(path) for path in self.folder.glob(f"*{SUFFIX}")}

    def sweep(self, cohort: str, finished: Callable[[str], bool], planned: Callable[[str], bool]) -> None:
        """Removes what nobody goes on from: checkpoints of runs that are finished or given up, damaged and torn files.

        Args:
            cohort: whose.
            finished: whether a run is.
            planned: whether a run is one of the study, on whatever backend.
        """
        for path in [*self._paths(cohort), *scores_of(self.folder, cohort)]:
            header = self._header(path)
            if header is None:
                continue
            if all(map(finished, header.runs)) or (self._is_old(path) and not any(map(planned, header.runs))):
                path.unlink(missing_ok=True)
        for path in self.folder.glob(f".{cohort}-*"):
            path.unlink(missing_ok=True)

    def _is_old(self, path: Path) -> bool:
        """Whether the newest checkpoint here was written more than `OLD_DAYS` after this one."""
        newest = max((_modified(other) for other in self.folder.iterdir()), default=0.0)
        return newest - _modified(path) > OLD_DAYS * 86_400

    def _paths(self, cohort: str) -> list[Path]:
        return sorted(self.folder.glob(f"{cohort}-????????.npz"))

    def _header(self, path: Path) -> Header | None:
        try:
            return headed.read_header(path)
        except (*UNREADABLE, ValidationError) as error:
            self._set_aside(path, error)
            return None

    def _set_aside(self, path: Path, error: Exception) -> None:
        anew = ANEW if path.suffix == SUFFIX else "its runs are trained from the start"
        self.warn(headed.removed(path, error, anew))


def _modified(path: Path) -> float:
    """When a file was written, in seconds; 0 if it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _unfit(header: Header, wanted: Header, planned: Collection[str]) -> str:
    """Why runs cannot go on from a checkpoint; empty if they can."""
    if header.engine != wanted.engine:
        return f"the {header.engine} engine wrote it, and the {wanted.engine} one trains now"
    if not set(wanted.runs) <= set(header.runs) <= set(planned):
        return "other runs of the cohort were trained together then"
    return header.circumstances.differing(wanted.circumstances)
