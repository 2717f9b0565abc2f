"""Runs and configurations as flat rows, for files and data frames. Imports no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aebench.analysis.configurations import Comparison, Configuration
from aebench.measures import METRICS
from aebench.records.record import RunRecord


def run_rows(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """One flat row a run, with the same columns in each."""
    return _aligned([_run_row(record) for record in records])


def _run_row(record: RunRecord) -> dict[str, Any]:
    """A run's spec, its settings and its metrics, named as everywhere."""
    spec = record.spec
    fixed = (
        "dataset",
        "variant",
        "latent_dim",
        "network",
        "likelihood",
        "seed",
        "epochs",
        "batch_size",
        "precision",
        "backend",
    )
    return {
        **{name: getattr(spec, name) for name in fixed},
        **spec.rate_schedule,
        **spec.scalars,
        **spec.options,
        **({} if spec.without_class is None else {"without_class": spec.without_class}),
        "outcome": record.outcome,
        **{name: record.metrics.get(name) for name in METRICS},
        "run_id": record.run_id,
    }


def configuration_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One flat row a configuration: settings, then `<metric>_mean`, `<metric>_sd` and `<metric>_n`."""
    return _aligned([_configuration_row(item) for item in comparison.configurations])


def _aligned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Gives every row the columns of all; the longest row's order first, so that settings stay beside their variant."""
    columns = dict.fromkeys(name for row in sorted(rows, key=len, reverse=True) for name in row)
    return [{name: row.get(name) for name in columns} for row in rows]


def _configuration_row(item: Configuration) -> dict[str, Any]:
    fixed = ("dataset", "variant", "latent_dim", "network", "likelihood")
    row: dict[str, Any] = {name: getattr(item, name) for name in fixed} | item.specs[0].rate_schedule | item.settings
    row |= {
        "planned": item.planned,
        "finished": item.finished,
        "diverged": item.diverged,
        "training": item.convergence.state if item.convergence else None,
        "fall_nats": item.convergence.fall if item.convergence else None,
    }
    for name, summary in item.summaries.items():
        row |= {f"{name}_mean": summary.mean, f"{name}_sd": summary.sd, f"{name}_n": summary.n}
    return row
