"""Ours against published: what is asked in a study's file, and how a study's numbers are held against it."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from aebench import study as studies
from aebench.analysis.configurations import compare
from aebench.analysis.known_values import Held, hold
from aebench.cli.tables import print_held
from aebench.errors import UserError

GRID = """
dataset = "digits"
seeds = 2
epochs = 3
latent_dim = [2, 4]

[measure]
nll_budget = 500

[[variant]]
name = "vae"

[[expected]]
title = "an ELBO that somebody published"
variant = "vae"
settings = { latent_dim = 2 }
metric = "elbo_nats"
value = -20.0
low = -0.5
high = 1.0
source = "a paper"
note = "shorter"
"""
REFERENCE = 'reference = "silhouette_pca"'


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Any]:
    def read_(text: str) -> Any:
        path = tmp_path / "held.toml"
        path.write_text(text)
        return studies.read(str(path))

    return read_


@pytest.fixture
def held(read, make_record, expand) -> Callable[..., tuple[Held, ...]]:
    """held(text, elbos) -> the study's runs with these ELBOs by seed, held against what its file expects."""

    def held_(text: str, elbos: dict[int, float]) -> tuple[Held, ...]:
        study = read(text)
        specs = expand(study)
        made = [make_record(spec, elbo_nats=elbos[spec.seed]) for spec in specs if spec.seed in elbos]
        return hold(compare(study, specs, {record.run_id: record for record in made}), study.expectations)

    return held_


@pytest.mark.parametrize(
    ("elbos", "result", "mean"),
    [
        ({0: -20.4, 1: -20.4}, "pass", -0.4),
        ({0: -20.6, 1: -20.6}, "fail", -0.6),
        ({0: -18.5, 1: -18.9}, "fail", 1.3),
        ({0: -21.0, 1: -19.2}, "pass", -0.1),
        ({1: -19.1}, "pass", 0.9),
        ({}, "not run", None),
    ],
)
def test_the_mean_over_seeds_decides(held, elbos, result, mean):
    (row,) = held(GRID, elbos)
    assert (row.result, row.known, row.ours.n) == (result, -20.0, len(elbos))
    assert row.difference.mean == (None if mean is None else pytest.approx(mean))


def test_a_reference_is_taken_from_the_same_run(held):
    text = GRID.replace("value = -20.0", REFERENCE).replace('"elbo_nats"', '"silhouette"')
    (row,) = held(text, {0: -20.0, 1: -20.0})
    assert row.difference.mean == pytest.approx(row.ours.mean - row.known)


def test_every_configuration_that_is_meant_has_a_row_and_one_that_is_not_there_says_so(held):
    everything = held(GRID.replace("settings = { latent_dim = 2 }\n", ""), {0: -20.0})
    assert [row.label for row in everything] == ["VAE β=1 z=2", "VAE β=1 z=4"]
    (nothing,) = held(GRID.replace("{ latent_dim = 2 }", "{ latent_dim = 16 }"), {0: -20.0})
    assert (nothing.result, nothing.label) == ("not run", "vae")


@pytest.mark.parametrize(
    ("given", "instead", "told"),
    [
        ('"elbo_nats"', '"elbow"', "expected 1: Value error, unknown metric 'elbow'; known: "),
        ("low = -0.5", "low = 2.0", "'low' 2 is above 'high' 1"),
        ("value = -20.0", "", "give either 'value' or 'reference'"),
        ("value = -20.0", f"value = 1.0\n{REFERENCE}", "give either 'value' or 'reference'"),
        ('source = "a paper"', "", "expected 1: source: Field required"),
        ("low = -0.5", "lower = -0.5", "unknown key 'lower'; known: title, variant"),
        ("low = -0.5", 'low = "much"', "expected 1: low: Input should be a valid number"),
        ("nll_budget = 500", "nll_budget = 9", "measure: nll_budget: Input should be greater than or equal to 64"),
        ("nll_budget = 500", "nll_samples = 5", "unknown key 'nll_samples'; known: nll_tolerance, nll_budget"),
        ("[measure]\nnll_budget = 500", "measure = 3", "measure: 3 is not a table"),
        ("[[expected]]", "[expected]", "is not a list of tables; write [[expected]]"),
    ],
)
def test_a_mistake_in_the_file_is_told_in_one_line(read, given, instead, told):
    assert given in GRID
    with pytest.raises(UserError) as error:
        read(GRID.replace(given, instead))
    assert told in str(error.value)
    assert "held.toml: " in str(error.value)
    assert "\n" not in str(error.value)


def test_what_a_study_measures_decides_no_run_s_identity(read, expand):
    one, other = (expand(read(GRID.replace("500", codes))) for codes in ("500", "64"))
    assert one == other
    assert read(GRID).measures.nll_budget == 500


def test_the_command_line_s_table_says_ours_known_and_the_result(held):
    console = Console(width=200, record=True, file=StringIO())
    print_held(console, held(GRID, {0: -20.4, 1: -20.6}))
    told = console.export_text()
    for cell in ("an ELBO that somebody published", "VAE β=1 z=2", "-20.5", "-20.00", "-0.500", "-0.5 to +1", "pass"):
        assert cell in told
    assert "a paper; shorter" in told
