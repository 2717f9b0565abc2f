"""Packs of several senders as one source for each experiment. Imports no Keras."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aebench.analysis.audit import Audit
from aebench.analysis.sources import Source
from aebench.records import merging
from aebench.records.packs import Pack
from aebench.records.record import RunRecord
from aebench.records.spec import RunSpec
from aebench.records.store import Store
from aebench.study import Study, files

# In what repeats of a run are held against it: the first that it has.
_COMPARED = ("elbo_nats", "recon_mse")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One pack that was found sound.

    Attributes:
        study: of its own file.
        notes: what could not be looked at, a line each.
    """

    pack: Pack
    study: Study
    records: Mapping[str, RunRecord]
    notes: tuple[str, ...] = ()

    @property
    def contents(self) -> dict[str, str]:
        """The content digest of each data set by name."""
        return {record.spec.dataset: record.spec.dataset_digest for record in self.records.values()}


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Runs that a pack has and that stand here as others sent them first.

    Attributes:
        runs: how many.
        metric: in what they are held against each other; empty where neither has it.
        apart: the largest difference in it.
        sd: standard deviation between seeds of one configuration, root mean square; `None` of single seeds.
    """

    runs: int
    metric: str
    apart: float
    sd: float | None


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Runs of one study, whoever sent them.

    Attributes:
        sources: one for each backend that has finished runs, over the runs that were sent and no others.
        sent: the packs.
        of: the packs from which each run of the sources was had, by run id; that whose numbers stand comes first.
        repeats: by the place in `sent`.
    """

    sources: tuple[Source, ...]
    sent: tuple[Sent, ...]
    of: Mapping[str, tuple[Sent, ...]]
    repeats: Mapping[int, Repeats]


def sound(pack: Pack, found: Audit) -> Sent | None:
    """The pack as one to be pooled, if nothing was found against it."""
    if found.findings or found.study is None:
        return None
    return Sent(pack=pack, study=found.study, records=found.records, notes=found.notes)


def own_sources(sent: Sent) -> tuple[Source, ...]:
    """What one pack holds, as its sender's own page shows it."""
    return _sources(sent.study, [sent], sent.pack.store)


def pools(sent: Sequence[Sent], folder: Path) -> Iterator[Pool]:
    """Packs together that are of one experiment, each kind copied into a folder of its own.

    Those of one study's name, with the same files of the author's own, whose data sets have the same content: then
    equal specs mean equal experiments, and runs that differ in the seed alone are replicates whoever trained them.
    """
    for number, group in enumerate(_groups(sent)):
        store = Store(folder / f"{number}")
        found = merging.pool(store.root, [one.pack.store.root for one in group])
        by_folder = {one.pack.store.root: one for one in group}
        of = {run_id: tuple(by_folder[place] for place in places) for run_id, places in found.items()}
        study = _joined([one.study for one in group], number)
        sources = _sources(study, group, store)
        yield Pool(sources=sources, sent=tuple(group), of=of, repeats=dict(_repeats(group, sources, of)))


def _groups(sent: Sequence[Sent]) -> list[list[Sent]]:
    groups: list[tuple[object, dict[str, str], list[Sent]]] = []
    for one in sent:
        kind = one.study.name, _own_code(one)
        for other, contents, members in groups:
            if other == kind and all(contents.get(name, digest) == digest for name, digest in one.contents.items()):
                contents |= one.contents
                members.append(one)
                break
        else:
            groups.append((kind, {**one.contents}, [one]))
    return [members for _, _, members in groups]


def _own_code(sent: Sent) -> tuple[str, ...]:
    """Checksums of the files that a study brings along."""
    return tuple(sent.pack.manifest.members[f"study/{name}"].sha256 for name in sorted(files.named(sent.pack.study)))


def _joined(studies: Sequence[Study], number: int) -> Study:
    """One study with the grids, contrasts and expectations of all; its name tells it from other pools of that name."""
    first = studies[0]
    return replace(
        first,
        name=f"{first.name}-{number + 1}" if number else first.name,
        grids=tuple(grid for one in studies for grid in one.grids),
        networks={identity: network for one in reversed(studies) for identity, network in one.networks.items()},
        contrasts=tuple(dict.fromkeys(contrast for one in studies for contrast in one.contrasts)),
        expectations=first.expectations,
    )


def _sources(study: Study, group: Sequence[Sent], store: Store) -> tuple[Source, ...]:
    timings = store.read_timings()
    records = {record.run_id: record for record in store.read_records()}
    found = []
    for backend in dict.fromkeys(record.spec.backend for record in records.values()):
        specs = _planned(group, backend, records)
        if specs:
            found.append(
                Source(
                    study=study,
                    specs=specs,
                    store=store,
                    records={spec.run_id: records[spec.run_id] for spec in specs},
                    timings=[timing for timing in timings if timing.spec.backend == backend],
                )
            )
    return tuple(found)


def _planned(group: Sequence[Sent], backend: str, records: Mapping[str, RunRecord]) -> list[RunSpec]:
    """The runs of the senders' grids that are there: configurations in the order of the grids, seeds fastest."""
    planned = [
        spec
        for one in group
        for spec in one.study.expand({name: one.contents.get(name, "unknown") for name in one.study.datasets}, backend)
    ]
    there = {spec.run_id: spec for spec in planned if spec.run_id in records}.values()
    order = {name: place for place, name in enumerate(dict.fromkeys(spec.configuration for spec in there))}
    return sorted(there, key=lambda spec: (order[spec.configuration], spec.seed))


def _repeats(
    group: Sequence[Sent], sources: Iterable[Source], of: Mapping[str, tuple[Sent, ...]]
) -> Iterator[tuple[int, Repeats]]:
    standing = {run_id: record for source in sources for run_id, record in source.records.items()}
    spreads = {metric: _spread(sources, metric) for metric in _COMPARED}
    for place, one in enumerate(group):
        runs = [run_id for run_id in one.records if run_id in standing and of[run_id][0] is not one]
        pairs = [(one.records[run_id].metrics, standing[run_id].metrics) for run_id in runs]
        if not runs:
            continue
        metric = next((name for name in _COMPARED if any(_apart(pair, name) is not None for pair in pairs)), "")
        apart = max((found for pair in pairs if (found := _apart(pair, metric)) is not None), default=0.0)
        yield place, Repeats(runs=len(runs), metric=metric, apart=apart, sd=spreads.get(metric))


def _apart(pair: tuple[Mapping[str, float | None], Mapping[str, float | None]], metric: str) -> float | None:
    one, other = (numbers.get(metric) for numbers in pair)
    return None if one is None or other is None else abs(one - other)


def _spread(sources: Iterable[Source], metric: str) -> float | None:
    found = [sd for source in sources for item in source.comparison.configurations
             if (sd := item.summaries[metric].sd) is not None]  # fmt: skip
    return (sum(sd * sd for sd in found) / len(found)) ** 0.5 if found else None
