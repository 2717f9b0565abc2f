"""Some runs of a store measured anew from their kept weights, so that somebody else's numbers can be believed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from aebench import backends, data
from aebench.errors import UserError
from aebench.harness.execute import cohorts
from aebench.harness.plan import plan
from aebench.records.record import RunRecord
from aebench.records.store import Store
from aebench.study import Study


def sample(runs: Iterable[str], count: int, draw: str) -> list[str]:
    """So many of the runs, as a digest of their ids and of `draw` falls: whoever made them cannot know which."""
    return sorted(runs, key=lambda run: hashlib.sha256(f"{draw} {run}".encode()).digest())[:count]


def obstacle(study: Study, record: RunRecord, store: Store, backend: str) -> str:
    """Why a run cannot be measured anew here; empty where it can."""
    spec = record.spec
    grids = [grid.declaration for grid in study.grids if grid.declaration.name == spec.variant]
    if not grids or not all(grid.package for grid in grids) or spec.network in study.networks:
        return "it runs code that its sender wrote"
    if grids[0].version != spec.variant_version:
        return f"variant {spec.variant} has version {grids[0].version} here, and had {spec.variant_version}"
    if spec.backend != backend:
        return f"it was trained with {spec.backend}, and this is {backend}"
    if record.outcome != "ok" or not store.artefact_path(record.run_id, "weights").is_file():
        return "its weights are not there"
    try:
        digest = data.digest(spec.dataset)
    except UserError as error:
        return str(error)
    return "" if digest == spec.dataset_digest else f"data set {spec.dataset} has other content here"


def recompute(study: Study, backend: str, store: Store, runs: Sequence[str]) -> Iterator[RunRecord]:
    """The runs' records with numbers that are measured anew; the store's are overwritten, so give it a copy.

    Raises:
        UserError: weights are damaged, or a data set cannot be had.
    """
    todo = plan(study, backend, store)
    backends.choose(backend)
    for cohort in cohorts(todo, tuple(spec for spec in todo.grid if spec.run_id in runs)):
        yield from replace(cohort, pictured=frozenset()).rescore()
