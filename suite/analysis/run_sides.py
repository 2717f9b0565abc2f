"""One side of what changed between A and B: its finished runs, as configurations. Imports no Keras."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aebench.analysis.configurations import Configuration, configuration
from aebench.analysis.sides import folder_of, place_of, places_told, records_in, telling
from aebench.errors import UserError
from aebench.records import packs
from aebench.records.record import RunRecord
from aebench.records.spec import RunSpec

Warn = Callable[[str], None]
# What may differ between two sides of one experiment: they are what is compared.
_COMPARED = {"seed", "variant_version", "backend"}


@dataclass(frozen=True, kw_only=True)
class RunSide:
    """The finished runs of one side.

    Attributes:
        name: what it was asked for by.
        configurations: by their experiment: what both sides must share for their numbers to be held against each other.
        older: runs that were left out, because there are others by a newer version of their variant.
    """

    name: str
    configurations: dict[str, Configuration]
    older: int = 0

    @property
    def places(self) -> str:
        """Devices, backends and versions that its runs come from, in words."""
        return " | ".join(
            ", ".join(place.parts)
            for place in dict.fromkeys(
                place_of(record.environment, record.spec)
                for item in self.configurations.values()
                for record in item.records
            )
        )


def read(given: str, reports: Path, warn: Warn) -> RunSide:
    """A side from what people call it.

    Args:
        given: a pack, a study's name, its TOML file or a folder with `records/`, then `@` and texts that pick runs by
            device, backend, precision or version, as in `digits@jax`.
        reports: the folder that holds the studies' folders.
        warn: told, in one line, of each file that cannot be read.

    Raises:
        UserError: there is no such side, no run in it has finished, or it holds an experiment on several backends.
    """
    archive, *texts = [given] if zipfile.is_zipfile(given) else given.split("@")
    if zipfile.is_zipfile(archive):
        with packs.opened(Path(archive)) as pack:
            for line in pack.damaged:
                warn(f"{archive}: {line}")
            return _picked(given, archive, [*records_in(pack.store.root / "records", RunRecord, warn)], texts)
    folder, told = folder_of(given, reports)
    return _picked(given, folder, [*records_in(folder / "records", RunRecord, warn)], told)


def _picked(given: str, place: str | Path, found: Sequence[RunRecord], texts: Sequence[str]) -> RunSide:
    picked = [one for one in found if all(place_of(one.environment, one.spec).holds(text) for text in texts)]
    if not picked:
        none = f"no finished runs by {'@'.join(texts)!r}" if texts and found else "no finished runs"
        raise UserError(f"{given}: {place} holds {none}; run `aebench bench` first, or ask for --speed")
    return side(given, picked)


def side(name: str, records: Sequence[RunRecord]) -> RunSide:
    """Records as a side; of several versions of a variant the newest is taken.

    Raises:
        UserError: it holds an experiment on several backends.
    """
    newest: dict[str, int] = {}
    for record in records:
        version = newest.get(record.spec.variant, 0)
        newest[record.spec.variant] = max(version, record.spec.variant_version)
    taken = [record for record in records if record.spec.variant_version == newest[record.spec.variant]]
    groups: dict[str, list[RunRecord]] = {}
    for record in sorted(taken, key=lambda record: (record.spec.latent_dim, record.run_id)):
        groups.setdefault(experiment(record.spec), []).append(record)
    for group in groups.values():
        _refuse_several(name, group)
    unvaried = _unvaried(record.spec for record in taken)
    return RunSide(
        name=name,
        configurations={
            key: configuration(
                [record.spec for record in group],
                {record.run_id: record for record in group},
                unvaried[group[0].spec.variant],
                plain=False,  # which only its study could tell
            )
            for key, group in groups.items()
        },
        older=len(records) - len(taken),
    )


def experiment(spec: RunSpec) -> str:
    """What two sides' runs must have in common: all but seed, class left out, backend and their variant's version."""
    return spec.told_without(_COMPARED)


def _refuse_several(name: str, group: Sequence[RunRecord]) -> None:
    first = group[0]
    other = next((record for record in group if record.spec.backend != first.spec.backend), None)
    if other is not None:
        both = [place_of(record.environment, record.spec) for record in (first, other)]
        raise UserError(
            f"{name} holds {first.spec.label()} on several backends: {places_told(both)}; pick one by a text that only "
            f"it has, as in {name}@{telling(both)}"
        )


def _unvaried(specs: Iterable[RunSpec]) -> dict[str, set[str]]:
    """Settings that have one value in all runs of a variant, by variant; of a single setting it is always told."""
    values: dict[str, dict[str, set[float | int | str]]] = {}
    for spec in specs:
        own = values.setdefault(spec.variant, {})
        for name, value in {**spec.scalars, **spec.options}.items():
            own.setdefault(name, set()).add(value)
    return {
        variant: {name for name, found in own.items() if len(found) == 1} if len(own) > 1 else set()
        for variant, own in values.items()
    }
