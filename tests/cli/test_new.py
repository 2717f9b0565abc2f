"""`aebench new`: what is written is found by a study, and nothing is overwritten. That it works: tests/conformance."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aebench import study
from aebench.cli.app import app
from aebench.errors import UserError

GRID = 'dataset = "digits"\nseeds = 1\nepochs = 1\nlatent_dim = 2\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def new(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["new", *arguments])
    assert result.exit_code == 0, result.output or result.exception
    return result.stdout


def told_tables(told: str) -> str:
    """What it says belongs into a study."""
    return re.sub(r"^ {4}", "", told.split("In a study:\n")[1], flags=re.MULTILINE)


def test_a_variant_is_found_by_a_study_as_it_is_told() -> None:
    Path("own.toml").write_text(GRID + told_tables(new("variant", "sharp-vae")))
    read = study.read("own.toml")
    assert len(read.expand({"digits": ""}, "tensorflow")) == 2
    assert read.declaration("sharp-vae").scalars == {"beta": 1.0, "kappa": 0.01}
    assert read.declaration("sharp-vae").about.startswith("VAE whose")


def test_a_network_is_found_by_a_study_as_it_is_told() -> None:
    Path("own.toml").write_text(GRID + told_tables(new("network", "small_net")) + '\n[[variant]]\nname = "ae"\n')
    assert [network.name for network in study.read("own.toml").networks.values()] == ["small_net"]


def test_another_folder_may_be_named() -> None:
    new("variant", "sharp-vae", "--dir", "mine")
    assert sorted(path.name for path in Path("mine").iterdir()) == ["sharp_vae.py", "test_sharp_vae.py"]


REFUSED = {
    "taken": (("variant", "iwae"), "there is a variant 'iwae' already, see `aebench list variants`"),
    "taken network": (("network", "mlp"), "there is a network 'mlp' already, see `aebench list networks`"),
    "capitals": (("variant", "MyVAE"), "variant name 'MyVAE'; allowed: lower-case letters"),
    "a word of Python's": (("network", "lambda"), "no word of Python's"),
    "a path": (("variant", "../vae"), "as in 'my-variant'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_unsuitable_name_is_refused(case: str) -> None:
    arguments, message = REFUSED[case]
    result = CliRunner().invoke(app, ["new", *arguments])
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)
    assert [*Path().iterdir()] == []


@pytest.mark.parametrize("there", ["sharp_vae.py", "test_sharp_vae.py"])
def test_nothing_is_overwritten(there: str) -> None:
    Path(there).write_text("mine")
    result = CliRunner().invoke(app, ["new", "variant", "sharp-vae"])
    assert isinstance(result.exception, UserError)
    assert f"{there} is there already" in str(result.exception)
    assert [path.name for path in Path().iterdir()] == [there]
    assert Path(there).read_text() == "mine"
