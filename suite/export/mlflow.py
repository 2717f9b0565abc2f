"""What MLflow shows of finished runs, written after them into a folder: settings, curves, numbers, tags, files.

MLflow 3 keeps runs in a database, here an SQLite file, and their files beside it: it refuses its older folder of files.
No server is asked, and nothing is told to MLflow's makers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from aebench.analysis.sources import Source
from aebench.errors import UserError
from aebench.export.card import flat
from aebench.export.curves import curves
from aebench.export.files import picture
from aebench.export.folders import refuse_filled
from aebench.export.selecting import Selected, select
from aebench.measures import METRICS
from aebench.records.record import RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

DATABASE: Final = "mlflow.db"
FILES: Final = "artifacts"
_MOST_METRICS: Final = 1000  # that MLflow takes at once
# MLflow would tell its makers what is used of it, and set up handlers for the messages of its own and of Alembic.
_QUIET: Final = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_CONFIGURE_LOGGING": "false"}


def address(folder: Path) -> str:
    """What MLflow calls the runs in a folder, as in `mlflow ui --backend-store-uri`."""
    return f"sqlite:///{folder.resolve() / DATABASE}"


def write(source: Source, folder: Path) -> list[str]:
    """Writes every finished run into one experiment, which is named after the study; returns MLflow's ids of them.

    Args:
        source: the study's finished runs.
        folder: absent or empty; the database knows it by its absolute path.

    Raises:
        UserError: MLflow is not installed, or the folder is not empty or cannot be written.
    """
    os.environ.update(_QUIET)
    try:
        import alembic  # noqa: F401
        import sqlalchemy  # noqa: F401
        from mlflow import MlflowClient
    except ImportError as error:
        raise UserError(f"{error.name} is not installed; run: pip install 'aebench[mlflow]'") from None
    refuse_filled(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        client = MlflowClient(tracking_uri=address(folder), registry_uri=address(folder))
        experiment = client.create_experiment(
            source.study.name, artifact_location=(folder.resolve() / FILES).as_uri(), tags={"title": source.study.title}
        )
        return [_run(client, experiment, source, record) for record in source.records.values()]
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from None


def _run(client: MlflowClient, experiment: str, source: Source, record: RunRecord) -> str:
    from mlflow.entities import Param

    end = round(1000 * datetime.fromisoformat(record.finished).timestamp())
    start = end - round(1000 * (record.metrics.get("train_seconds") or 0.0))
    made = client.create_run(experiment, start_time=start, tags=_tags(record), run_name=record.run_id)
    run = str(made.info.run_id)
    params = [Param(name, str(value)) for name, value in flat(record.spec).items()]
    client.log_batch(run, params=params)
    numbers = [*_numbers(record, end)]
    for first in range(0, len(numbers), _MOST_METRICS):
        client.log_batch(run, metrics=numbers[first : first + _MOST_METRICS])
    client.log_text(run, record.model_dump_json(indent=1), "record.json")
    client.log_artifact(run, str(source.study.source))
    if record.outcome == "ok":
        _log_picture(client, run, select(source, record.run_id))
    client.set_terminated(run, status="FINISHED" if record.outcome == "ok" else "FAILED", end_time=end)
    return run


def _tags(record: RunRecord) -> dict[str, str]:
    """What a run is known by beside its settings: where it comes from, and how it ended."""
    place = record.environment
    return {
        "run_id": record.run_id,
        "configuration": record.spec.configuration,
        "outcome": record.outcome,
        "dataset_digest": record.spec.dataset_digest,
        "variant_version": str(record.spec.variant_version),
        "device": place.device,
        "commit": place.commit or "unknown",
        **{f"version.{name}": version for name, version in {"python": place.python, **place.versions}.items()},
    }


def _numbers(record: RunRecord, moment: int) -> Iterator[Metric]:
    """Curves with the epoch for their step, and the numbers on the test split at the last one."""
    from mlflow.entities import Metric

    for tag, curve in curves(record.curve):
        for epoch, value in enumerate(curve, 1):
            yield Metric(tag, value, moment, epoch)
    for name in METRICS:
        number = record.metrics.get(name)
        if number is not None:
            yield Metric(f"test/{name}", number, moment, record.spec.epochs)


def _log_picture(client: MlflowClient, run: str, selected: Selected) -> None:
    """Test images, reconstructions and samples, of runs that kept them."""
    with TemporaryDirectory() as aside:
        drawn = picture(selected.source.store, [selected.record], Path(aside) / "pictures.png")
        if drawn is not None:
            client.log_artifact(run, str(drawn))
