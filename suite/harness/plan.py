"""What of a study is missing. Imports no Keras."""

from __future__ import annotations

import itertools
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aebench import backends, data, measures
from aebench.backends import environment
from aebench.errors import UserError
from aebench.records.damage import damage
from aebench.records.kept import Kept
from aebench.records.record import VALUES, MeasureSettings, RunRecord
from aebench.records.spec import ModelSpec, RunSpec, TimingSpec
from aebench.records.store import Store
from aebench.study import Study, declarations
from aebench.study.grid import TIMED_BATCH_SIZES


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study against its store: the whole grid, what is finished, and what is to be done.

    Attributes:
        grid: every run of the study, in its order.
        chosen: those that were asked for.
        records: outlines of the finished ones of the grid, by run id.
        missing: the chosen runs to be done.
        timings: the speeds to be measured on this machine.
    """

    study: Study
    backend: str
    store: Store
    grid: tuple[RunSpec, ...]
    chosen: tuple[RunSpec, ...]
    records: dict[str, RunRecord]
    missing: tuple[RunSpec, ...]
    timings: tuple[tuple[RunSpec, TimingSpec], ...]

    def plans(self, run_id: str) -> bool:
        """Whether a run is one of the study, on whatever backend."""
        return run_id in self._anywhere

    @cached_property
    def _anywhere(self) -> frozenset[str]:
        digests = {name: data.digest(name) for name in self.study.datasets}
        return frozenset(spec.run_id for backend in backends.NAMES for spec in self.study.expand(digests, backend))

    @property
    def finished(self) -> tuple[RunSpec, ...]:
        """The chosen runs that have a record, diverged ones included."""
        return tuple(spec for spec in self.chosen if spec.run_id in self.records)

    @property
    def outdated(self) -> tuple[RunRecord, ...]:
        """Finished runs that were measured by older code, or less or more thoroughly than the study now asks for."""
        return tuple(record for record in self.records.values() if _outdated(record, self.study.measures))

    @property
    def unmeasured(self) -> tuple[RunSpec, ...]:
        """The chosen, finished runs to be measured anew: `outdated` ones, and those without whole arrays of images."""
        outdated = {record.run_id for record in self.outdated}
        return tuple(spec for spec in self.finished if spec.run_id in outdated or self._lacks_arrays(spec.run_id))

    def _lacks_arrays(self, run_id: str) -> bool:
        if self.records[run_id].outcome != "ok":
            return False
        latents, figures = (self.store.artefact_path(run_id, name) for name in (Kept.LATENTS, Kept.FIGURES))
        return not latents.is_file() or any(damage(path) for path in (latents, figures) if path.is_file())

    @property
    def recoded(self) -> dict[Path, int]:
        """Files of variants and of the study's own networks that are other code than finished runs had, and how many.

        Only where the version is the same: runs of another are other runs. A digest is of one version of Python.
        """
        here = _release(platform.python_version())
        kinds = Counter(
            (record.spec.variant, record.training.variant_code, record.spec.network, record.training.network_code)
            for record in self.records.values()
            if _release(record.environment.python) == here
        )
        changed: Counter[Path] = Counter()
        for (variant, of_variant, network, of_network), count in kinds.items():
            brought = self.study.networks.get(network)
            known = {self.study.declaration(variant).path: of_variant}
            if brought is not None and brought.code is not None:
                known[brought.code] = of_network
            changed.update({path: count for path, was in known.items() if was not in (None, declarations.code(path))})
        return dict(changed)


def _release(python: str) -> str:
    """`3.11` of `3.11.7`."""
    return python.rpartition(".")[0]


def plan(
    study: Study,
    backend: str,
    store: Store,
    *,
    only: str | None = None,
    retry_diverged: bool = False,
) -> Plan:
    """Compares a study's grid with its store.

    Args:
        study: the grid.
        backend: the Keras backend that trains.
        store: what is finished.
        only: a condition, as pandas reads it, on the columns of `aebench table` that are known before a run, such as
            `"variant == 'vae' and latent_dim <= 4"`.
        retry_diverged: whether runs that diverged count as missing.

    Raises:
        UserError: a data set cannot be had, is smaller than a batch or has no density under a likelihood, `only` is not
            a condition or matches nothing, or the store cannot be read.
    """
    grid = study.expand({name: data.digest(name) for name in study.datasets}, backend)
    chosen = grid if only is None else _only(grid, only)
    _refuse_unfit_outliers(study)
    _refuse_missing_classes(chosen)
    _refuse_large_batches(chosen)
    _refuse_unfit_likelihoods(chosen)
    records = store.read_outlines(grid)
    done = {name for name, record in records.items() if record.outcome == "ok" or not retry_diverged}
    return Plan(
        study=study,
        backend=backend,
        store=store,
        grid=tuple(grid),
        chosen=tuple(chosen),
        records=records,
        missing=tuple(spec for spec in chosen if spec.run_id not in done),
        timings=tuple(_missing_timings(study, chosen, store)),
    )


def _outdated(record: RunRecord, asked: MeasureSettings) -> bool:
    if record.outcome != "ok":
        return False
    if record.metric_versions != measures.versions():
        return True
    return record.measured_with != asked


def _only(grid: list[RunSpec], query: str) -> list[RunSpec]:
    import pandas as pd

    nested = {"scalars", "options", "adam", "annealing"}
    frame = pd.DataFrame(
        [{**spec.model_dump(exclude=nested), **spec.rate_schedule, **spec.scalars, **spec.options} for spec in grid]
    )
    try:
        matches = frame.eval(query)
    except Exception as error:  # pandas raises whatever its parser met
        reason = f"{error}".splitlines()[:1] or [type(error).__name__]
        raise UserError(f"--only {query!r} is not a condition on {', '.join(map(str, frame))}: {reason[0]}") from None
    if not (isinstance(matches, pd.Series) and pd.api.types.is_bool_dtype(matches)):
        raise UserError(
            f"--only {query!r} is not a condition; give one such as \"variant == 'vae' and latent_dim <= 4\""
        )
    if not matches.any():
        raise UserError(f"--only {query!r} matches none of the study's {len(grid)} runs")
    return list(itertools.compress(grid, matches))


def _refuse_unfit_outliers(study: Study) -> None:
    """Told before anything is trained; images of another shape, or the study's own, cannot be outliers."""
    for name in study.measures.outlier_sets:
        for own in study.datasets:
            if name == own:
                raise UserError(f"outlier_sets: {name} is the study's own data set; give others")
            shape, needed = data.load(name).image_shape, data.load(own).image_shape
            if shape != needed or len(shape) != 3:
                raise UserError(
                    f"outlier_sets: {name} has shape {shape} and {own} {needed}; give image sets of one shape"
                )


