"""The Python interface, as in a notebook: in a folder that has packages `models` and `suite` of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SIZES = {"train": 80, "test": 40}
REPO = Path(__file__).resolve().parent.parent
STUDY = """
dataset = "tiny"
network = "linear"
seeds = 2
epochs = 2
batch_size = 32
latent_dim = 2
[[variant]]
name = "ae"
[[variant]]
name = "mine"
file = "mine.py"
"""
MINE = '''
import models
from aebench.models import VAE, register


@register("mine", version=1)
class Mine(VAE):
    """A variant that uses its author's own package `models`."""

    weight = models.WEIGHT
'''
NOTEBOOK = """
import numpy as np

import aebench
from aebench import data
from aebench.harness import plan

data.import_dataset("tiny", "tiny.npz")
plan.timing_specs = lambda *_: []
found = aebench.bench("own.toml", out="out")
page = aebench.report("own.toml", out="out")
runs = aebench.open("own.toml", out="out").frame()
(model,) = found.models(variant="mine", seed=1).values()
print(type(model).__name__, model.encode(np.zeros((3, 8, 8, 1))).mean.shape)
print(found.folder, page, runs.shape[0], sorted(set(runs["variant"])), bool(runs["recon_mse"].notna().all()))
again = aebench.bench("own.toml", out="out")
import models, suite
print(models.WEIGHT, suite.NAME)
try:
    aebench.open("digits", out="elsewhere")
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for package, content in (("models", "WEIGHT = 3.0"), ("suite", 'NAME = "mine"')):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(content)
    (tmp_path / "own.toml").write_text(STUDY)
    (tmp_path / "mine.py").write_text(MINE)
    rng = np.random.default_rng(0)
    images = {f"x_{split}": rng.integers(0, 256, (count, 8, 8), np.uint8) for split, count in SIZES.items()}
    np.savez(tmp_path / "tiny.npz", **images)
    return tmp_path


def test_a_notebook_benches_reports_and_loads_runs(folder: Path, own_cache: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert f"out {Path('out/index.html')} 4 ['ae', 'mine'] True" in lines
    assert "Mine (3, 2)" in lines
    assert "3.0 mine" in lines
    assert lines[-1].startswith(
        "UserError no finished runs of study 'digits' in elsewhere; train some with: aebench bench digits"
    )
    assert sum(line.startswith("[4/4]") for line in lines) == 1, "the second bench trained nothing"
    assert (folder / "out" / "index.html").stat().st_size > 100_000
