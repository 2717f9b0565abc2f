"""What tells engines apart most, on JAX too; the tests beside this one all run there by `KERAS_BACKEND=jax`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import keras
import pytest

XLA_FLAGS = "--xla_backend_optimization_level=1 --xla_force_host_platform_device_count=2"  # as the suite sets them
CHOSEN = (
    "batches_and_the_noise or (agree_with_the_run_alone and vae and not iwae) "
    "or (vectorised and leaves_the_others) or (sequential and crash and epoch)"
)


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="backend jax is not installed")
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="this is JAX")
def test_engines_agree_and_survive_on_jax(python):
    here = Path(__file__).parent
    files = [here / "test_agreement.py", here / "test_engines.py"]
    found = python("-m", "pytest", "-q", *files, "-k", CHOSEN, KERAS_BACKEND="jax", XLA_FLAGS=XLA_FLAGS)
    assert found.returncode == 0, found.stdout
    assert "4 passed" in found.stdout
