"""Runs to configurations: the runs that differ in nothing but the seed, their means and spread. Imports no Keras."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from aebench.analysis.convergence import Convergence, convergence, mean_curve
from aebench.measures import METRICS
from aebench.records.record import Environment, RunRecord
from aebench.records.spec import RunSpec
from aebench.study import Study

_NOT_SHARED = {"variant", "variant_version", "scalars", "options", "annealing", "seed"}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One metric over the seeds of a configuration.

    Attributes:
        mean: over the runs that have the number; `None` if none has.
        sd: sample standard deviation (n - 1); `None` for fewer than two runs.
        n: runs that have the number.
    """

    mean: float | None
    sd: float | None
    n: int

    @property
    def varies(self) -> bool:
        """Whether the runs differ by more than rounding; a reference that no seed enters does not."""
        return self.mean is not None and self.sd is not None and self.sd > 1e-9 * abs(self.mean)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The runs that differ in nothing but the seed, and their numbers together.

    Attributes:
        id: `RunSpec.configuration`, shared by all its runs.
        label: as people write variant and settings: `VAE β=4`; without options that the study leaves as declared.
        settings: the variant's scalars and options; the schedule of its rate where that rises.
        likelihood: numbers under different likelihoods never share a ranking.
        peers: equal for configurations that differ in variant and settings alone: the only fair comparison.
        specs: every planned run, in the study's order.
        records: the finished ones, diverged ones included, in that order.
        summaries: one `Summary` for each metric of `METRICS`, over the runs that did not diverge.
        plain: whether every setting is the one that the variant's file declares.
    """

    id: str
    label: str
    variant: str
    settings: dict[str, float | int | str]
    latent_dim: int
    network: str
    likelihood: str
    dataset: str
    peers: str
    specs: tuple[RunSpec, ...]
    records: tuple[RunRecord, ...]
    summaries: Mapping[str, Summary]
    plain: bool

    @cached_property
    def convergence(self) -> Convergence | None:
        """Whether training was long enough; `None` where it is too short to tell or no run finished."""
        return convergence(mean_curve(self.usable, "val_objective"))

    @property
    def told(self) -> dict[str, float | int | str]:
        """The settings, with the schedule of a rate that does not rise."""
        return {**self.specs[0].rate_schedule, **self.settings}

    @property
    def planned(self) -> int:
        """Runs in the study's grid."""
        return len(self.specs)

    @property
    def finished(self) -> int:
        """Runs that have a record, diverged ones included."""
        return len(self.records)

    @property
    def diverged(self) -> int:
        """Finished runs that diverged."""
        return sum(record.outcome == "diverged" for record in self.records)

    @property
    def outcomes(self) -> dict[int, str]:
        """The outcome of each finished run by seed."""
        return {record.spec.seed: record.outcome for record in self.records}

    @cached_property
    def usable(self) -> tuple[RunRecord, ...]:
        """Finished runs that did not diverge."""
        return tuple(record for record in self.records if record.outcome == "ok")

    def values(self, metric: str) -> dict[int, float]:
        """The metric by seed, for the runs that did not diverge and have it."""
        found = ((record.spec.seed, record.metrics.get(metric)) for record in self.usable)
        return {seed: value for seed, value in found if value is not None}

    def certified(self, metric: str) -> bool:
        """Whether the metric's mean is what its runs have, and not merely a bound on it."""
        told = METRICS[metric].certified_by
        if told is None:
            return True
        error = self.possible_error(metric)
        return error is not None and error <= told[1]

    def possible_error(self, metric: str) -> float | None:
        """How far the mean over seeds may be worse than the truth, `None` if that is not known."""
        told = METRICS[metric].certified_by
        if told is None:
            return 0.0
        errors = self.values(told[0])
        known = [errors.get(seed) for seed in self.values(metric)]
        return float(np.mean([one for one in known if one is not None])) if None not in known and known else None


