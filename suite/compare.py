"""Records to a Comparison: means, spread, paired differences, training verdicts. Imports no Keras."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from suite.metrics import METRICS
from suite.record import Environment, RunRecord
from suite.spec import RunSpec
from suite.statistics import Difference, crossed_difference, difference_of
from suite.study import Study

PerImage = Callable[[RunRecord, str], np.ndarray | None]  # a metric of each test image in a run, (n,), if it is known
Verdict = Literal["converged", "not converged", "overfitted"]

TOLERANCE_NATS = 0.1
SHORTEST_JUDGED = 10
CONTRASTED_WITH_AE = ("silhouette", "recon_mse")
CONTRASTED_WITH_VAE = ("elbo_nats",)
_NOT_SHARED = {"variant", "variant_version", "scalars", "options", "seed"}


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
        label: as people write variant and settings: `VAE β=4`.
        settings: the variant's scalars and options.
        likelihood: numbers under different likelihoods never share a ranking.
        peers: equal for configurations that differ in variant and settings alone: the only fair comparison.
        specs: every planned run, in the study's order.
        records: the finished ones, diverged ones included, in that order.
        summaries: one `Summary` for each metric of `METRICS`, over the runs that did not diverge.
        verdict: whether training was long enough; `None` where it is too short to tell or no run finished.
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
    summaries: dict[str, Summary]
    verdict: Verdict | None

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
    def usable(self) -> tuple[RunRecord, ...]:
        """Finished runs that did not diverge."""
        return tuple(record for record in self.records if record.outcome == "ok")

    def values(self, metric: str) -> dict[int, float]:
        """The metric by seed, for the runs that did not diverge and have it."""
        found = {record.spec.seed: record.metrics.get(metric) for record in self.usable}
        return {seed: value for seed, value in found.items() if value is not None}


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
            if all(getattr(item, name, item.settings.get(name)) == value for name, value in wanted.items())
        )

    def boards(self) -> dict[tuple[str, str], tuple[Configuration, ...]]:
        """Configurations by (data set, likelihood): the groups inside which numbers may be ranked."""
        keys = dict.fromkeys((item.dataset, item.likelihood) for item in self.configurations)
        return {(name, kind): self.where(dataset=name, likelihood=kind) for name, kind in keys}


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """The paired difference of two peers: first - second."""

    metric: str
    first: Configuration
    second: Configuration
    difference: Difference


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
    configurations = tuple(_configuration(group, records) for group in groups.values())
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


def paired_difference(
    first: Configuration, second: Configuration, metric: str, images: PerImage | None = None
) -> Difference | None:
    """First minus second over the seeds that both have.

    Args:
        first, second: configurations whose runs of one seed share every random stream.
        metric: a name in `METRICS`.
        images: each run's numbers of single test images; with them the interval is over seeds and test images.

    Returns:
        The difference, or `None` without a common seed.
    """
    margin, ours, theirs = METRICS[metric].margin, first.values(metric), second.values(metric)
    seeds = sorted(ours.keys() & theirs.keys())
    rows = [_rows(item, seeds, metric, images) for item in (first, second)]
    if seeds and all(row is not None for row in rows):
        one, other = (np.stack([part for part in row if part is not None]) for row in rows if row is not None)
        if one.shape == other.shape and one.shape[1] > 1:
            return crossed_difference(one.astype("float64") - other, margin)
    return difference_of([ours[seed] - theirs[seed] for seed in seeds], margin)


def _rows(
    item: Configuration, seeds: Sequence[int], metric: str, images: PerImage | None
) -> list[np.ndarray | None] | None:
    """The metric of each test image in the run of each seed; `None` where a run's are not known."""
    if images is None:
        return None
    of_seed = {record.spec.seed: record for record in item.usable}
    rows = [images(of_seed[seed], metric) for seed in seeds]
    return None if any(row is None for row in rows) else rows


def contrasts(comparison: Comparison, images: PerImage | None = None) -> tuple[Contrast, ...]:
    """The comparisons that the suite's questions ask for, each between peers.

    Every variant against the plain AE in silhouette and reconstruction, and every other one against the VAE
    of β = 1 in ELBO; always other minus reference.
    """
    found = [
        contrast
        for other, reference in itertools.product(comparison.configurations, repeat=2)
        if other.id != reference.id and other.peers == reference.peers
        for metric in _contrasted(reference)
        if (contrast := _contrast(metric, other, reference, images)) is not None
    ]
    return tuple(found)


def verdict(objective: Sequence[float]) -> Verdict | None:
    """Whether training was long enough, from a validation curve.

    The last tenth of the epochs (two at least) is looked at. "not converged": its least-squares trend falls
    by more than 0.1 nats over its length. "overfitted": its mean lies more than 0.1 nats above the lowest
    mean of an earlier window of that length.

    Args:
        objective: the validation objective at each epoch's end, nats per image, lower is better.

    Returns:
        The verdict, or `None` for fewer than 10 epochs.
    """
    epochs = len(objective)
    if epochs < SHORTEST_JUDGED:
        return None
    length = max(2, epochs // 10)
    slope = np.polyfit(np.arange(length), np.asarray(objective[-length:]), 1)[0]
    if slope * length < -TOLERANCE_NATS:
        return "not converged"
    windows = np.convolve(objective, np.full(length, 1.0 / length), mode="valid")
    return "overfitted" if windows[-1] - windows[:-1].min() > TOLERANCE_NATS else "converged"


def mean_curve(records: Iterable[RunRecord], name: str) -> tuple[float, ...]:
    """The mean over runs of one learning curve (a field of `Curve`), by epoch; empty if a run lacks it."""
    curves = [getattr(record.curve, name) for record in records]
    length = min((len(curve) for curve in curves), default=0)
    if not length:
        return ()
    return tuple(float(value) for value in np.mean([curve[:length] for curve in curves], axis=0))


def _configuration(specs: Sequence[RunSpec], records: Mapping[str, RunRecord]) -> Configuration:
    first = specs[0]
    finished = tuple(records[spec.run_id] for spec in specs if spec.run_id in records)
    usable = [record for record in finished if record.outcome == "ok"]
    return Configuration(
        id=first.configuration,
        label=first.label(),
        variant=first.variant,
        settings={**first.scalars, **first.options},
        latent_dim=first.latent_dim,
        network=first.network,
        likelihood=first.likelihood,
        dataset=first.dataset,
        peers=first.model_dump_json(exclude=_NOT_SHARED),
        specs=tuple(specs),
        records=finished,
        summaries={name: _summary(usable, name) for name in METRICS},
        verdict=verdict(mean_curve(usable, "val_objective")),
    )


def _summary(records: Iterable[RunRecord], metric: str) -> Summary:
    values = (record.metrics.get(metric) for record in records)
    return summarise([value for value in values if value is not None])


def _contrasted(reference: Configuration) -> tuple[str, ...]:
    if reference.variant == "ae":
        return CONTRASTED_WITH_AE
    return CONTRASTED_WITH_VAE if is_plain_vae(reference) else ()


def is_plain_vae(configuration: Configuration) -> bool:
    """Whether it is the VAE of β = 1."""
    return configuration.variant == "vae" and configuration.settings.get("beta") == 1.0


def _contrast(metric: str, first: Configuration, second: Configuration, images: PerImage | None) -> Contrast | None:
    difference = paired_difference(first, second, metric, images)
    if difference is None:
        return None
    return Contrast(metric=metric, first=first, second=second, difference=difference)


def _environments(records: Iterable[RunRecord]) -> tuple[Environment, ...]:
    return tuple({record.environment.model_dump_json(): record.environment for record in records}.values())
