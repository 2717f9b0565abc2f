"""Every test of the data package has a cache of its own and sees no prepared data set of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    return tmp_path / "cache" / "datasets"


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """A small labelled set of 5x7 images in the layout of Keras's npz files."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (60, 5, 7), dtype=np.uint8),
        "y_train": np.arange(60) % 3,
        "x_test": rng.integers(0, 256, (12, 5, 7), dtype=np.uint8),
        "y_test": np.arange(12) % 3,
    }


@pytest.fixture
def npz(tmp_path: Path):
    """Writes arrays as an npz file and returns its path."""

    def write(arrays: dict[str, np.ndarray]) -> Path:
        np.savez(tmp_path / "images.npz", **arrays)
        return tmp_path / "images.npz"

    return write


@pytest.fixture
def published() -> Path:
    """The folder with `mnist/` and `binarized_mnist/` as published."""
    folder = os.environ.get("AEBENCH_TEST_DATA")
    if not folder or not Path(folder, "mnist").is_dir():
        pytest.skip("AEBENCH_TEST_DATA names no folder with mnist/ and binarized_mnist/")
    return Path(folder)
