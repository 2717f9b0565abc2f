"""What imports what: dependencies point one way, and heavy packages come only where there is work for them."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent.parent
HEAVY = (
    "keras",
    "tensorflow",
    "tensorflow_datasets",
    "jax",
    "torch",
    "sklearn",
    "matplotlib",
    "seaborn",
    "scipy",
    "pandas",
)
LIGHT = (
    "spec", "record", "store", "study", "schedule", "compare", "report", "data", "variants", "environment", "tables",
    "listing", "watch", "rates", "sides", "ratios", "__main__",
)  # fmt: skip


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere, `from a import b` as both `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def importing(package: str, folder: str) -> set[str]:
    """The files below `folder` that import `package` or something in it."""
    paths = sorted((REPO / folder).rglob("*.py"))
    assert paths
    return {
        str(path.relative_to(REPO))
        for path in paths
        if any(name == package or name.startswith(f"{package}.") for name in imported(path))
    }


def heavy_imports(python: Callable[..., object], code: str) -> list[str]:
    """Which heavy packages a fresh interpreter holds after `code`."""
    result = python("-c", f"{code}\nimport sys\nprint('heavy:', *({set(HEAVY)!r} & set(sys.modules)))")
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1].split()[1:]


def test_light_modules_import_nothing_heavy(python: Callable[..., object]) -> None:
    code = "\n".join(f"import suite.{module}" for module in LIGHT)
    assert heavy_imports(python, f"{code}\nimport models") == []


def test_listing_and_planning_import_no_backend(python: Callable[..., object], tmp_path: Path) -> None:
    code = f"""
from suite import data, listing, schedule, store, study
from rich.console import Console
data.load("digits")  # reads scikit-learn's copy at its first use
for kind in ("variants", "studies", "datasets", "metrics"):
    listing.show(kind, Console(quiet=True))
schedule.plan(study.read("digits"), "tensorflow", store.Store(__import__("pathlib").Path({str(tmp_path)!r})))
"""
    assert not {"keras", "tensorflow", "tensorflow_datasets", "matplotlib"} & set(heavy_imports(python, code))


def test_models_know_nothing_of_the_suite() -> None:
    assert importing("suite", "models") == set()


def test_engines_and_measures_know_nothing_of_each_other() -> None:
    assert importing("suite.engine", "suite/measure") == set()
    assert importing("suite.measure", "suite/engine") == set()
    assert importing("suite.run", "suite/engine") | importing("suite.run", "suite/measure") == set()


def test_only_run_knows_engine_and_measures() -> None:
    outside = importing("suite.engine", "suite") & importing("suite.measure", "suite")
    assert outside == {"suite/run.py"}


@pytest.mark.parametrize("package", ["tensorflow", "jax", "torch"])
def test_models_run_on_every_backend(package: str) -> None:
    assert importing(package, "models") == set()


def test_help_is_instant(suite_command: Callable[..., object]) -> None:
    def seconds() -> float:
        start = time.perf_counter()
        assert "bench" in suite_command("--help").stdout
        return time.perf_counter() - start

    assert min(seconds() for _ in range(3)) < 1.0
