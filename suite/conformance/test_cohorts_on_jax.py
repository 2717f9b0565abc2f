"""The same on JAX, whichever backend the other tests run on."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import keras
import pytest

COMMAND = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "aebench.conformance.plugin"]
# Two thirds of a test's time is XLA's, and these programs run twice.
QUICK = "--xla_backend_optimization_level=0"


@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="this is JAX")
def test_members_agree_on_jax(request: pytest.FixtureRequest) -> None:
    """All variants of the user's files together, by another pytest."""
    files = [part for name in request.config.getoption("--variants") for part in ("--variants", name)]
    if not files:
        pytest.skip("aebench's own are many: KERAS_BACKEND=jax pytest --pyargs aebench.conformance.test_cohorts")
    done = subprocess.run(
        [*COMMAND, "--pyargs", "aebench.conformance.test_cohorts", *files],
        cwd=request.config.invocation_params.dir,
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {QUICK}".strip()},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
