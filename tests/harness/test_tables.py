"""A table from its file to a page, by the commands that its owner would type."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benches import records, typed
from typer.testing import CliRunner

from aebench.cli.app import app
from aebench.measures import OF_IMAGES
from aebench.records.kept import Figures, Kept
from aebench.study import read
from aebench.workspace import store_of

STUDY = """
dataset = ["shop", "visits"]
network = "linear"
likelihood = "{likelihood}"
seeds = 1
epochs = 2
batch_size = 16
latent_dim = 2
timed_batch_sizes = [1]

[[variant]]
name = "vae"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables, imported, one of each benched under a likelihood of its own, and their pages."""
    folder, rng = tmp_path_factory.mktemp("tables"), np.random.default_rng(0)
    values = rng.normal(size=(90, 4)) @ rng.normal(size=(4, 4)) * [1.0, 10.0, 100.0, 1e4]
    frame = pd.DataFrame(values, columns=["height", "width", "depth", "price"])
    frame.assign(kind=np.array(["a", "b"])[np.arange(90) % 2], id=range(90)).to_csv(folder / "shop.csv", index=False)
    np.save(folder / "visits.npy", rng.poisson([1.0, 5.0, 50.0], (60, 3)))
    told = typed("data", "import", "shop", folder / "shop.csv", "--label", "kind", "--ignore", "id").stdout
    assert told.startswith("shop: 58 train, 14 validation, 18 test rows of 4 real numbers, standardised; A stratified")
    assert "rows of 3 counts" in typed("data", "import", "visits", folder / "visits.npy", "--values", "counts").stdout
    for name, likelihood in {"shop": "diagonal_gaussian", "visits": "negative_binomial"}.items():
        text = STUDY.format(likelihood=likelihood).replace('["shop", "visits"]', f'"{name}"')
        (folder / f"{name}.toml").write_text(text)
        typed("bench", folder / f"{name}.toml", "--out", folder / name)
        typed("report", folder / f"{name}.toml", "--out", folder / name)
    return folder


@pytest.mark.parametrize("name", ["shop", "visits"])
def test_what_is_of_images_alone_is_left_out(folder: Path, name: str) -> None:
    (record,) = records(folder / name).values()
    assert OF_IMAGES & record.metrics.keys() == set()
    assert {"elbo_nats", "nll_nats", "recon_mse"} <= record.metrics.keys()
    assert ("silhouette" in record.metrics) == (name == "shop")


def test_scales_are_part_of_the_record(folder: Path) -> None:
    (known,) = store_of(read(str(folder / "shop.toml")), folder / "shop", print).read_datasets()
    assert [column.name for column in known.columns] == ["height", "width", "depth", "price"]
    assert known.log_scale == pytest.approx(sum(np.log(column.scale) for column in known.columns))
    assert f"{known.log_scale:.2f} nats a row lower" in (folder / "shop" / "index.html").read_text()


def test_pictures_are_heat_maps(folder: Path) -> None:
    (record,) = records(folder / "shop").values()
    store = store_of(read(str(folder / "shop.toml")), folder / "shop", print)
    figures = store.read_arrays(record.run_id, Kept.FIGURES)
    assert figures is not None
    assert figures[Figures.RECONSTRUCTIONS].shape == (10, 4)
    assert figures[Figures.COLUMN_NAMES].tolist() == ["height", "width", "depth", "price"]
    page = (folder / "shop" / "index.html").read_text()
    assert "Columns, left to right: height, width, depth, price." in page
    assert "on the left test rows, on the right as many decoded" in page
    assert "which the classifier reads" not in page


def test_likelihoods_that_do_not_fit_are_refused_before_training(folder: Path) -> None:
    (folder / "unfit.toml").write_text(STUDY.format(likelihood="bernoulli"))
    result = CliRunner().invoke(app, ["bench", str(folder / "unfit.toml"), "--out", str(folder / "unfit")])
    assert str(result.exception) == (
        "likelihood 'bernoulli' has no density for shop, which holds real numbers, standardised; choose gaussian, "
        "diagonal_gaussian, student_t"
    )


def test_tables_are_listed(folder: Path) -> None:
    assert json.loads(typed("table", folder / "shop.toml", "--out", folder / "shop", "--format", "json").stdout)
