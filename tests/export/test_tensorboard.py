"""What is written for TensorBoard, as TensorBoard itself reads it."""

from __future__ import annotations

import builtins
import io
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aebench.analysis.sources import Source
from aebench.errors import UserError
from aebench.export import tensorboard
from aebench.export.card import flat
from aebench.export.curves import curves
from aebench.records.kept import Kept

pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")


@pytest.fixture
def written(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, written where no socket can be opened."""

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", refused)
        tensorboard.write(source, tmp_path / "board")
    return tmp_path / "board"


@pytest.fixture
def events(written: Path) -> Callable[[str], Any]:
    """events(run) -> TensorBoard's reader of it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read(run: str) -> Any:
        found = EventAccumulator(str(written / run), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
        return found.Reload()

    return read


def test_scalars_are_the_records_numbers(source: Source, events: Callable[[str], Any]) -> None:
    for run, record in source.records.items():
        found = events(run)
        read = {tag: [(item.step, item.value) for item in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
        numbers = {f"test/{name}": value for name, value in record.metrics.items() if value is not None}
        expected = {tag: [(record.spec.epochs, np.float32(value))] for tag, value in numbers.items()}
        expected |= {
            tag: [(epoch, np.float32(value)) for epoch, value in enumerate(values, 1)]
            for tag, values in curves(record.curve)
            if values
        }
        assert read == expected
        assert ("rate/validation" in read) == (record.spec.variant == "mine")


def test_hparams_are_the_settings(source: Source, events: Callable[[str], Any]) -> None:
    from tensorboard.plugins.hparams import metadata

    for run, record in source.records.items():
        contents = events(run).PluginTagToContent(metadata.PLUGIN_NAME)
        start = metadata.parse_session_start_info_plugin_data(contents[metadata.SESSION_START_INFO_TAG])
        read = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
        assert read == flat(record.spec)
        experiment = metadata.parse_experiment_plugin_data(contents[metadata.EXPERIMENT_TAG])
        shown = {info.name.tag for info in experiment.metric_infos}
        assert "test/recon_mse" in shown
        assert shown <= set(events(run).Tags()["scalars"])


def test_pictures_are_those_that_were_kept(source: Source, events: Callable[[str], Any]) -> None:
    run = next(run for run, record in source.records.items() if record.spec.seed == 0)
    kept = source.store.read_arrays(run, Kept.FIGURES)
    assert kept is not None
    (image,) = events(run).Images("pictures/originals")
    sheet = np.asarray(Image.open(io.BytesIO(image.encoded_image_string)).convert("L"))
    first = kept["originals"][0, ..., 0]
    assert np.array_equal(sheet[: first.shape[0], : first.shape[1]], first)


def test_the_projector_has_the_codes_and_their_classes(source: Source, written: Path) -> None:
    run = next(run for run, record in source.records.items() if record.spec.seed == 0)
    kept = source.store.read_arrays(run, Kept.FIGURES)
    assert kept is not None
    folder = written / run
    config = (folder / "projector_config.pbtxt").read_text()
    (codes,) = folder.rglob("tensors.tsv")
    assert str(codes.relative_to(folder)) in config
    np.testing.assert_array_equal(
        np.loadtxt(codes, dtype="float32", ndmin=2), kept["embedding_codes"].astype("float32")
    )
    labels = (codes.parent / "metadata.tsv").read_text().split()
    assert labels == [str(kept["class_names"][label]) for label in kept["embedding_labels"]]


def test_only_first_seeds_have_pictures(source: Source, events: Callable[[str], Any]) -> None:
    for run, record in source.records.items():
        assert bool(events(run).Tags()["images"]) == (record.spec.seed == 0)


def test_a_folder_that_holds_something_is_left_alone(source: Source, written: Path) -> None:
    with pytest.raises(UserError, match="is not an empty folder"):
        tensorboard.write(source, written)


def test_without_its_package_the_command_that_installs_it_is_told(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "tensorboardX":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'aebench\[tensorboard\]'"):
        tensorboard.write(source, tmp_path / "board")


def test_rows_are_shown_as_heat_maps(of_rows: Source, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tensorboard.write(of_rows, tmp_path / "board")
    (run,) = of_rows.records
    found = EventAccumulator(str(tmp_path / "board" / run), size_guidance={"images": 0}).Reload()
    shown = Image.open(io.BytesIO(found.Images("pictures/originals")[0].encoded_image_string))
    assert shown.width % 13 == 0
