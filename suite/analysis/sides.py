"""One side of `compare --speed`: the speeds that a study's folder holds, each by what was done and in what place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from aebench import study
from aebench.errors import UserError
from aebench.records.rates import Rate, device_name, rate, rate_of
from aebench.records.record import Environment, RunRecord, TimingRecord
from aebench.records.spec import ModelSpec, variant_label

Warn = Callable[[str], None]
Record = TypeVar("Record", RunRecord, TimingRecord)
TRAINING = "training"  # of whole runs, beside the operations
_MODEL = ("variant", "variant_version", "options", "latent_dim", "network", "likelihood")
_RUN = ("dataset", "dataset_digest", "train_on", "epochs", "batch_size")
_NAMED = 3  # of a long list so many are named


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where and how some work was done: what a comparison is about."""

    device: str
    backend: str
    precision: str
    versions: tuple[str, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """All of it, in words."""
        return (self.device, self.backend, self.precision, *self.versions)

    def holds(self, text: str) -> bool:
        """Whether a text, in capitals or not, is in any part of it."""
        return any(text.casefold() in part.casefold() for part in self.parts)


@dataclass(frozen=True)
class Work:
    """What was done, whoever did it: an operation of a model, or the training of its runs.

    Attributes:
        fields: pairs of name and value; works of equal fields are the same work.
    """

    fields: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str | None:
        return dict(self.fields).get(name)

    def __str__(self) -> str:
        names = ("label", "network", "likelihood", "dataset", "image_shape")
        shown = [value for name in names if (value := self[name]) is not None]
        return f"{self['operation']} of {' '.join(shown)} z{self['latent_dim']} at batch size {self['batch_size']}"


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast some work was, and in what place."""

    work: Work
    place: Place
    rate: Rate


@dataclass(frozen=True, kw_only=True)
class Side:
    """The speeds of one side, by their work."""

    name: str
    speeds: dict[Work, Speed]

    @property
    def places(self) -> tuple[Place, ...]:
        """Those of its speeds, each once."""
        return tuple(dict.fromkeys(speed.place for speed in self.speeds.values()))


def read(given: str, reports: Path, warn: Warn) -> Side:
    """A side from what people call it.

    Args:
        given: a study's name, its TOML file, or a folder with `timings/` or `records/`; then, where that holds the same
            work from several places, `@` and a text that only one of them has in its device, backend, precision or
            versions, as in `digits@jax` or `digits@jax@bfloat16`.
        reports: the folder that holds the studies' folders.
        warn: told, in one line, of each file that cannot be read.

    Raises:
        UserError: there is no such side, nothing in it was timed, or it holds some work from several places.
    """
    folder, texts = folder_of(given, reports)
    timings = [speed for record in records_in(folder / "timings", TimingRecord, warn) for speed in _timed(record)]
    found = [*timings, *_trained(records_in(folder / "records", RunRecord, warn))]
    if not found:
        raise UserError(f"{given}: {folder} holds no timings and no finished runs; run `python -m aebench bench` first")
    picked = [speed for speed in found if all(speed.place.holds(text) for text in texts)]
    if not picked:
        told = places_told([speed.place for speed in found])
        raise UserError(f"{given}: nothing in {folder} was timed with {'@'.join(texts)!r}; it holds {told}")
    return Side(name=given, speeds=_of_one_place(given, picked))


def few(names: Sequence[object]) -> str:
    """The first names of a list, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(map(str, names[:_NAMED])) + (f" and {more} more" if more > 0 else "")


def folder_of(given: str, reports: Path) -> tuple[Path, list[str]]:
    """The folder that a side is read from, and the texts that pick places in it; see `read`.

    Raises:
        UserError: there is no such side.
    """
    if _is_kept(Path(given)):  # a folder's name may have an `@` in it
        return Path(given), []
    name, *texts = given.split("@")
    if _is_kept(Path(name)):
        return Path(name), texts
    if "/" in name and not name.endswith(".toml"):
        raise UserError(f"{name} is no folder with timings/ or records/ in it; give one, a study's name or its file")
    return reports / study.read(name).name, texts


def _is_kept(folder: Path) -> bool:
    return (folder / "timings").is_dir() or (folder / "records").is_dir()


def records_in(folder: Path, kind: type[Record], warn: Warn) -> Iterator[Record]:
    """Whatever can be read of such records in a folder; of the rest, whoever is to be warned is told."""
    for path in sorted(folder.glob("*.json")):
        try:
            yield kind.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else f"it is not a valid {kind.__name__}"
            warn(f"{path} is left out: {why}")


def _timed(record: TimingRecord) -> Iterator[Speed]:
    spec, place = record.spec, place_of(record.environment, record.spec)
    shape = "x".join(map(str, spec.image_shape))
    for operation, timed in record.operations.items():
        work = _work(spec, operation, {"image_shape": shape, "batch_size": spec.batch_size})
        yield Speed(work=work, place=place, rate=rate_of(timed))


def _trained(records: Iterable[RunRecord]) -> Iterator[Speed]:
    """Images/s of training, over cohorts: the runs of one tell the same number, each that of all together."""
    found: dict[tuple[Work, Place], set[float]] = {}
    for record in records:
        speed = record.metrics.get("train_images_per_s")
        if record.outcome == "ok" and speed is not None:
            work = _work(record.spec, TRAINING, {name: getattr(record.spec, name) for name in _RUN})
            key = work, place_of(record.environment, record.spec)
            found.setdefault(key, set()).add(speed)
    for (work, place), speeds in found.items():
        yield Speed(work=work, place=place, rate=rate(sorted(speeds)))


def _work(spec: ModelSpec, operation: str, more: dict[str, Any]) -> Work:
    label = variant_label(spec.variant, spec.options)
    fields = {name: getattr(spec, name) for name in _MODEL} | more | {"label": label, "operation": operation}
    fields["options"] = " ".join(f"{name}={value}" for name, value in sorted(spec.options.items()))
    return Work(tuple((name, str(value)) for name, value in fields.items()))


def place_of(environment: Environment, spec: ModelSpec) -> Place:
    """Where something was done."""
    versions = [f"{package} {version}" for package, version in sorted(environment.versions.items())]
    return Place(
        device=device_name(environment),
        backend=spec.backend,
        precision=spec.precision,
        versions=(*versions, f"Python {environment.python}", environment.platform),
    )


def _of_one_place(given: str, speeds: Sequence[Speed]) -> dict[Work, Speed]:
    chosen: dict[Work, Speed] = {}
    for speed in speeds:
        if chosen.setdefault(speed.work, speed).place != speed.place:
            both = [chosen[speed.work].place, speed.place]
            raise UserError(
                f"{given} holds several places for {speed.work}: {places_told([*both])}; pick one by a text that only "
                f"it has, as in {given}@{telling(both)}"
            )
    return chosen


def places_told(places: Sequence[Place]) -> str:
    """Places by what they do not all share."""
    each = list(dict.fromkeys(places))
    if len(each) == 1:
        return ", ".join(each[0].parts)
    return " | ".join(", ".join(_own_parts(place, each)) for place in each)


def _own_parts(place: Place, among: Sequence[Place]) -> list[str]:
    return [part for part in place.parts if any(part not in other.parts for other in among)]


def telling(places: Sequence[Place]) -> str:
    """A text that picks the first of two places that differ; the second's, where that has no such text."""
    first, second = places
    own = [part for part in first.parts if not second.holds(part)] or second.parts
    text = own[0]
    return f"'{text}'" if " " in text else text