def _refuse_missing_classes(specs: list[RunSpec]) -> None:
    """Told before anything is trained; each class has to be left with others, and has to have outliers to be told."""
    for name, left in dict.fromkeys((spec.dataset, spec.without_class) for spec in specs):
        if left is None:
            continue
        dataset = data.load(name)
        if len(dataset.image_shape) != 3:
            raise UserError(f"without_class: {name} has no images, which alone are measured as outliers; leave it out")
        names = dataset.class_names or ()
        if len(names) < 2:
            raise UserError(f"without_class: {name} has no classes; leave it out of the study")
        if left >= len(names):
            raise UserError(f"without_class: {name} has no class {left}; give numbers from 0 to {len(names) - 1}")
        if left not in dataset.test.labels:  # type: ignore[operator]
            raise UserError(f"without_class: {name} has no test images of class {left}; give other classes")


def _refuse_large_batches(specs: list[RunSpec]) -> None:
    """Told before anything is trained; engines leave out an epoch's last, incomplete batch."""
    kinds = ((spec.dataset, spec.train_on, spec.without_class, spec.batch_size) for spec in specs)
    for name, train_on, left, size in dict.fromkeys(kinds):
        dataset = data.load(name)
        parts = [dataset.train, dataset.validation][: 2 if train_on == "train+validation" else 1]
        images = sum(len(part if left is None else part.without(left)) for part in parts)
        if size > images:
            raise UserError(
                f"batch_size {size} is larger than what {name} has to train on ({images} images in {train_on}); "
                "lower it in the study"
            )


def _refuse_unfit_likelihoods(specs: list[RunSpec]) -> None:
    """Told before anything is trained."""
    for name, likelihood in dict.fromkeys((spec.dataset, spec.likelihood) for spec in specs):
        dataset, known = data.load(name), declarations.likelihood(likelihood)
        if known is None or dataset.values not in known.takes:
            allowed = [one for one, other in declarations.likelihoods().items() if _fits(dataset, other)]
            raise UserError(
                f"likelihood {likelihood!r} has no density for {name}, which holds {VALUES[dataset.values]}; choose "
                f"{', '.join(allowed)}"
            )
        if not _fits(dataset, known):
            raise _other_levels(dataset, likelihood, known)


def _fits(dataset: data.Dataset, likelihood: declarations.Likelihood) -> bool:
    return dataset.values in likelihood.takes and likelihood.levels in (0, dataset.levels)


def _other_levels(dataset: data.Dataset, name: str, likelihood: declarations.Likelihood) -> UserError:
    has = f"pixels of {dataset.levels} levels" if dataset.levels else "values of any size, not whole levels (bytes)"
    own = [
        one if other.levels == dataset.levels else f"{one}-{dataset.levels}"
        for one, other in declarations.likelihoods().items()
        if dataset.levels and other.levels and (other.levels == dataset.levels or other.numbered == "levels")
    ]
    any_values = [
        one for one, other in declarations.likelihoods().items() if dataset.values in other.takes and not other.levels
    ]
    return UserError(
        f"likelihood {name!r} is of {likelihood.levels} levels, and {dataset.name} has {has}; choose "
        f"{', '.join([*own, *any_values])}"
    )


def _missing_timings(study: Study, chosen: list[RunSpec], store: Store) -> Iterator[tuple[RunSpec, TimingSpec]]:
    programs = {spec.cohort: spec for spec in reversed(chosen)}
    seen: set[str] = set()
    for spec in reversed(programs.values()):
        here = environment.current(spec.backend)
        for timing in timing_specs(spec, study.timed_batch_sizes):
            path = store.timing_path(timing, here)
            if timing.timing_id not in seen and not path.exists():
                seen.add(timing.timing_id)
                yield spec, timing


def timing_specs(spec: RunSpec, batch_sizes: Sequence[int] = TIMED_BATCH_SIZES) -> list[TimingSpec]:
    """What is timed of this run's program: its own batch size and these."""
    shared = spec.model_dump(include=set(ModelSpec.model_fields))
    shape = data.load(spec.dataset).image_shape
    sizes = sorted({spec.batch_size, *batch_sizes})
    return [TimingSpec(**shared, image_shape=shape, batch_size=size) for size in sizes]
