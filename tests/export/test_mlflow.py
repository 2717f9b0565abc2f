"""What is written for MLflow, as MLflow's own client reads it; nothing goes over a network, nothing else is changed."""

from __future__ import annotations

import builtins
import importlib.util
import logging
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from aebench.analysis.sources import Source
from aebench.errors import UserError
from aebench.export import mlflow
from aebench.export.card import flat
from aebench.export.curves import curves
from aebench.records.record import RunRecord

needs_mlflow = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("alembic", "mlflow", "sqlalchemy")),
    reason="the extra mlflow is not installed",
)


@pytest.fixture(scope="module")
def written(trained_source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, written where nothing can be asked of another host, and no thread is left that could ask later."""

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a host was asked for")

    folder = tmp_path_factory.mktemp("mlflow") / "runs"
    before = logging.root.handlers[:], logging.root.level, threading.active_count()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto", "listen"):
            patch.setattr(socket.socket, name, refused, raising=False)
        patch.setattr(socket, "getaddrinfo", refused)
        mlflow.write(trained_source, folder)
    assert (logging.root.handlers, logging.root.level, threading.active_count()) == before
    assert logging.getLogger("mlflow").handlers == []
    return folder


@pytest.fixture(scope="module")
def runs(written: Path) -> dict[str, Any]:
    """What MLflow's client finds, by the name of the run."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=mlflow.address(written))
    experiment = client.get_experiment_by_name("own")
    return {run.info.run_name: (client, run) for run in client.search_runs([experiment.experiment_id])}


@needs_mlflow
def test_settings_and_tags_are_the_records(trained_source: Source, runs: dict[str, Any]) -> None:
    assert runs.keys() == trained_source.records.keys()
    for name, (_, run) in runs.items():
        record = trained_source.records[name]
        assert run.data.params == {key: str(value) for key, value in flat(record.spec).items()}
        assert run.data.tags["outcome"] == record.outcome == "ok"
        assert run.data.tags["configuration"] == record.spec.configuration
        assert run.data.tags["version.keras"] == record.environment.versions["keras"]
        assert run.info.status == "FINISHED"
        assert run.info.end_time - run.info.start_time == round(1000 * record.metrics["train_seconds"])


@needs_mlflow
def test_numbers_are_the_records_to_the_last_bit(trained_source: Source, runs: dict[str, Any]) -> None:
    for name, (client, run) in runs.items():
        record = trained_source.records[name]
        numbers = {f"test/{key}": value for key, value in record.metrics.items() if value is not None}
        expected = {key: [(record.spec.epochs, value)] for key, value in numbers.items()}
        expected |= {key: [*enumerate(values, 1)] for key, values in curves(record.curve) if values}
        read = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
        assert {key: [(one.step, one.value) for one in values] for key, values in read.items()} == expected


@needs_mlflow
def test_files_are_the_record_the_study_and_pictures_of_first_seeds(
    trained_source: Source, runs: dict[str, Any], written: Path
) -> None:
    for name, (client, run) in runs.items():
        record = trained_source.records[name]
        found = {file.path for file in client.list_artifacts(run.info.run_id)}
        assert found == {"record.json", "own.toml"} | ({"pictures.png"} if record.spec.seed == 0 else set())
        assert run.info.artifact_uri.startswith(written.resolve().as_uri())
        path = Path(client.download_artifacts(run.info.run_id, "record.json"))
        assert RunRecord.model_validate_json(path.read_text()) == record


@needs_mlflow
def test_a_folder_that_holds_something_is_left_alone(trained_source: Source, written: Path) -> None:
    with pytest.raises(UserError, match="is not an empty folder"):
        mlflow.write(trained_source, written)


@pytest.mark.parametrize("absent", ["alembic", "mlflow"])
def test_without_its_packages_the_command_that_installs_them_is_told(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == absent:
            raise ImportError(name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'aebench\[mlflow\]'"):
        mlflow.write(source, tmp_path / "runs")
