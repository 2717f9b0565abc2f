"""A small study, trained once: two variants, one of them of a user's file, two seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import benches
import numpy as np
import pytest
from typer.testing import Result

from aebench import data
from aebench.analysis.sources import Source
from aebench.study import starters
from aebench.workspace import finished

STUDY = """
dataset = "tiny-export"
network = "linear"
seeds = 2
epochs = 3
batch_size = 16
latent_dim = [2, 3]
[[variant]]
name = "ae"
[[variant]]
name = "mine"
file = "mine.py"
kappa = [0.5, 2.0]
"""


@pytest.fixture(scope="session")
def trained(own_cache: Path) -> Path:
    """The folder with `own.toml`, and the records in `out`."""
    folder = own_cache / "export"
    folder.mkdir()
    rng = np.random.default_rng(0)
    arrays = {
        f"{kind}_{split}": rng.integers(0, 3, size) if kind == "y" else (rng.random((size, 8, 8)) < 0.5).astype("uint8")
        for split, size in (("train", 80), ("test", 40))
        for kind in "xy"
    }
    np.savez(folder / "tiny.npz", **arrays)
    data.import_dataset("tiny-export", folder / "tiny.npz")
    (folder / "own.toml").write_text(STUDY)
    (folder / "mine.py").write_text(starters.variant("mine")["mine.py"])
    result = _bench(folder / "own.toml", folder / "out")
    assert result.exit_code == 0, result.output
    return folder


TABLE = """
dataset = "wine"
network = "linear"
likelihood = "diagonal_gaussian"
seeds = 1
epochs = 2
batch_size = 16
latent_dim = 3
[[variant]]
name = "ae"
"""


@pytest.fixture(scope="session")
def of_rows(own_cache: Path) -> Source:
    """A run on vectors."""
    folder = own_cache / "export-rows"
    folder.mkdir()
    (folder / "rows.toml").write_text(TABLE)
    result = _bench(folder / "rows.toml", folder / "out")
    assert result.exit_code == 0, result.output
    (found,) = finished(str(folder / "rows.toml"), "tensorflow", folder / "out")
    return found


def _bench(study: Path, out: Path) -> Result:
    """What is exported are numbers and pictures, whichever."""
    with pytest.MonkeyPatch.context() as patch:
        benches.measure_little(patch, "pictures")
        return benches.bench(study, out)


@pytest.fixture(scope="session")
def trained_source(trained: Path) -> Source:
    (found,) = finished(str(trained / "own.toml"), "tensorflow", trained / "out")
    return found


@pytest.fixture
def source(trained_source: Source) -> Source:
    return replace(trained_source)
