"""What imports what: dependencies point one way, and heavy packages come only where there is work for them."""

from __future__ import annotations

import ast
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aebench.backends import NAMES

REPO = Path(__file__).resolve().parent.parent
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
# Packages that import nothing heavy, whole; of the others, what plans, lists and prints.
LIGHT_PACKAGES = ("analysis", "cli", "data", "export", "page", "records", "study")
LIGHT_MODULES = (
    "aebench", "aebench.__main__", "aebench.api", "aebench.backends", "aebench.backends.environment",
    "aebench.conformance.plugin", "aebench.harness.execute", "aebench.harness.plan", "aebench.measures",
    "aebench.models", "aebench.workspace",
    *(f"aebench.backends.{name}" for name in NAMES),
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


def modules(package: str) -> dict[str, Path]:
    """The modules of `aebench.<package>`, by name; of models, which lie in a folder of their own."""
    folder = REPO / ("models" if package == "models" else f"suite/{package}")
    paths = [path for path in sorted(folder.rglob("*.py")) if "models" not in path.relative_to(folder).parts]
    assert paths
    names = (".".join(["aebench", package, *path.relative_to(folder).with_suffix("").parts]) for path in paths)
    return {name.removesuffix(".__init__"): path for name, path in zip(names, paths, strict=True)}


def importing(what: str, package: str) -> set[str]:
    """The modules of a package that import `what` or something in it."""
    return {
        name
        for name, path in modules(package).items()
        if any(found == what or found.startswith(f"{what}.") for found in imported(path))
    }


def heavy_imports(python: Callable[..., object], code: str) -> list[str]:
    """Which heavy packages a fresh interpreter holds after `code`."""
    result = python("-c", f"{code}\nimport sys\nprint('heavy:', *({set(HEAVY)!r} & set(sys.modules)))")
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1].split()[1:]


def test_light_modules_import_nothing_heavy(python: Callable[..., object]) -> None:
    light = [*LIGHT_MODULES, *(name for package in LIGHT_PACKAGES for name in modules(package))]
    assert heavy_imports(python, "\n".join(f"import {name}" for name in light)) == []


def test_listing_and_planning_import_no_backend(python: Callable[..., object], tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from aebench import data, study
from aebench.analysis import sources
from aebench.cli import listing
from aebench.harness import plan
from aebench.records.store import Store
from rich.console import Console
data.load("digits")  # reads scikit-learn's copy at its first use
for kind in ("variants", "networks", "studies", "datasets", "metrics"):
    listing.show(kind, Console(quiet=True))
store = Store(Path({str(tmp_path)!r}))
plan.plan(study.read("digits"), "tensorflow", store)
sources.read(study.read("digits"), "tensorflow", store)
"""
    assert not {"keras", "tensorflow", "tensorflow_datasets", "matplotlib"} & set(heavy_imports(python, code))


# What each room may import of the others. Dependencies point one way: from left to right in this list, reversed.
ROOMS: dict[str, set[str]] = {
    "models": set(),
    "records": set(),
    "data": {"models", "records"},
    "measures": {"backends", "data", "models", "records"},
    "study": {"data", "measures", "models", "records"},
    "backends": {"models", "records"},
    "analysis": {"measures", "records", "study"},
    "page": {"analysis", "backends", "measures", "records", "study"},
    "harness": {"backends", "data", "measures", "models", "records", "study"},
    "export": {"analysis", "backends", "data", "harness", "measures", "page", "records", "study"},
    "conformance": {"backends", "data", "harness", "measures", "models", "study"},
    "cli": {"analysis", "backends", "data", "export", "harness", "measures", "page", "records", "study"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_dependencies_point_one_way(room: str) -> None:
    others = {other for other in ROOMS if other != room and importing(f"aebench.{other}", room)}
    assert others <= ROOMS[room], f"{room} imports {sorted(others - ROOMS[room])}"
    for outer in ("api", "workspace"):
        assert room == "cli" or not importing(f"aebench.{outer}", room)


def test_every_room_is_here() -> None:
    folders = {path.parent.name for path in (REPO / "suite").glob("*/__init__.py")}
    assert folders == ROOMS.keys()


def test_engines_and_measures_know_nothing_of_each_other() -> None:
    engine = {name for name in importing("aebench.measures", "harness") if ".engine." in name}
    assert engine == set()
    assert importing("aebench.harness", "measures") == set()


def test_only_the_cohort_and_its_timer_know_engine_and_measures() -> None:
    both = importing("aebench.harness.engine", "harness") & importing("aebench.measures", "harness")
    assert both == {"aebench.harness.cohort", "aebench.harness.timing"}


def test_nothing_but_a_record_asks_for_the_time_of_day() -> None:
    """It is set back and forth: durations, and how old something is, are told by clocks that only go on."""
    asking = {
        path.relative_to(REPO).as_posix()
        for folder in ("suite", "models")
        for path in (REPO / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value).rpartition(".")[2] in {"time", "datetime", "date"}
        and node.attr in {"time", "time_ns", "now", "utcnow", "today", "localtime", "gmtime"}
    }
    assert asking == {"suite/records/record.py"}


@pytest.mark.parametrize("package", ["tensorflow", "jax", "torch"])
def test_a_framework_is_known_to_its_backend_alone(package: str) -> None:
    knowing = {name for room in ROOMS for name in importing(package, room)}
    own = f"aebench.backends.{package}"
    others = {name for name in knowing if name != own and not name.startswith(f"{own}.")}
    assert others == {"aebench.conformance.differentiation"}, "tests of variants take gradients on each"
    assert knowing


@pytest.mark.parametrize("name", ["suite", "models"])
def test_a_second_copy_is_refused_with_one_line_that_says_what_to_import(name: str, python: Callable[..., Any]) -> None:
    found = python("-c", f"import {name}")
    assert found.returncode == 1
    told = {"suite": "import aebench, not suite", "models": "import aebench.models, not models"}[name]
    assert found.stderr.splitlines()[-1].startswith(f"ImportError: {told}")


@pytest.mark.parametrize("room", ["analysis", "cli", "conformance", "export", "measures", "page", "records"])
def test_nothing_generic_knows_a_variant_or_its_setting_by_name(room: str) -> None:
    """A variant that nobody has written yet is treated as these are; what is special is declared."""
    known = {"ae", "vae", "iwae", "beta"}
    found = {
        f"{name}: {node.value!r}"
        for name, path in modules(room).items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in known
    }
    assert found <= {"aebench.records.spec: 'beta'"}, "that one is how a setting's name is written: β"


def test_help_is_instant(suite_command: Callable[..., object]) -> None:
    def seconds() -> float:
        """What it takes of a processor: other tests have theirs."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "bench" in suite_command("--help").stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 1.0


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_are_sentences_that_stand_alone(room: str) -> None:
    """None opens in the middle of one, as "Of each run." does."""
    documented = (ast.FunctionDef, ast.ClassDef)
    opened = {
        f"{name}.{node.name}: {text.splitlines()[0]}"
        for name, path in modules(room).items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, documented)
        and (text := ast.get_docstring(node))
        and text.split()[0] in ("Of", "By", "With")
    }
    assert opened == set()
