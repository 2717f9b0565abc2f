"""Data that say nothing: the commands go through, and tell what has no answer."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from aebench.cli.app import app

STUDY = """
name = "odd"
dataset = "odd"
network = "mlp-256"
seeds = 1
epochs = 2
batch_size = 8
latent_dim = 9
timed_batch_sizes = [2]
[[variant]]
name = "vae"
beta = 1.0
"""


def typed(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output or result.exception
    return result.stdout


def test_images_that_are_all_alike_of_one_class_and_smaller_than_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As few of them as may be, too: 20 to train on, 2 to test."""
    monkeypatch.setenv("AEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    sizes = {"train": 20, "test": 2}
    images = {f"x_{split}": np.ones((count, 2, 2), "uint8") for split, count in sizes.items()}
    np.savez("odd.npz", **images, **{f"y_{split}": np.zeros(count, int) for split, count in sizes.items()})
    Path("odd.toml").write_text(STUDY, encoding="utf-8")
    typed("data", "import", "odd", "odd.npz")
    assert "trained at" in typed("bench", "odd.toml")
    page = Path(typed("report", "odd.toml").split()[-1]).read_text(encoding="utf-8")
    shown = re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert "no latent unit is active" in shown
    assert not re.findall(r"\b(nan|inf|None)\b", shown)
