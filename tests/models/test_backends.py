"""Variants train, save and load on every backend that is installed, each in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
import keras
import numpy as np
from aebench.models import VAE

assert keras.backend.backend() == sys.argv[1]
images = (np.random.default_rng(0).random((64, 8, 8, 1)) < 0.3).astype("float32")
model = VAE(2, beta=0.5, network="linear", likelihood="gaussian", seed=1)
model.adapt(images)
model.compile(optimizer=keras.optimizers.Adam(1e-2, epsilon=1e-8), jit_compile=sys.argv[1] == "jax")
history = model.fit(images, batch_size=32, epochs=5, verbose=0).history
model.save(sys.argv[2])
loaded = keras.saving.load_model(sys.argv[2])
terms = [keras.ops.convert_to_numpy(m.terms(images).objective).tolist() for m in (model, loaded)]
print(json.dumps({"loss": history["loss"], "terms": terms}))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_fit_save_and_load(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"backend {backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, backend, str(tmp_path / "model.keras")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    saved, loaded = found["terms"]
    assert found["loss"][-1] < found["loss"][0]
    assert loaded == saved
