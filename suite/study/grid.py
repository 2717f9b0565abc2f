"""Study: a declared grid of runs. Imports no Keras."""

from __future__ import annotations

import itertools
import math
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from aebench.errors import UserError, unknown
from aebench.records.making import uncollected
from aebench.records.record import MeasureSettings
from aebench.records.spec import Adam, Annealing, Precision, RunSpec, Schedule, TrainOn
from aebench.study import declarations, networks, variants
from aebench.study.contrasts import Contrast
from aebench.study.expectations import Expectation

TIMED_BATCH_SIZES = (1, 1024, 8192)
MOST_RUNS = 1_000_000  # of a study, unless $AEBENCH_MOST_RUNS says otherwise; a plan takes 2 to 3 kB of memory for each


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What a key of the grid may hold: one value or a list of them, each checked by `check`.

    Attributes:
        known: names; all are allowed where there are none.
        numbered: whether a name that is not among them is one of them with a number.
        own: what to do about one of the user's own that is not among them.
    """

    kind: type
    default: Any = None
    known: tuple[str, ...] = ()
    numbered: Callable[[str], bool] = lambda _: False
    own: str = ""
    minimum: float | None = None
    exclusive: bool = False
    below: float = math.inf
    maximum: float = math.inf

    def check(self, value: Any, where: str) -> Any:
        """The value, converted; raises UserError if it isn't of the kind or out of bounds."""
        if self.kind is str:
            return self._check_name(value, where)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (self.kind is int and not isinstance(value, int)):
            raise UserError(f"{where}: {value!r} is not {_a(self.kind)}; give {self._allowed()}")
        finite = abs(value) <= sys.float_info.max  # false for NaN, and for 10**400 too
        if not finite or self._too_small(value) or value >= self.below or value > self.maximum:
            raise UserError(f"{where}: {value!r} is out of range; give {self._allowed()}")
        return self.kind(value + 0)  # -0.0 becomes 0.0: one value, one run

    def _check_name(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise UserError(f"{where}: {value!r} is not a name; put it in quotes")
        if self.known and value not in self.known and not self.numbered(value):
            raise UserError(f"{where}: {unknown('value', value, self.known, self.own)}")
        return value

    def _too_small(self, value: float) -> bool:
        if self.minimum is None:
            return False
        return value <= self.minimum if self.exclusive else value < self.minimum

    def _allowed(self) -> str:
        kind = "a whole number" if self.kind is int else "a finite number"
        if self.minimum is None:
            return kind
        below = "" if self.below == math.inf else f" and below {self.below:g}"
        most = below if self.maximum == math.inf else f" and at most {self.maximum:g}"
        return f"{kind} {'above' if self.exclusive else 'of at least'} {self.minimum:g}{most}"


def _a(kind: type) -> str:
    return {int: "a whole number", float: "a number", str: "a name"}[kind]


GRID: dict[str, Axis] = {
    "dataset": Axis(kind=str),
    "network": Axis(kind=str, default="mlp", known=tuple(networks.built_in()), own=networks.HOW_TO_BRING),
    "likelihood": Axis(
        kind=str,
        default="bernoulli",
        known=tuple(declarations.likelihoods()),
        numbered=lambda name: declarations.likelihood(name) is not None,
    ),
    "latent_dim": Axis(kind=int, minimum=1),
    "epochs": Axis(kind=int, minimum=1),
    "batch_size": Axis(kind=int, default=128, minimum=1),
    "learning_rate": Axis(kind=float, default=1e-3, minimum=0, exclusive=True),
    "train_on": Axis(kind=str, default="train", known=get_args(TrainOn)),
    "precision": Axis(kind=str, default="float32", known=get_args(Precision)),
    "schedule": Axis(kind=str, default="constant", known=get_args(Schedule)),
    "rate_warmup": Axis(kind=float, default=0.0, minimum=0, maximum=1),
    "rate_cycles": Axis(kind=int, default=1, minimum=1),
    "adam_beta_1": Axis(kind=float, default=Adam().beta_1, minimum=0, below=1),
    "adam_beta_2": Axis(kind=float, default=Adam().beta_2, minimum=0, below=1),
    "adam_epsilon": Axis(kind=float, default=Adam().epsilon, minimum=0, exclusive=True),
}


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
        networks: those that it brings along, by what a run's spec calls them.
        measures: how thoroughly runs are measured; decides no run's identity.
        timed_batch_sizes: at which, beside its own, each program's speed is measured.
        contrasts: which variants are held against which.
        expectations: values that its numbers are held against.
        without_class: classes that runs are trained without, by turns: the run of seed s without the one at place s,
            counted round; empty where all are trained on.
    """

    name: str
    title: str
    about: str
    seeds: tuple[int, ...]
    grids: tuple[VariantGrid, ...]
    measures: MeasureSettings = field(default_factory=MeasureSettings)
    timed_batch_sizes: tuple[int, ...] = TIMED_BATCH_SIZES
    networks: dict[str, networks.Declaration] = field(default_factory=dict)
    contrasts: tuple[Contrast, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    without_class: tuple[int, ...] = ()
    source: Path = field(compare=False)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets' names, each once, in the order of the file."""
        return tuple(dict.fromkeys(name for grid in self.grids for name in grid.axes["dataset"]))

    def declaration(self, variant: str) -> variants.Declaration:
        """What the file of this study's `variant` declares."""
        return next(grid.declaration for grid in self.grids if grid.declaration.name == variant)

    @property
    def points(self) -> int:
        """How many runs its grids have, those that are in several of them counted in each; nothing is expanded."""
        return len(self.seeds) * sum(math.prod(map(len, _values(grid))) for grid in self.grids)

    def refuse_vast(self) -> None:
        """Says so, before anything is expanded, where the grids have more runs than anybody trains.

        Raises:
            UserError: they do.
        """
        told = os.environ.get("AEBENCH_MOST_RUNS", str(MOST_RUNS))
        if not told.isdecimal():
            raise UserError(f"AEBENCH_MOST_RUNS is a whole number of runs, and got {told!r}")
        if self.points > int(told):
            raise UserError(
                f"study {self.name} has {self.points:,} runs ({self._product()}), and at most {int(told):,} are "
                f"planned; give fewer values, or set AEBENCH_MOST_RUNS={self.points} if you mean it"
            )

    def _product(self) -> str:
        """How so many runs come about in its largest grid, as in `vae: latent_dim 100 x beta 1000 x seeds 100`."""
        grid = max(self.grids, key=lambda grid: math.prod(map(len, _values(grid))))
        counts = {name: len(values) for name, values in zip(_keys(grid), _values(grid), strict=True)}
        factors = [f"{name} {count}" for name, count in {**counts, "seeds": len(self.seeds)}.items() if count > 1]
        return f"{grid.declaration.name}: {' x '.join(factors)}"

    def plain(self, spec: RunSpec) -> bool:
        """Whether every setting of the run's variant is the one that its file declares: the variant as it is."""
        declared, settings = self.declaration(spec.variant), {**spec.scalars, **spec.options}
        return spec.annealing is None and settings == {**declared.scalars, **declared.options}

    def expand(self, digests: dict[str, str], backend: str) -> list[RunSpec]:
        """Every run, in the order of the file, seeds fastest.

        Args:
            digests: content digest of each of `datasets`.
            backend: the Keras backend that trains.

        Raises:
            UserError: there are more than anybody trains.
        """
        self.refuse_vast()
        runs = (
            run
            for grid in self.grids
            for values in itertools.product(*_values(grid))
            for run in self._replicates(_point(grid, dict(zip(_keys(grid), values, strict=True)), digests, backend))
        )
        with uncollected():
            return list({run.run_id: run for run in runs}.values())

    def _replicates(self, point: RunSpec) -> Iterator[RunSpec]:
        """A configuration's runs, one a seed, each without its own class where classes are left out."""
        if not self.without_class:
            yield from point.seeded(self.seeds)
            return
        for seed in self.seeds:
            left_out = self.without_class[seed % len(self.without_class)]
            yield from point.model_copy(update={"without_class": left_out}).seeded((seed,))


def _keys(grid: VariantGrid) -> list[str]:
    return [*grid.axes, *grid.scalars, *grid.options]


def _values(grid: VariantGrid) -> list[tuple[Any, ...]]:
    return [*grid.axes.values(), *grid.scalars.values(), *grid.options.values()]


def _point(grid: VariantGrid, point: dict[str, Any], digests: dict[str, str], backend: str) -> RunSpec:
    """One configuration, with any seed."""
    return RunSpec(
        variant=grid.declaration.name,
        variant_version=grid.declaration.version,
        scalars={name: point.pop(name) for name in grid.scalars},
        options={name: point.pop(name) for name in grid.options},
        annealing=_annealing(point.pop("rate_warmup"), point.pop("rate_cycles")),
        adam=Adam(**{name: point.pop(f"adam_{name}") for name in Adam.model_fields}),
        dataset_digest=digests[point["dataset"]],
        seed=0,
        backend=backend,
        **point,
    )


def _annealing(warmup: float, cycles: int) -> Annealing | None:
    return Annealing(warmup=warmup, cycles=cycles) if warmup else None
