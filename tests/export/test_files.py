"""Exported runs: the model that loads has the record's numbers, and the card tells them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from typer.testing import CliRunner

from aebench import data, study
from aebench.analysis.sources import Source
from aebench.cli.app import app
from aebench.data import pixels
from aebench.errors import UserError
from aebench.export import files, selecting
from aebench.harness import plan
from aebench.records.record import RunRecord

RUN = "mine-beta1-kappa2-z3"


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "model"
    arguments = ["export", trained / "own.toml", RUN, folder, "--backend", "tensorflow", "--out", trained / "out"]
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output or result.exception
    assert {Path(line).name for line in result.stdout.split()} == {path.name for path in folder.iterdir()}
    return folder


@pytest.fixture
def record(source: Source) -> RunRecord:
    return selecting.select(source, RUN).record


def test_the_model_that_loads_has_the_number_that_was_measured(exported: Path, record: RunRecord) -> None:
    import keras

    import aebench.models  # noqa: F401 (registers its layers)

    model = keras.saving.load_model(exported / "model.keras")
    test = pixels.prepare(data.load("tiny-export"), "bernoulli", "train").test
    error = np.mean((keras.ops.convert_to_numpy(model(test)) - test) ** 2, dtype="float64")
    # Float32 sums of 64 terms and a sigmoid err by far less than 64 roundings.
    assert error == pytest.approx(record.metrics["recon_mse"], rel=64 * float(np.finfo("float32").eps))
    assert model.encode(test).mean.shape == (40, 3)


def test_numbers_are_the_run_s_and_intervals_cover_seeds(exported: Path, record: RunRecord, source: Source) -> None:
    numbers = json.loads((exported / "numbers.json").read_text())
    assert numbers["metrics"] == record.metrics
    values = [
        one.metrics["recon_mse"]
        for one in source.records.values()
        if one.spec.configuration == record.spec.configuration
    ]
    assert len(values) == 2
    told = numbers["over_seeds"]["recon_mse"]
    low, high = stats.t.interval(0.95, 1, np.mean(values), stats.sem(values))
    assert (told["low"], told["high"]) == pytest.approx((low, high))


def front_matter(card: str) -> dict[str, Any]:
    """Its keys: each value is JSON, which YAML contains."""
    _, front, _ = card.split("---\n", 2)
    return {key: json.loads(value) for key, value in (line.split(": ", 1) for line in front.splitlines())}


def test_the_card_s_front_matter_tells_the_numbers(exported: Path, record: RunRecord) -> None:
    told = front_matter((exported / "README.md").read_text())
    assert (told["library_name"], told["datasets"]) == ("keras", ["tiny-export"])
    (result,) = told["model-index"][0]["results"]
    assert result["dataset"]["split"] == "test"
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert {"elbo_nats", "recon_mse"} < values.keys()
    assert values == {name: record.metrics[name] for name in values}


def test_the_command_that_reproduces_picks_this_run_alone(exported: Path, record: RunRecord, source: Source) -> None:
    (command,) = re.findall(r"```sh\n(.*)\n```", (exported / "README.md").read_text())
    words = shlex.split(command)
    assert words[:3] == ["aebench", "bench", "own.toml"]
    selected = study.read(str(exported / words[2]))
    todo = plan.plan(selected, "tensorflow", source.store, only=words[words.index("--only") + 1])
    assert [spec.run_id for spec in todo.chosen] == [record.run_id]


def test_own_files_and_the_picture_come_along(exported: Path, trained: Path) -> None:
    assert (exported / "mine.py").read_text() == (trained / "mine.py").read_text()
    assert "import mine " in (exported / "README.md").read_text()
    with Image.open(exported / "pictures.png") as picture:
        assert picture.width >= 1200


def test_a_seed_without_pictures_shows_those_of_the_first(source: Source, tmp_path: Path) -> None:
    second = next(one for one in source.records.values() if one.spec.seed == 1 and one.spec.variant == "ae")
    written = {path.name for path in files.export(selecting.select(source, second.run_id), tmp_path / "ae")}
    assert written == {"README.md", "model.keras", "numbers.json", "pictures.png", "own.toml"}
    card = (tmp_path / "ae" / "README.md").read_text()
    assert "ELBO" not in card
    assert "(seed 1)" in card


def test_runs_and_configurations_are_chosen_by_how_they_begin(source: Source) -> None:
    first = selecting.select(source, "ae-z2")
    assert first.record.spec.seed == 0
    assert selecting.select(source, first.configuration.id) == first
    assert selecting.select(source, first.record.run_id) == first
    second = first.configuration.usable[1]
    assert selecting.select(source, second.run_id[:-3]).record == second


@pytest.mark.parametrize(("wanted", "told"), [("mine", "begins 8 of the runs"), ("vae", "begins none")])
def test_what_is_not_one_run_is_told_with_some_that_are(wanted: str, told: str, source: Source) -> None:
    with pytest.raises(UserError, match=rf"'{wanted}' {told}.*: \w+-.*-z2-.*aebench table own.toml --by run"):
        selecting.select(source, wanted)


def test_nothing_is_overwritten(source: Source, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(UserError, match="is not an empty folder"):
        files.export(selecting.select(source, "ae-z2"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_run_on_rows_says_how_they_are_scaled(of_rows: Source, tmp_path: Path) -> None:
    import keras

    (record,) = of_rows.records.values()
    folder = tmp_path / "model"
    files.export(selecting.select(of_rows, record.run_id), folder)
    wine, numbers = data.load("wine"), json.loads((folder / "numbers.json").read_text())
    card = (folder / "README.md").read_text()
    assert "rows (n, 13), each less its `mean` and over its `scale`" in card
    assert "35 test rows of 13" in card
    mean, scale = (np.array([column[name] for column in numbers["columns"]]) for name in ("mean", "scale"))
    test = ((wine.test.images - mean) / scale).astype("float32")
    model = keras.saving.load_model(folder / "model.keras")
    error = np.mean((keras.ops.convert_to_numpy(model(test)) - test) ** 2, dtype="float64")
    assert error == pytest.approx(record.metrics["recon_mse"], rel=64 * float(np.finfo("float32").eps))
    assert any(path.suffix == ".png" for path in folder.iterdir())
