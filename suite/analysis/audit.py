"""Whether what a pack says agrees with itself, and with what was measured anew from its weights. Imports no Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from pydantic import ValidationError

from aebench import study
from aebench.errors import UserError
from aebench.measures import FAMILIES, METRICS, kept_arrays
from aebench.records import packs, tables
from aebench.records.kept import Kept
from aebench.records.packs import Pack
from aebench.records.record import DatasetRecord, RunRecord, TimingRecord
from aebench.study import Study, files

Record = TypeVar("Record", RunRecord, TimingRecord, DatasetRecord)
# Kept arrays are rounded to float32, each number by at most half of this part of itself; the other half leaves room for
# the sum of so many.
ROUNDED: Final = 2.0**-23
# What rounding may do to a number that is measured anew, relative to it: the most that it does to a chain of float32
# sums of 2,048 products in all, each of which rounds by 2^-24. Signs differ, so what it does is near the root of that.
RECOMPUTED: Final = 2.0**-13
TIPPED: Final = 0.01  # share of test images whose neighbour, rank or label may change where distances are rounded
# What it may do to a number that is no mean over test images: it decides where trees part, where k-means and mixtures
# stop, and in which bin a code falls. In shares of the number, or of the scale of those that have one.
DECIDED: Final = 0.2
_LITTLE: Final = {"bits/dim": 0.01, "nats/image": 0.01}  # instead, of what hangs on no such decision
_SCALES: Final = {"-1..1": 0.5, "0..1": 0.5, "share": 0.5, "nats": 0.5, "of latent size": 5.0}  # at least, by unit
_LEFT_OUT: Final = ("s", "images/s", "an image")  # times, and how many codes an estimate took until it was sure
_JUDGED: Final = {name for family in FAMILIES if family.judged for name in family.metrics}
_ERRORS: Final = {metric.certified_by[0] for metric in METRICS.values() if metric.certified_by}  # estimates of errors
_BOUNDED: Final = ("-1..1", "0..1", "share")  # units of numbers whose scale is 1 however small they are
_COUNTED: Final = ("0..1", "share")
_LONGEST: Final = 400  # characters of a finding, which may quote what is in the pack


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What is found of a pack.

    Attributes:
        study: of its runs; `None` where its file cannot be read.
        records: the sound ones, by run id.
        findings: what contradicts something, a line each.
        notes: what could not be looked at, a line each.
    """

    study: Study | None
    records: Mapping[str, RunRecord]
    timings: Sequence[TimingRecord]
    findings: tuple[str, ...]
    notes: tuple[str, ...]


def audit(pack: Pack) -> Audit:
    """Holds a pack against itself: checksums, run ids, tables, means of single images, what its manifest tells."""
    root, findings = pack.store.root, [*pack.damaged]
    runs = _read(root / "records", RunRecord, _id_of_run, findings)
    timings = _read(root / "timings", TimingRecord, _id_of_timing, findings)
    datasets = _read(root / "datasets", DatasetRecord, lambda one: f"{one.name}-{one.digest[:10]}", findings)
    chosen = _study(pack, datasets, findings)
    for path in sorted((root / "artefacts").glob("*")):
        if path.name not in runs:
            findings.append(f"artefacts/{path.name} are of no run in it")
    findings += _told_otherwise(pack, runs.values())
    findings += (f"timings/{name}.json tells of no time" for name, timing in timings.items() if not _timed(timing))
    for name, rows in (
        (packs.RUNS, tables.run_rows(runs.values())),
        (packs.TIMINGS, tables.timing_rows(timings.values())),
    ):
        if (root / name).is_file():
            differs = tables.differing(root / name, rows)
            findings += [f"{name} {differs}"] if differs else []
        elif not any(line.startswith(name) for line in pack.damaged):
            findings.append(f"{name} is not in it")
    without = 0
    for record in runs.values():
        wrong, there = _means(pack, record)
        findings += wrong
        without += not there and record.outcome == "ok"
    notes = [f"{without} of {len(runs)} runs have no numbers of single images to hold their means against"]
    return Audit(
        study=chosen,
        records=runs,
        timings=tuple(timings.values()),
        findings=tuple(packs.shown(line, _LONGEST) for line in findings),
        notes=tuple(notes if without else ()),
    )


def differing(record: RunRecord, again: RunRecord) -> list[str]:
    """Numbers of a record that another measurement of the same weights does not give, a line each.

    Compared are metrics of the version that is measured here. The same weights, images and noise give other numbers on
    another machine by rounding alone: of means over test images, which declare kept arrays, `RECOMPUTED`. A share
    of images is counted, so that a rounding may tip one (`TIPPED`); an estimate that stops at a stated error may be off
    by that error, as it was found here and not as the record tells it. Of other metrics rounding may decide more
    (`DECIDED`): a falsification that is smaller is not found in them. What a classifier of the machine's own judges
    is left out.
    """
    lines = []
    for name, declared in METRICS.items():
        ours, theirs = again.metrics.get(name), record.metrics.get(name)
        if (
            declared.unit in _LEFT_OUT
            or name in _ERRORS | _JUDGED
            or record.metric_versions.get(name) != declared.version
        ):
            continue
        if ours is None and theirs is None:
            continue
        if ours is None or theirs is None or abs(ours - theirs) > _tolerance(name, again):
            lines.append(f"{record.run_id} says {name} {theirs}, and its weights give {ours}")
    return lines


