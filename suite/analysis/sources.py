"""Sources: a study on one backend as it stands in its store. Reads nothing but that store. Imports no Keras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from aebench.analysis.configurations import Comparison, compare
from aebench.analysis.evidence import Evidence, evidence
from aebench.analysis.milestones import after
from aebench.records.record import PARTS, DatasetRecord, RunRecord, TimingRecord
from aebench.records.spec import RunSpec
from aebench.records.store import Store
from aebench.study import STUDIES, Study


@dataclass(frozen=True, kw_only=True)
class Source:
    """One study on one backend, as it stands.

    Attributes:
        study: the study.
        specs: its whole grid.
        store: where the runs' pictures and the numbers of single images are.
        records: the finished runs by `run_id`.
        timings: of any configuration and device; may be empty.
    """

    study: Study
    specs: Sequence[RunSpec]
    store: Store
    records: Mapping[str, RunRecord]
    timings: Sequence[TimingRecord]

    @cached_property
    def comparison(self) -> Comparison:
        """Its configurations with their numbers."""
        return compare(self.study, self.specs, self.records)

    @cached_property
    def evidence(self) -> dict[tuple[str, str], Evidence]:
        """The evidence of each board, by data set and likelihood."""
        earlier = {part: self._after(part) for part in PARTS}
        return {
            key: replace(
                evidence(board, self.store, self.study.contrasts),
                earlier={part: boards[key] for part, boards in earlier.items() if key in boards},
            )
            for key, board in self.comparison.boards().items()
        }

    def _after(self, part: float) -> dict[tuple[str, str], Evidence]:
        """The evidence of each board after that part of the training; nothing of trainings too short to have one."""
        records = {name: after(record, part) for name, record in self.records.items() if record.milestones}
        boards = compare(self.study, self.specs, records).boards() if records else {}
        return {key: evidence(board, self.store, self.study.contrasts, part) for key, board in boards.items()}

    @cached_property
    def datasets(self) -> dict[str, DatasetRecord]:
        """What is told of the data that the runs were trained on, by digest."""
        return {known.digest: known for known in self.store.read_datasets()}

    @property
    def backend(self) -> str:
        """The backend of its runs."""
        return self.specs[0].backend

    @property
    def argument(self) -> str:
        """What names the study on the command line: its name if it comes with the suite, else its file."""
        return self.study.name if self.study.source.parent == STUDIES else self.study.source.name


def read(study: Study, backend: str, store: Store) -> Source:
    """What a store holds of a study on one backend.

    The data need not be on this machine: which content they have is told by what was kept of them. Of data sets that
    were imported anew with other content, the runs on the most used one are taken.

    Raises:
        UserError: the store cannot be read.
    """
    specs = _specs(study, backend, store)
    records = {spec.run_id: record for spec in specs if (record := store.read_record(spec)) is not None}
    return Source(study=study, specs=specs, store=store, records=records, timings=store.read_timings())


def outlined(study: Study, backend: str, store: Store) -> Source:
    """As `read`, with outlines of the records alone: enough for tables, and quick where there are very many runs."""
    specs = _specs(study, backend, store)
    records = store.read_outlines(specs)
    return Source(study=study, specs=specs, store=store, records=records, timings=store.read_timings())


def _specs(study: Study, backend: str, store: Store) -> list[RunSpec]:
    digests = _digests(store)
    return study.expand({name: digests.get(name, "unknown") for name in study.datasets}, backend)


def _digests(store: Store) -> dict[str, str]:
    """The content digest of each data set by name."""
    known = [(item.name, item.digest) for item in store.read_datasets()]
    if len(dict(known)) < len(known) or not known:  # several contents, or records of before this was kept
        counts = Counter((record.spec.dataset, record.spec.dataset_digest) for record in store.each_record())
        known += [pair for pair, _ in reversed(counts.most_common())]
    return dict(known)
