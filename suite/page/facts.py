"""What was run, on what, where and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aebench.analysis.configurations import Comparison
from aebench.analysis.numbers import counted, listed
from aebench.analysis.sources import Source
from aebench.records.rates import device_name, study_images_per_s
from aebench.records.record import VALUES, DatasetRecord, items
from aebench.records.spec import RunSpec
from aebench.study import declarations

_LIKELIHOODS = {
    "bernoulli": "Bernoulli likelihood (binarised pixels)",
    "gaussian": "Gaussian likelihood (one variance for all)",
    "continuous_bernoulli": "continuous Bernoulli likelihood (grey pixels)",
    "diagonal_gaussian": "Gaussian likelihood with a variance for each number of an item",
    "student_t": "Student's t likelihood with a scale and degrees of freedom for each number of an item",
    "poisson": "Poisson likelihood (counts)",
    "negative_binomial": "negative binomial likelihood (counts)",
    "discretised_logistics": "mixture of discretised logistics (probabilities of bytes)",
    "categorical": "categorical likelihood (probabilities of levels)",
}


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A name and what it is, one line each."""

    name: str
    lines: tuple[str, ...]


def likelihood_words(likelihood: str) -> str:
    """The likelihood with the pixels it sees."""
    stem, _, number = likelihood.rpartition("-")
    if stem in _LIKELIHOODS:
        return f"{_LIKELIHOODS[stem]}, {declarations.likelihoods()[stem].numbered}: {number}"
    return _LIKELIHOODS.get(likelihood, f"{likelihood} likelihood")


def facts(source: Source) -> tuple[Fact, ...]:
    """The study's circumstances, in the page's order."""
    comparison = source.comparison
    specs = [spec for item in comparison.configurations for spec in item.specs]
    finished = sorted(record.finished for item in comparison.configurations for record in item.records)
    days = dict.fromkeys([finished[0][:10], finished[-1][:10]])
    return (
        Fact(name="Data", lines=tuple(_data_line(spec, source.datasets) for spec in _first_of_each(specs, "dataset"))),
        *_units(specs, source.datasets),
        *_factors(specs, source.datasets),
        *_left_out(specs),
        Fact(name="Likelihood", lines=tuple(likelihood_words(name) for name in _values(specs, "likelihood"))),
        Fact(name="Network", lines=(listed([str(name) for name in _values(specs, "network")]),)),
        Fact(name="Training", lines=(_training(specs), *_speed(comparison))),
        Fact(name="Runs", lines=(_runs(comparison, specs),)),
        Fact(name="Device", lines=tuple(dict.fromkeys(map(device_name, comparison.environments)))),
        Fact(name="Versions", lines=(*_versions(comparison), *_switches(comparison))),
        Fact(name="Commit and date", lines=(f"{listed(_commits(comparison))}, {' to '.join(days)}",)),
    )


def summary(source: Source) -> str:
    """What was compared, on what data and device, in a line."""
    comparison = source.comparison
    specs = [spec for item in comparison.configurations for spec in item.specs]
    data_lines = "; ".join(_data_line(spec, source.datasets) for spec in _first_of_each(specs, "dataset"))
    devices = listed(list(dict.fromkeys(map(device_name, comparison.environments))))
    return f"{_runs(comparison, specs)}. {data_lines}. Trained with {specs[0].backend} on {devices}."


def _data_line(spec: RunSpec, datasets: Mapping[str, DatasetRecord]) -> str:
    known = datasets.get(spec.dataset_digest)
    if known is None:
        return f"{spec.dataset} (the split's sizes were not kept; the next `bench` keeps them)"
    train, validation, test = (f"{size:,}" for size in known.sizes)
    shape = "×".join(str(side) for side in known.image_shape)
    what = f"{items(known.image_shape)} of {shape}" + (f" {VALUES[known.values]}" if known.columns else "")
    return f"{spec.dataset}: {train} train, {validation} validation, {test} test {what}"


def _units(specs: Sequence[RunSpec], datasets: Mapping[str, DatasetRecord]) -> Iterator[Fact]:
    """What an image and a pixel are where the data are series or vectors, and what standardising does to nats."""
    others = [known for known in _known(specs, datasets) if items(known.image_shape) != "images"]
    lines = tuple(f"{known.name}: {_unit(known)}" for known in others)
    if lines:
        yield Fact(name="Units", lines=lines)