def _tolerance(name: str, again: RunRecord) -> float:
    unit, told = METRICS[name].unit, METRICS[name].certified_by
    if not kept_arrays(name):
        return _LITTLE.get(unit, DECIDED) * max(abs(again.metrics.get(name) or 0.0), _SCALES.get(unit, 0.0))
    scale = 1.0 if unit in _BOUNDED else abs(again.metrics.get(name) or 0.0)
    error = (again.metrics.get(told[0]) or 0.0) if told else 0.0
    return RECOMPUTED * scale + error + (TIPPED if unit in _COUNTED else 0.0)


def _id_of_run(record: RunRecord) -> str:
    return record.run_id if record.run_id == record.spec.run_id else ""


def _id_of_timing(record: TimingRecord) -> str:
    return record.timing_id


def _read(folder: Path, kind: type[Record], name: Callable[[Record], str], findings: list[str]) -> dict[str, Record]:
    found = {}
    for path in sorted(folder.glob("*.json")):
        place = f"{folder.name}/{path.name}"
        try:
            record = kind.model_validate_json(path.read_bytes())
        except ValidationError:
            findings.append(f"{place} is no valid {kind.__name__}")
            continue
        own = name(record)
        if own and (path.stem == own or (kind is TimingRecord and path.stem.rpartition("-")[0] == own)):
            found[path.stem] = record
        else:
            findings.append(f"{place}: what is told in it does not hash to its name")
    return found


def _timed(record: TimingRecord) -> bool:
    """Whether every operation of it has rounds that took time."""
    rounds = record.operations.values()
    return all(one.images > 0 and one.seconds and min(one.seconds) > 0 for one in rounds)


def _study(pack: Pack, datasets: Mapping[str, DatasetRecord], findings: list[str]) -> Study | None:
    try:
        files.named(pack.study)
        found = study.read(str(pack.study), [known.name for known in datasets.values()])
        found.refuse_vast()
        return found
    except UserError as error:
        findings.append(f"its study cannot be read: {error}".replace(f"{pack.store.root}/", ""))
        return None


def _told_otherwise(pack: Pack, records: Iterable[RunRecord]) -> Iterator[str]:
    there = {record.environment.model_dump_json() for record in records}
    if there != {place.model_dump_json() for place in pack.manifest.environments}:
        yield "its manifest tells of other machines than its records"
    if any(pack.store.root.glob(f"artefacts/*/{Kept.WEIGHTS}.npz")) != pack.manifest.weights:
        yield f"its manifest says that weights are {'' if pack.manifest.weights else 'not '}in it"


def _means(pack: Pack, record: RunRecord) -> tuple[list[str], bool]:
    """Means and spreads that are not those of the kept numbers of single images, and whether there are any of these."""
    try:
        arrays = pack.store.read_arrays(record.run_id, Kept.LATENTS) or {}
    except UserError:
        return [f"artefacts/{record.run_id}/{Kept.LATENTS}.npz cannot be read"], True
    wrong, any_there = [], False
    for name in METRICS:
        parts = [(arrays.get(key), sign) for key, sign in kept_arrays(name)]
        told = record.metrics.get(name)
        if told is None or not parts or any(part is None for part, _ in parts):
            continue
        any_there = True
        found = _together([(part, sign) for part, sign in parts if part is not None])
        wrong += [f"{record.run_id} says {line}" for line in _misreported(name, told, record.image_sd.get(name), found)]
    return wrong, any_there


def _misreported(name: str, mean: float, sd: float | None, found: tuple[np.ndarray, np.ndarray] | None) -> list[str]:
    """What is told of a metric, and is not so of its single images, a line each."""
    if found is None:
        return [f"{name} {mean:.8g}, and its single images have a mean of no number"]
    numbers, sizes = found
    lines = []
    if not abs(numbers.mean() - mean) <= ROUNDED * sizes.mean():
        lines.append(f"{name} {mean:.8g}, and its single images have a mean of {numbers.mean():.8g}")
    # The root of a mean of squares moves by no more than that of what rounding does to each.
    if sd is not None and not abs(numbers.std() - sd) <= ROUNDED * np.sqrt(np.square(sizes).mean()):
        lines.append(f"that {name} differs by {sd:.8g} (sd) between single images, which differ by {numbers.std():.8g}")
    return lines


def _together(parts: Sequence[tuple[np.ndarray, float]]) -> tuple[np.ndarray, np.ndarray] | None:
    """The signed sum of arrays `(n,)`, and the sum of their sizes; `None` where they are no such numbers."""
    shapes = {part.shape for part, _ in parts}
    if len(shapes) != 1 or any(part.dtype.kind not in "fiub" or part.ndim != 1 or not part.size for part, _ in parts):
        return None
    numbers = np.array([sign * part.astype(np.float64) for part, sign in parts])
    return (numbers.sum(axis=0), np.abs(numbers).sum(axis=0)) if np.isfinite(numbers).all() else None
