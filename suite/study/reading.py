"""A study from a TOML file. Imports no Keras."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from aebench import data
from aebench.errors import UserError, unknown
from aebench.records.record import MeasureSettings
from aebench.records.spec import RunSpec
from aebench.study import contrasts, networks, variants
from aebench.study.expectations import Expectation
from aebench.study.grid import GRID, TIMED_BATCH_SIZES, Axis, Study, VariantGrid
from aebench.study.tables import parse, parse_each

STUDIES = Path(__file__).parent / "studies"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
MOST_SEEDS = 100_000  # more have been meant to be one: seeds = [1234567]
TABLES = ("measure", "contrast", "expected", "own_network", "variant")
TOP = ("name", "title", "about", "seeds", "without_class", "timed_batch_sizes", *TABLES, *GRID)


def names() -> list[str]:
    """The studies that come with the suite."""
    return sorted(path.stem for path in STUDIES.glob("*.toml"))


def read(study: str, elsewhere: Collection[str] = ()) -> Study:
    """The study called `study`, or the one in the file of that name if it ends in `.toml`.

    Args:
        study: its name or file.
        elsewhere: names of data sets that need not be known here, where it is read and not benched.

    Raises:
        UserError: no such study; or the file isn't TOML, or holds a key or value that isn't known or allowed.
    """
    if study.endswith(".toml"):
        return _read_file(Path(study), elsewhere)
    if study not in names():
        raise UserError(f"{unknown('study', study, names())}; your own file's name must end in .toml")
    return _read_file(STUDIES / f"{study}.toml")


def _read_file(path: Path, elsewhere: Collection[str] = ()) -> Study:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        write = f"; write one with: aebench init DATA -o {path}" if isinstance(error, FileNotFoundError) else ""
        raise UserError(f"cannot read the study {path}: {error.strerror}{write}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid TOML: {str(error) or type(error).__name__}") from None
    _refuse_unknown_keys(table, TOP, f"{path}")
    name = _study_name(table.get("name", path.stem), path)
    brought = networks.brought(table, path)
    grids = _grids(table, path, brought, tuple(dict.fromkeys([*data.known(), *elsewhere])))
    _refuse_unused(brought, grids, path)
    return Study(
        name=name,
        title=_text(table, "title", name, path),
        about=_text(table, "about", "", path),
        seeds=_seeds(table.get("seeds"), path),
        without_class=_whole_numbers(table.get("without_class", []), f"{path}: without_class"),
        grids=grids,
        networks={network.identity: network for network in brought.values()},
        timed_batch_sizes=_batch_sizes(table.get("timed_batch_sizes", list(TIMED_BATCH_SIZES)), path),
        measures=parse(MeasureSettings, table.get("measure", {}), f"{path}: measure"),
        contrasts=contrasts.read(table, [grid.declaration for grid in grids], f"{path}"),
        expectations=parse_each(Expectation, table, "expected", f"{path}"),
        source=path,
    )


def _refuse_unused(brought: dict[str, networks.Declaration], grids: tuple[VariantGrid, ...], path: Path) -> None:
    used = {identity for grid in grids for identity in grid.axes["network"]}
    if idle := [name for name, network in brought.items() if network.identity not in used]:
        raise UserError(f'{path}: own_network {idle[0]!r} is not used; choose it with network = "{idle[0]}"')


def _text(table: dict[str, Any], key: str, default: str, path: Path) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise UserError(f"{path}: {key}: {value!r} is not text; put it in quotes")
    return value


def _study_name(name: Any, path: Path) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise UserError(
            f"{path}: name: {name!r} cannot name a study; use lower-case letters, digits, '-' and '_', as in 'my-study'"
        )
    return name


def _seeds(value: Any, path: Path) -> tuple[int, ...]:
    if value is None:
        raise UserError(f"{path}: 'seeds' is missing; give how many (seeds = 5) or which (seeds = [0, 1, 2])")
    if isinstance(value, list):
        return _whole_numbers(_not_empty(value, f"{path}: seeds"), f"{path}: seeds")
    return tuple(range(Axis(kind=int, minimum=1, maximum=MOST_SEEDS).check(value, f"{path}: seeds")))


def _whole_numbers(values: Any, where: str) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise UserError(f"{where}: {values!r} is not a list; give one, as in [0, 1, 2]")
    axis = Axis(kind=int, minimum=0)
    return tuple(dict.fromkeys(axis.check(item, where) for item in values))


def _batch_sizes(value: Any, path: Path) -> tuple[int, ...]:
    where = f"{path}: timed_batch_sizes"
    if not isinstance(value, list):
        raise UserError(f"{where}: {value!r} is not a list; give one, [] for the study's own batch size alone")
    return tuple(sorted({Axis(kind=int, minimum=1).check(item, where) for item in value}))


def _grids(
    table: dict[str, Any], path: Path, brought: dict[str, networks.Declaration], datasets: tuple[str, ...]
) -> tuple[VariantGrid, ...]:
    grids = tuple(_variant_grid(item, table, path, brought, datasets) for item in _variant_tables(table, path))
    files: dict[str, Path] = {}
    for declared in (grid.declaration for grid in grids):
        if files.setdefault(declared.name, declared.path) != declared.path:
            raise UserError(
                f"{path}: variant {declared.name} comes from two files, {files[declared.name]} and {declared.path}; "
                "rename one of them"
            )
    return grids


def _variant_tables(table: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    tables = table.get("variant")
    if not isinstance(tables, list) or not tables or not all(isinstance(item, dict) for item in tables):
        raise UserError(f'{path}: no variant; add at least one table [[variant]] with name = "vae"')
    return tables


def _variant_grid(
    item: dict[str, Any],
    table: dict[str, Any],
    path: Path,
    brought: dict[str, networks.Declaration],
    datasets: tuple[str, ...],
) -> VariantGrid:
    declared = _declared(item, path)
    where = f"{path}: variant {declared.name}"
    known = (*networks.built_in(), *brought)
    grid = {
        **GRID,
        "dataset": Axis(kind=str, known=datasets),
        "network": replace(GRID["network"], known=known),
    }
    _refuse_unknown_keys(item, ("name", "file", *declared.scalars, *declared.options, *GRID), where)
    axes = {name: _axis(axis, name, item, table, where if name in item else f"{path}") for name, axis in grid.items()}
    axes["network"] = tuple(brought[name].identity if name in brought else name for name in axes["network"])
    if max(axes["rate_cycles"]) > 1 and not any(axes["rate_warmup"]):
        raise UserError(f"{where}: 'rate_cycles' above 1 repeats a warm-up; give a 'rate_warmup' above 0 with it")
    return VariantGrid(
        declaration=declared,
        scalars={
            name: _axis(Axis(kind=float, default=default, minimum=0), name, item, {}, where)
            for name, default in declared.scalars.items()
        },
        options={
            name: _axis(_option_axis(default), name, item, {}, where) for name, default in declared.options.items()
        },
        axes=axes,
    )


def _declared(item: dict[str, Any], path: Path) -> variants.Declaration:
    name, file = item.get("name"), item.get("file")
    if not isinstance(name, str):
        raise UserError(f'{path}: a [[variant]] has no name; add name = "vae"')
    if not isinstance(file, str | None):
        raise UserError(f"{path}: variant {name}: file: {file!r} is not a path; put it in quotes")
    try:
        declared = variants.find(name, None if file is None else (path.parent / file).resolve())
    except UserError as error:
        raise UserError(f"{path}: variant: {error}") from None
    _refuse_clashes(declared, path)
    return declared


def _refuse_clashes(declared: variants.Declaration, path: Path) -> None:
    """A user's variant must not be taken for one of the suite's, nor its settings for a study's keys."""
    known = variants.known()
    if not NAME.fullmatch(declared.name) or known.get(declared.name, declared).path != declared.path:
        raise UserError(
            f"{path}: variant: {declared.path} registers {declared.name!r}; choose a name of lower-case letters, "
            "digits, '-' and '_' that is not in `aebench list variants`"
        )
    reserved = {*RunSpec.model_fields, *GRID, "name", "file"}
    if clashes := sorted(reserved & {*declared.scalars, *declared.options}):
        raise UserError(
            f"{path}: variant {declared.name}: its setting {clashes[0]!r} in {declared.path} has the name of something "
            "that every run has; rename it"
        )


def _option_axis(default: int | str) -> Axis:
    return Axis(kind=int, default=default, minimum=0) if isinstance(default, int) else Axis(kind=str, default=default)


def _axis(axis: Axis, name: str, item: dict[str, Any], table: dict[str, Any], where: str) -> tuple[Any, ...]:
    value = item.get(name, table.get(name, axis.default))
    if value is None:
        raise UserError(f"{where}: '{name}' is missing; give a value or a list of values")
    values = _not_empty(value, f"{where}: {name}") if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(axis.check(one, f"{where}: {name}") for one in values))


def _not_empty(values: list[Any], where: str) -> list[Any]:
    if not values:
        raise UserError(f"{where}: an empty list; give at least one value")
    return values


def _refuse_unknown_keys(table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise UserError(f"{where}: {unknown('key', key, known)}")