def _unit(known: DatasetRecord) -> str:
    item, number, scaled = {
        "series": ("series", "a channel at a time step", "Channels"),
        "rows": ("row", "a column", "Columns"),
    }[items(known.image_shape)]
    words = (
        f"an image is a {item} here, and a pixel {number}; what makes sense of images alone, such as SSIM, is not "
        "measured"
    )
    if known.values != "real":
        return words
    return (
        f"{words}. {scaled} are scaled to mean 0 and standard deviation 1 on train. In their own units, log-densities "
        f"are {known.log_scale:.2f} nats a {item} lower than those given here, for every model alike"
    )


def _known(specs: Sequence[RunSpec], datasets: Mapping[str, DatasetRecord]) -> list[DatasetRecord]:
    return [datasets[spec.dataset_digest] for spec in _first_of_each(specs, "dataset")
            if spec.dataset_digest in datasets]  # fmt: skip


def _factors(specs: Sequence[RunSpec], datasets: Mapping[str, DatasetRecord]) -> Iterator[Fact]:
    """What is known of each image, where anything is."""
    known = [one for one in _known(specs, datasets) if one.factors]
    if lines := tuple(f"{one.name}: {listed([*map(str, one.factors)])}" for one in known):
        yield Fact(name="Known factors", lines=lines)


def _left_out(specs: Sequence[RunSpec]) -> Iterator[Fact]:
    """That runs are trained without a class, where they are."""
    turns = dict.fromkeys((spec.seed, spec.without_class) for spec in specs if spec.without_class is not None)
    if turns:
        told = listed([f"seed {seed} without class {left}" for seed, left in turns])
        line = f"each run is trained without one class, and tested on all: {told}; what differs from seed to seed is "
        yield Fact(name="Left out", lines=(f"{line}the class too",))


def _training(specs: Sequence[RunSpec]) -> str:
    epochs, batches, rates = (
        listed([f"{value:,}" if isinstance(value, int) else f"{value:g}" for value in _values(specs, name)], "or")
        for name in ("epochs", "batch_size", "learning_rate")
    )
    precisions = listed([str(name) for name in _values(specs, "precision")])
    return f"{epochs} epochs, batches of {batches}, Adam at {rates}, {precisions}, on {specs[0].backend}"


def _speed(comparison: Comparison) -> tuple[str, ...]:
    records = [record for item in comparison.configurations for record in item.records]
    speed = study_images_per_s(records)
    if speed is None:
        return ()
    most = max(record.training.cohort_size for record in records)
    company = "one run after the other" if most == 1 else f"up to {most} runs side by side"
    seconds = sum(record.metrics.get("train_seconds") or 0.0 for record in records)
    return (f"{speed:,.0f} images/s over all runs, {company}; {_duration(seconds)} of training in all",)


def _duration(seconds: float) -> str:
    """`41 s`, `12 min`, `3.4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def _runs(comparison: Comparison, specs: Sequence[RunSpec]) -> str:
    count = counted(len(comparison.configurations), "configuration")
    seeds = counted(len(_values(specs, "seed")), "seed")
    return f"{comparison.finished:,} of {counted(comparison.planned, 'run')}: {count}, {seeds}"


def _versions(comparison: Comparison) -> tuple[str, ...]:
    found = (
        ", ".join([f"Python {item.python}", *(f"{name} {version}" for name, version in item.versions.items())])
        for item in comparison.environments
    )
    return tuple(dict.fromkeys(found))


def _switches(comparison: Comparison) -> tuple[str, ...]:
    """Switches that are other than the framework's own choice on that machine."""
    changed = (
        f"{name}={switch.value}, where the framework itself would have {switch.default}"
        for item in comparison.environments
        for name, switch in item.switches.items()
        if switch.value != switch.default
    )
    return tuple(dict.fromkeys(changed))


def _commits(comparison: Comparison) -> tuple[str, ...]:
    return tuple(dict.fromkeys((item.commit or "unknown")[:12] for item in comparison.environments))


def _first_of_each(specs: Iterable[RunSpec], name: str) -> list[RunSpec]:
    found: dict[Any, RunSpec] = {}
    for spec in specs:
        found.setdefault(getattr(spec, name), spec)
    return list(found.values())


def _values(specs: Iterable[RunSpec], name: str) -> list[Any]:
    return list(dict.fromkeys(getattr(spec, name) for spec in specs))
