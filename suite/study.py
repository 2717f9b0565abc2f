"""Study: a declared grid of runs, read from a TOML file. Imports no Keras."""

from __future__ import annotations

import itertools
import math
import re
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from suite import data, variants
from suite.errors import UserError, unknown
from suite.expectations import Expectation, Measures, parse
from suite.spec import Adam, Backend, Precision, RunSpec, Schedule, TrainOn

STUDIES = Path(__file__).parent / "studies"
NETWORKS = ("linear", "mlp", "mlp-256", "mlp-400", "mlp-200-200", "conv")
LIKELIHOODS = ("bernoulli", "gaussian", "continuous_bernoulli")
BACKENDS = get_args(Backend)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What a key of the grid may hold: one value or a list of them, each checked by `check`."""

    kind: type
    default: Any = None
    known: tuple[str, ...] = ()
    minimum: float | None = None
    exclusive: bool = False
    below: float = math.inf

    def check(self, value: Any, where: str) -> Any:
        """The value, converted; raises UserError if it isn't of the kind or out of bounds."""
        if self.kind is str:
            return self._check_name(value, where)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (self.kind is int and not isinstance(value, int)):
            raise UserError(f"{where}: {value!r} is not {_a(self.kind)}; give {self._allowed()}")
        finite = abs(value) <= sys.float_info.max  # false for NaN, and for 10**400 too
        if not finite or self._too_small(value) or value >= self.below:
            raise UserError(f"{where}: {value!r} is out of range; give {self._allowed()}")
        return self.kind(value + 0)  # -0.0 becomes 0.0: one value, one run

    def _check_name(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise UserError(f"{where}: {value!r} is not a name; put it in quotes")
        if self.known and value not in self.known:
            raise UserError(f"{where}: {unknown('value', value, self.known)}")
        return value

    def _too_small(self, value: float) -> bool:
        if self.minimum is None:
            return False
        return value <= self.minimum if self.exclusive else value < self.minimum

    def _allowed(self) -> str:
        kind = "a whole number" if self.kind is int else "a finite number"
        if self.minimum is None:
            return kind
        most = "" if self.below == math.inf else f" and below {self.below:g}"
        return f"{kind} {'above' if self.exclusive else 'of at least'} {self.minimum:g}{most}"


def _a(kind: type) -> str:
    return {int: "a whole number", float: "a number", str: "a name"}[kind]


GRID: dict[str, Axis] = {
    "dataset": Axis(kind=str),
    "network": Axis(kind=str, default="mlp", known=NETWORKS),
    "likelihood": Axis(kind=str, default="bernoulli", known=LIKELIHOODS),
    "latent_dim": Axis(kind=int, minimum=1),
    "epochs": Axis(kind=int, minimum=1),
    "batch_size": Axis(kind=int, default=128, minimum=1),
    "learning_rate": Axis(kind=float, default=1e-3, minimum=0, exclusive=True),
    "train_on": Axis(kind=str, default="train", known=get_args(TrainOn)),
    "precision": Axis(kind=str, default="float32", known=get_args(Precision)),
    "schedule": Axis(kind=str, default="constant", known=get_args(Schedule)),
    "adam_beta_1": Axis(kind=float, default=Adam().beta_1, minimum=0, below=1),
    "adam_beta_2": Axis(kind=float, default=Adam().beta_2, minimum=0, below=1),
    "adam_epsilon": Axis(kind=float, default=Adam().epsilon, minimum=0, exclusive=True),
}
TOP = ("name", "title", "about", "seeds", "measure", "expected", "variant", *GRID)


@dataclass(frozen=True, kw_only=True)
class VariantGrid:
    """One variant's part of the grid: every setting is a tuple of the values it takes."""

    declaration: variants.Declaration
    scalars: dict[str, tuple[float, ...]]
    options: dict[str, tuple[int | str, ...]]
    axes: dict[str, tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A grid of runs: the variants' grids, each crossed with the seeds.

    Attributes:
        measures: how thoroughly runs are measured; decides no run's identity.
        expectations: values that its numbers are held against.
    """

    name: str
    title: str
    about: str
    seeds: tuple[int, ...]
    grids: tuple[VariantGrid, ...]
    measures: Measures = field(default_factory=Measures)
    expectations: tuple[Expectation, ...] = ()
    source: Path = field(compare=False)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets' names, each once, in the order of the file."""
        return tuple(dict.fromkeys(name for grid in self.grids for name in grid.axes["dataset"]))

    def declaration(self, variant: str) -> variants.Declaration:
        """What the file of this study's `variant` declares."""
        return next(grid.declaration for grid in self.grids if grid.declaration.name == variant)

    def expand(self, digests: dict[str, str], backend: Backend) -> list[RunSpec]:
        """Every run, in the order of the file, seeds fastest.

        Args:
            digests: content digest of each of `datasets`.
            backend: the Keras backend that trains.
        """
        runs = [
            _run_spec(grid, dict(zip(_keys(grid), values, strict=True)), seed, digests, backend)
            for grid in self.grids
            for values in itertools.product(*_values(grid))
            for seed in self.seeds
        ]
        return list({run.run_id: run for run in runs}.values())


def _keys(grid: VariantGrid) -> list[str]:
    return [*grid.axes, *grid.scalars, *grid.options]


def _values(grid: VariantGrid) -> list[tuple[Any, ...]]:
    return [*grid.axes.values(), *grid.scalars.values(), *grid.options.values()]


def _run_spec(
    grid: VariantGrid, point: dict[str, Any], seed: int, digests: dict[str, str], backend: Backend
) -> RunSpec:
    return RunSpec(
        variant=grid.declaration.name,
        variant_version=grid.declaration.version,
        scalars={name: point.pop(name) for name in grid.scalars},
        options={name: point.pop(name) for name in grid.options},
        adam=Adam(**{name: point.pop(f"adam_{name}") for name in Adam.model_fields}),
        dataset_digest=digests[point["dataset"]],
        seed=seed,
        backend=backend,
        **point,
    )


def names() -> list[str]:
    """The studies that come with the suite."""
    return sorted(path.stem for path in STUDIES.glob("*.toml"))


def read(study: str) -> Study:
    """The study called `study`, or the one in the file of that name if it ends in `.toml`.

    Raises:
        UserError: no such study; or the file isn't TOML, or holds a key or value that isn't known or allowed.
    """
    if study.endswith(".toml"):
        return _read_file(Path(study))
    if study not in names():
        raise UserError(f"{unknown('study', study, names())}; your own file's name must end in .toml")
    return _read_file(STUDIES / f"{study}.toml")


def _read_file(path: Path) -> Study:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the study {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from None
    _refuse_unknown_keys(table, TOP, f"{path}")
    name = _study_name(table.get("name", path.stem), path)
    return Study(
        name=name,
        title=_text(table, "title", name, path),
        about=_text(table, "about", "", path),
        seeds=_seeds(table.get("seeds"), path),
        grids=_grids(table, path),
        measures=parse(Measures, table.get("measure", {}), f"{path}: measure"),
        expectations=_expectations(table.get("expected", []), path),
        source=path,
    )


def _expectations(tables: Any, path: Path) -> tuple[Expectation, ...]:
    if not isinstance(tables, list):
        raise UserError(f"{path}: expected: {tables!r} is not a list of tables; write [[expected]]")
    return tuple(parse(Expectation, item, f"{path}: expected {number}") for number, item in enumerate(tables, 1))


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
        axis = Axis(kind=int, minimum=0)
        return tuple(dict.fromkeys(axis.check(item, f"{path}: seeds") for item in _not_empty(value, f"{path}: seeds")))
    return tuple(range(Axis(kind=int, minimum=1).check(value, f"{path}: seeds")))


def _grids(table: dict[str, Any], path: Path) -> tuple[VariantGrid, ...]:
    grids = tuple(_variant_grid(item, table, path) for item in _variant_tables(table, path))
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


def _variant_grid(item: dict[str, Any], table: dict[str, Any], path: Path) -> VariantGrid:
    declared = _declared(item, path)
    where = f"{path}: variant {declared.name}"
    grid = {**GRID, "dataset": Axis(kind=str, known=tuple(data.known()))}
    _refuse_unknown_keys(item, ("name", "file", *declared.scalars, *declared.options, *GRID), where)
    return VariantGrid(
        declaration=declared,
        scalars={
            name: _axis(Axis(kind=float, default=default, minimum=0), name, item, {}, where)
            for name, default in declared.scalars.items()
        },
        options={
            name: _axis(_option_axis(default), name, item, {}, where) for name, default in declared.options.items()
        },
        axes={
            name: _axis(axis, name, item, table, where if name in item else f"{path}") for name, axis in grid.items()
        },
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
    built_in = variants.built_in()
    if not NAME.fullmatch(declared.name) or built_in.get(declared.name, declared).path != declared.path:
        raise UserError(
            f"{path}: variant: {declared.path} registers {declared.name!r}; choose a name of lower-case letters, "
            f"digits, '-' and '_' other than {', '.join(built_in)}"
        )
    reserved = {*RunSpec.model_fields, "name", "file"}
    if clashes := sorted(reserved & {*declared.scalars, *declared.options}):
        raise UserError(
            f"{path}: variant {declared.name}: its setting {clashes[0]!r} in {declared.path} has the name of something "
            "that every run has; rename it"
        )


def _option_axis(default: int | str) -> Axis:
    return Axis(kind=int, default=default, minimum=1) if isinstance(default, int) else Axis(kind=str, default=default)


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
