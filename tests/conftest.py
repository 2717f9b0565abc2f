"""What tests of several packages share: a data cache of their own, and the real command line."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# Before any library reads them. TensorFlow is as a bench has it, also where a test imports it first. On a busy machine
# the threads of OpenMP (in t-SNE) spend ten times the work's time in waiting for each other. And pytest-xdist's
# processes have the cores between them, each for one thread.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    for one in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(one, "1")

import pytest

pytest_plugins = ["asked", "browser", "made_up"]
REPO = Path(__file__).resolve().parent.parent
Finished = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test sees, or fills, the data sets of whoever runs it."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AEBENCH_CACHE", str(folder / "cache"))
        patch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
        # pytest-xdist tells its workers how wide the terminal is, and tables would be cut to that.
        patch.delenv("COLUMNS", raising=False)
        yield folder


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A shell starts what it puts in the background with interrupts ignored, and every child would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def python(own_cache: Path) -> Callable[..., Finished]:
    """python(*arguments, **environment) -> that command in a subprocess, in the repository's folder."""

    def run(*arguments: object, **environment: str) -> Finished:
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=REPO,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def suite_command(python: Callable[..., Finished]) -> Callable[..., Finished]:
    """suite_command(*arguments, **environment) -> `python -m aebench` with these arguments, in a subprocess."""
    return lambda *arguments, **environment: python("-m", "aebench", *arguments, **environment)


@pytest.fixture
def in_float64() -> Iterator[None]:
    """See `rounding.float64`."""
    import rounding

    with rounding.float64():
        yield


def pytest_collection_finish() -> None:
    """What is imported stays: to search it for garbage again and again, as graphs grow, is a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--benchmark-only`, leaves out the other tests instead of listing each as skipped."""
    if not config.getoption("--benchmark-only"):
        return
    timed = [item for item in items if "benchmark" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in timed])
    items[:] = timed
