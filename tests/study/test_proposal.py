"""Proposed studies: what is chosen for which data, and that what is written can be run as it is."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import benches
import numpy as np
import pytest
from sklearn.decomposition import PCA
from typer.testing import CliRunner

from aebench import data, study
from aebench.cli.app import app
from aebench.errors import UserError
from aebench.study import proposal

RNG = np.random.default_rng(0)
BINARY = (RNG.random((120, 8, 8)) < 0.3).astype("uint8")
INK = np.where(RNG.random((120, 8, 8)) < 0.8, BINARY, RNG.random((120, 8, 8))).astype("float32")
GREY = RNG.random((120, 8, 8)).astype("float32")
COLOUR = RNG.random((120, 16, 16, 3)).astype("float32")
BYTES = (255 * COLOUR).astype("uint8")
LARGE = INK[:, np.arange(40) % 8][:, :, np.arange(40) % 8]
LABELS = np.arange(120) % 3


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """imported(images, labels=None) -> an npz of them; the data cache and the folder are empty."""
    monkeypatch.setenv("AEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def write(images: np.ndarray, labels: np.ndarray | None = None) -> Path:
        path = tmp_path / "My Data.npz"
        known = {} if labels is None else {"y_train": labels, "y_test": labels[:40]}
        np.savez(path, x_train=images, x_test=images[:40], **known)
        return path

    return write


def init(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["init", *map(str, arguments)])
    assert result.exit_code == 0, result.output or result.exception
    return result.stdout


def proposed(path: Path) -> dict[str, Any]:
    init(path)
    return tomllib.loads(Path("my-data.toml").read_text())


CHOICES = {
    "binary": (BINARY, "bernoulli", "mlp-256"),
    "ink": (INK, "bernoulli", "mlp-256"),
    "grey": (GREY, "gaussian", "mlp-256"),
    "colour": (COLOUR, "gaussian", "conv"),
    "bytes": (BYTES, "discretised_logistics", "conv"),
    "little": (BYTES[:, :8, :8], "discretised_logistics", "mlp-256"),
    "large": (LARGE, "bernoulli", "conv"),
}


@pytest.mark.parametrize("kind", CHOICES)
def test_likelihood_and_network_follow_from_what_the_data_look_like(kind: str, imported: Callable[..., Path]) -> None:
    images, likelihood, network = CHOICES[kind]
    table = proposed(imported(images))
    assert (table["likelihood"], table["network"]) == (likelihood, network)
    assert study.read("my-data.toml").datasets == ("my-data",)


@pytest.mark.parametrize(("steps", "network"), [(12, "mlp-256"), (64, "conv1d")])
def test_long_series_are_proposed_convolutions_over_time(steps: int, network: str, imported: Any) -> None:
    told = init(imported(RNG.normal(size=(120, steps, 2)).cumsum(axis=1)), "--series")
    assert told.endswith("aebench bench my-data.toml\n")
    table = tomllib.loads(text := Path("my-data.toml").read_text())
    assert (table["likelihood"], table["network"]) == ("diagonal_gaussian", network)
    assert "take it in with --series" not in text
    assert f"96 training, 24 validation and 40 test series of {steps}x2" in " ".join(text.replace("#", "").split())


@pytest.mark.parametrize("name", ["digits", "wine", "stock_years"])
def test_the_largest_code_holds_most_of_the_variance(name: str) -> None:
    known = data.load(name)
    shown = known.train.pixels()[: proposal.LOOKED_AT]
    held = np.cumsum(PCA().fit(shown.reshape(len(shown), -1)).explained_variance_ratio_)
    components = proposal.look(known).components
    assert held[components - 2] < proposal.SHARE <= held[components - 1]
    largest = tomllib.loads(proposal.propose(known, "x.toml"))["latent_dim"][-1]
    assert components <= largest < 2 * components


def test_images_that_are_all_the_same_have_a_study_too(imported: Callable[..., Path]) -> None:
    assert proposed(imported(np.full((120, 8, 8), 0.25, "float32")))["latent_dim"] == [1]


@pytest.mark.parametrize(("items", "epochs"), [(400, 200), (8000, 110), (50000, 20)])
def test_training_takes_about_as_many_steps_whatever_the_number_of_items(
    items: int, epochs: int, imported: Callable[..., Path]
) -> None:
    init(imported(np.tile(BINARY[:100], (items // 100, 1, 1))))
    (found,) = {grid.axes["epochs"] for grid in study.read("my-data.toml").grids}
    assert found == (epochs,)


def test_two_greys_are_not_black_and_white(imported: Callable[..., Path]) -> None:
    assert proposed(imported(np.where(BINARY, 0.3, 0.6).astype("float32")))["likelihood"] == "gaussian"


def test_what_is_asked_depends_on_labels(imported: Callable[..., Path]) -> None:
    path = imported(INK, LABELS)
    assert proposed(path)["contrast"][0]["metrics"] == ["silhouette", "recon_mse"]
    unlabelled = proposal.propose(data.import_dataset("bare", imported(INK)), "bare.toml")
    assert tomllib.loads(unlabelled)["contrast"][0]["metrics"] == ["recon_mse"]
    assert "no labels" in unlabelled


def test_a_batch_never_holds_more_than_half_of_very_few_items(imported: Callable[..., Path]) -> None:
    path = imported(INK[:20])
    table = proposed(path)
    assert 1 <= table["batch_size"] <= len(data.load("my-data").train) / 2


def test_the_study_runs_as_it_is(imported: Callable[..., Path], tmp_path: Path) -> None:
    told = init(imported(INK, LABELS), "-o", "first.toml")
    assert told.splitlines()[-1] == "first.toml; train it with: aebench bench first.toml"
    only = "seed == 0 and latent_dim == 2 and (variant == 'ae' or beta == 4)"
    result = benches.bench(tmp_path / "first.toml", tmp_path / "out", "--only", only)
    assert result.exit_code == 0, result.output
    assert {record.spec.variant for record in benches.records(tmp_path / "out").values()} == {"ae", "vae"}


def test_a_study_of_a_built_in_data_set_keeps_out_of_that_study_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    init("digits")
    assert study.read("digits.toml").name == "my-digits"


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["init", *map(str, arguments)])
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


def test_nothing_is_overwritten_or_guessed(imported: Callable[..., Path]) -> None:
    path = imported(INK)
    Path("my-data.toml").write_text("mine")
    assert "is there already; give another name with -o" in refused(path)
    assert "must end in .toml" in refused(path, "-o", "study.json")
    assert "did you mean 'digits'" in refused("digit", "-o", "x.toml")
    assert Path("my-data.toml").read_text() == "mine"
    assert "my-data" not in data.known()


WHOLE = RNG.poisson([1.0, 5.0, 50.0], (90, 3))
NUMBERS = {
    "whole numbers": (WHOLE, "real", "diagonal_gaussian", True),
    "numbers": (WHOLE - 0.5, "real", "diagonal_gaussian", False),
    "counts": (WHOLE, "counts", "negative_binomial", False),
    "binary": ((WHOLE - WHOLE.mean(axis=0)) > 0, "unit", "bernoulli", False),
    "shares": (WHOLE / 100, "unit", "diagonal_gaussian", False),
    "two shares": (0.2 + 0.6 * (WHOLE - WHOLE.mean(axis=0) > 0), "unit", "diagonal_gaussian", False),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_study_of_vectors_fits_their_values_and_can_be_run_as_it_is(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, of, likelihood, asked = NUMBERS[kind]
    monkeypatch.chdir(tmp_path)
    np.save("visits.npy", values.astype(float))
    data.import_dataset(f"{kind.replace(' ', '-')}-{of}", Path("visits.npy"), values=of)
    init(f"{kind.replace(' ', '-')}-{of}", "-o", "visits.toml")
    text = Path("visits.toml").read_text()
    assert tomllib.loads(text)["likelihood"] == likelihood
    assert ("if they are counts" in " ".join(text.replace("#", "").split())) == asked
    result = CliRunner().invoke(app, ["bench", "visits.toml", "--dry-run"])
    assert result.exit_code == 0, result.exception


def test_a_table_is_read_as_its_columns_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{at},{at % 7},{x:.4f},{y},{'ab'[at % 2]},{z:.3f}" for at, (x, y, z) in enumerate(rng.random((90, 3)))]
    Path("flowers.csv").write_text("\n".join(["number,day,length,width,kind,weight", *rows]))
    assert "columns that are no numbers: 'kind'; name them with --label" in refused("flowers.csv")
    rest = "--factors", "weight", "--values", "unit"
    init("flowers.csv", "--label", "kind", "--ignore", "number", "--ignore", "day", *rest)
    flowers = data.load("flowers")
    assert flowers.class_names == ("a", "b")
    assert [column.name for column in flowers.columns] == ["length", "width"]
    assert [factor.name for factor in flowers.factors] == ["weight"]
    assert flowers.values == "unit"
    assert study.read("flowers.toml").datasets == ("flowers",)
    told = refused("flowers", "--label", "kind", "--series", "-o", "again.toml")
    assert told == "flowers is a data set that is known already; --label, --series is for files"