# Configurations of one data set and one likelihood: only inside a board are numbers ranked.
Board = Sequence[Configuration]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A study's configurations, in the order of its grid.

    Attributes:
        environments: where the finished runs came from, each once.
    """

    study: Study
    configurations: tuple[Configuration, ...]
    environments: tuple[Environment, ...]

    @property
    def planned(self) -> int:
        """Runs in the grid."""
        return sum(item.planned for item in self.configurations)

    @property
    def finished(self) -> int:
        """Runs that have a record, diverged ones included."""
        return sum(item.finished for item in self.configurations)

    @property
    def missing(self) -> int:
        """Runs of the grid without a record."""
        return self.planned - self.finished

    @property
    def diverged(self) -> int:
        """Finished runs that diverged."""
        return sum(item.diverged for item in self.configurations)

    def where(self, **wanted: Any) -> tuple[Configuration, ...]:
        """The configurations with these attributes or settings: `where(variant="vae", beta=1.0)`."""
        return tuple(
            item
            for item in self.configurations
            if all(getattr(item, name, item.told.get(name)) == value for name, value in wanted.items())
        )

    def boards(self) -> dict[tuple[str, str], Board]:
        """Configurations by (data set, likelihood)."""
        keys = dict.fromkeys((item.dataset, item.likelihood) for item in self.configurations)
        return {(name, kind): self.where(dataset=name, likelihood=kind) for name, kind in keys}


def compare(study: Study, specs: Sequence[RunSpec], records: Mapping[str, RunRecord]) -> Comparison:
    """Groups runs into configurations and summarises them.

    Args:
        study: the study.
        specs: its whole grid.
        records: finished runs by `run_id`; runs that are missing are absent, others are ignored.
    """
    groups: dict[str, list[RunSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.configuration, []).append(spec)
    unvaried = _unvaried(study, specs)
    finished = [_finished(group, records) for group in groups.values()]
    summarised = _Summarised(finished)
    configurations = tuple(
        _configuration(
            group, finished[at], Summaries(summarised, at), unvaried[group[0].variant], plain=study.plain(group[0])
        )
        for at, group in enumerate(groups.values())
    )
    return Comparison(
        study=study,
        configurations=configurations,
        environments=_environments(record for item in configurations for record in item.records),
    )


def summarise(values: Sequence[float]) -> Summary:
    """Mean and sample standard deviation."""
    return Summary(
        mean=float(np.mean(values)) if values else None,
        sd=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        n=len(values),
    )


def _unvaried(study: Study, specs: Sequence[RunSpec]) -> dict[str, set[str]]:
    """Settings that have the declared value in the whole study, by variant; but its only one is always told."""
    found: dict[str, set[str]] = {}
    for variant in dict.fromkeys(spec.variant for spec in specs):
        declared = {**study.declaration(variant).scalars, **study.declaration(variant).options}
        used = [{**spec.scalars, **spec.options} for spec in specs if spec.variant == variant]
        same = {name for name, value in declared.items() if all(settings[name] == value for settings in used)}
        found[variant] = same if len(declared) > 1 else set()
    return found


class Summaries(Mapping[str, Summary]):
    """The summaries of one configuration by metric."""

    def __init__(self, summarised: _Summarised, at: int) -> None:
        self._summarised, self._at = summarised, at

    def __getitem__(self, metric: str) -> Summary:
        means, sds, counts = self._summarised[metric]
        n = int(counts[self._at])
        mean, sd = (float(found[self._at]) if n > least else None for found, least in ((means, 0), (sds, 1)))
        return Summary(mean=mean, sd=sd, n=n)

    def __iter__(self) -> Iterator[str]:
        return iter(METRICS)

    def __len__(self) -> int:
        return len(METRICS)


class _Summarised(dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]):
    """Mean, standard deviation and number of runs of configurations by metric: of all when one is first asked for."""

    def __init__(self, groups: Sequence[Sequence[RunRecord]]) -> None:
        usable = [[record for record in group if record.outcome == "ok"] for group in groups]
        self._metrics = [record.metrics for group in usable for record in group]
        self._groups = np.repeat(np.arange(len(groups)), [len(group) for group in usable])
        self._count = len(groups)

    def __missing__(self, metric: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if metric not in METRICS:
            raise KeyError(metric)
        values = np.array([metrics.get(metric) for metrics in self._metrics], "float64")
        there = ~np.isnan(values)
        values, counts = values[there], np.bincount(self._groups[there], minlength=self._count)
        starts, (means, sds) = np.cumsum(counts) - counts, np.zeros((2, self._count))
        for n in np.unique(counts[counts > 0]):  # configurations of as many runs at once
            which = np.flatnonzero(counts == n)
            runs = values[starts[which, None] + np.arange(n)]
            means[which] = runs.mean(axis=1)
            if n > 1:
                sds[which] = runs.std(axis=1, ddof=1)
        self[metric] = means, sds, counts
        return self[metric]


def configuration(
    specs: Sequence[RunSpec], records: Mapping[str, RunRecord], unvaried: Collection[str], *, plain: bool
) -> Configuration:
    """One configuration with its numbers.

    Args:
        specs: its planned runs.
        records: finished runs by `run_id`.
        unvaried: settings that its label leaves out.
        plain: see `Configuration`.
    """
    finished = _finished(specs, records)
    return _configuration(specs, finished, Summaries(_Summarised([finished]), 0), unvaried, plain=plain)


def _finished(specs: Sequence[RunSpec], records: Mapping[str, RunRecord]) -> tuple[RunRecord, ...]:
    return tuple(records[spec.run_id] for spec in specs if spec.run_id in records)


def _configuration(
    specs: Sequence[RunSpec],
    finished: tuple[RunRecord, ...],
    summaries: Mapping[str, Summary],
    unvaried: Collection[str],
    *,
    plain: bool,
) -> Configuration:
    first = specs[0]
    return Configuration(
        id=first.configuration,
        label=first.label(unvaried),
        variant=first.variant,
        settings={**first.scalars, **first.options, **(first.rate_schedule if first.annealing else {})},
        latent_dim=first.latent_dim,
        network=first.network,
        likelihood=first.likelihood,
        dataset=first.dataset,
        peers=first.told_without(_NOT_SHARED),
        specs=tuple(specs),
        records=finished,
        summaries=summaries,
        plain=plain,
    )


def _environments(records: Iterable[RunRecord]) -> tuple[Environment, ...]:
    objects = {id(record.environment): record.environment for record in records}  # which many records share
    return tuple({place.model_dump_json(): place for place in objects.values()}.values())
