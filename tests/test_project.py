"""The project's set-up: Makefile, pyproject.toml, constraints.txt and what git tracks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONSTRAINTS = (ROOT / "constraints.txt").read_text().splitlines()
PINS = [Requirement(line) for line in CONSTRAINTS if not line.startswith("#")]

# Stands in for Python in an environment: notes its arguments, and fails where `fails` holds a word of them.
RECORDER = """#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/calls"
case "$*" in *"$(cat "$here/fails")"*) echo "ERROR: no such package" >&2; exit 1;; esac
"""

# Stands in for the Python that makes an environment: `-c` asks whether it can, any other call makes it.
MAKER = """#!/bin/sh
[ "$1" = -c ] || { echo made; cp "$(dirname "$0")/recorder" .venv/bin/python; }
"""

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


class Checkout:
    """A folder with the Makefile and an environment whose Python only notes how it was called."""

    def __init__(self, root: Path, environment: str = ".venv") -> None:
        self.root = root
        self.bin = root / environment / "bin"
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, root)
        self.bin.mkdir(parents=True)
        script(self.bin / "python", RECORDER)
        self.fail("nothing that is ever called")

    def fail(self, word: str) -> None:
        (self.bin / "fails").write_text(word)

    def make(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments],
            cwd=self.root,
            env={"PATH": os.environ["PATH"], **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self) -> list[str]:
        """How Python was called since the last time this was asked."""
        path = self.bin / "calls"
        calls = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return calls

    @property
    def stamps(self) -> set[str]:
        return {path.name for path in self.bin.parent.glob(".aebench-*")}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def installs(calls: list[str]) -> list[str]:
    return [call for call in calls if "pip install" in call]


@needs_make
@pytest.mark.parametrize("target", ["bench", "report", "test", "perf", "lint", "docs"])
def test_sets_up_once(checkout: Checkout, target: str) -> None:
    assert checkout.make(target).returncode == 0
    assert len(installs(checkout.calls())) == 1
    second = checkout.make(target)
    assert second.returncode == 0, second.stderr
    calls = checkout.calls()
    assert calls
    assert not any("pip" in call for call in calls)


@needs_make
def test_a_dry_run_shows_pip_only_when_needed(checkout: Checkout) -> None:
    assert "pip install" in checkout.make("-n", "bench").stdout
    assert checkout.calls() == []
    (checkout.root / ".venv" / ".aebench-tensorflow").touch()
    assert "pip" not in checkout.make("-n", "bench").stdout


@needs_make
@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "Makefile"])
def test_sets_up_again_when_what_it_asks_for_has_changed(checkout: Checkout, name: str) -> None:
    checkout.make("bench")
    checkout.calls()
    newer = (checkout.root / ".venv" / ".aebench-tensorflow").stat().st_mtime + 1
    os.utime(checkout.root / name, (newer, newer))
    checkout.make("bench")
    assert len(installs(checkout.calls())) == 1


@needs_make
def test_failed_set_up_leaves_no_stamp_and_is_taken_up_again(checkout: Checkout) -> None:
    checkout.fail("pip install")
    failed = checkout.make("bench")
    assert failed.returncode != 0
    assert "ERROR: no such package" in failed.stderr
    assert "run make again" in failed.stderr
    assert checkout.stamps == set()
    assert not any("aebench bench" in call for call in checkout.calls())
    checkout.fail("nothing that is ever called")
    assert checkout.make("bench").returncode == 0
    assert checkout.stamps == {".aebench-tensorflow"}


@needs_make
def test_a_backend_adds_its_extra_and_covers_tensorflow(checkout: Checkout) -> None:
    checkout.make("bench")
    checkout.calls()
    checkout.make("bench", "BACKEND=jax", "STUDY=smoke", "OUT=some where")
    calls = checkout.calls()
    assert re.search(r"\.\[(cpu,jax|gpu,jax-gpu)\]$", installs(calls)[0])
    assert calls[-1] == "-m aebench bench smoke --backend jax --out some where"
    checkout.make("report", "BACKEND=tensorflow")
    assert checkout.calls() == ["-m aebench report digits --backend tensorflow"]


@needs_make
def test_the_backend_of_the_environment_is_set_up_too(checkout: Checkout) -> None:
    assert checkout.make("bench", KERAS_BACKEND="jax").returncode == 0
    assert checkout.stamps == {".aebench-tensorflow", ".aebench-jax"}
    assert checkout.calls()[-1] == "-m aebench bench digits --backend jax"


@needs_make
def test_extras_that_make_asks_for_are_declared(checkout: Checkout) -> None:
    asked = set()
    for arguments in (["bench"], ["bench", "BACKEND=jax"], ["bench", "BACKEND=torch"], ["docs"], ["test"]):
        shown = re.search(r"-e '\.\[(.*?)\]'", checkout.make("-n", *arguments).stdout)
        assert shown is not None
        asked |= set(shown[1].split(","))
    assert {"torch", "dask", "slurm", "docs", "dev"} < asked <= set(PROJECT["project"]["optional-dependencies"])


@needs_make
def test_unknown_backend_is_one_clear_line(checkout: Checkout) -> None:
    failed = checkout.make("bench", "BACKEND=jaxx")
    assert failed.returncode == 2
    assert "unknown BACKEND 'jaxx'; known: tensorflow, jax, torch" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


@needs_make
@pytest.mark.parametrize(
    ("given", "extra", "asked"),
    [
        ("WORKERS=4", None, "--workers 4"),
        ("SCHEDULER=tcp://host:8786", "dask", "--scheduler tcp://host:8786"),
        ("SLURM=partition=gpu time=60", "slurm", "--slurm partition=gpu time=60"),
    ],
)
def test_a_place_to_train_at_is_passed_on_with_its_extra(
    checkout: Checkout, given: str, extra: str | None, asked: str
) -> None:
    assert checkout.make("bench", given).returncode == 0
    calls = checkout.calls()
    assert calls[-1] == f"-m aebench bench digits {asked}"
    assert [call for call in installs(calls) if call.endswith(f".[{extra}]")] == installs(calls)[1:]
    assert len(installs(calls)) == (2 if extra else 1)


@needs_make
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["WORKERS=0"], "WORKERS is a number of processes, 1 or more, and was '0'"),
        (["WORKERS=two"], "WORKERS is a number of processes, 1 or more, and was 'two'"),
        (["SCHEDULER=host"], "SCHEDULER is an address of a Dask scheduler, such as tcp://host:8786, and was 'host'"),
        (["SLURM=gpu"], "SLURM is options of a job, such as 'partition=gpu time=60', and was 'gpu'"),
        (["WORKERS=2", "SLURM=time=5"], "WORKERS SLURM are different places to train at; give one of them"),
    ],
)
def test_a_place_that_is_none_is_one_clear_line(checkout: Checkout, given: list[str], told: str) -> None:
    failed = checkout.make("bench", *given)
    assert failed.returncode == 2
    assert told in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


@needs_make
def test_uses_the_active_environment(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "elsewhere")
    active = str(tmp_path / "elsewhere")
    assert checkout.make("bench", VIRTUAL_ENV=active).returncode == 0
    assert checkout.calls()[-1] == "-m aebench bench digits"
    assert checkout.stamps == {".aebench-tensorflow"}
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_works_in_a_folder_with_a_space_in_its_name(tmp_path: Path) -> None:
    root = tmp_path / "my code"
    root.mkdir()
    checkout = Checkout(root)
    for variables in ({}, {"VIRTUAL_ENV": str(root / ".venv")}):
        done = checkout.make("bench", **variables)
        assert done.returncode == 0, done.stderr
    assert len(installs(checkout.calls())) == 1


@needs_make
def test_a_broken_environment_is_made_anew(checkout: Checkout) -> None:
    checkout.make("bench")
    (checkout.bin / "python").unlink()
    maker = script(checkout.root / "maker", MAKER)
    script(checkout.root / "recorder", RECORDER)
    checkout.calls()
    done = checkout.make("bench", f"PYTHON=/nonexistent/python3 {maker}")
    assert done.returncode == 0, done.stderr
    assert "made" in done.stdout
    assert len(installs(checkout.calls())) == 1


@needs_make
def test_no_supported_python_is_one_clear_line(checkout: Checkout) -> None:
    shutil.rmtree(checkout.bin)
    failed = checkout.make("bench", "PYTHON=/nonexistent/python3 false")
    assert failed.returncode != 0
    said = [line for line in failed.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1
    assert "needs Python 3.11, 3.12 or 3.13" in said[0]
    assert "/nonexistent/python3 false" in said[0]
    assert checkout.stamps == set()


@needs_make
def test_help_is_the_default_and_lists_every_target(checkout: Checkout) -> None:
    shown = checkout.make().stdout
    targets = re.search(r"^\.PHONY: (.*) absent$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    assert all(f"make {target} - " in shown for target in targets[1].split())
    assert checkout.calls() == []


def test_constraints_are_names_and_versions_only() -> None:
    assert len(PINS) > 50
    assert len({canonicalize_name(pin.name) for pin in PINS}) == len(PINS)
    for pin in PINS:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", str(pin)), str(pin)


def declared() -> list[Requirement]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for lines in (project["dependencies"], *extras) for line in lines]


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_every_declared_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    pins = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in PINS}
    assert pins[canonicalize_name(requirement.name)] in requirement.specifier
    assert any(bound.operator == "<" for bound in requirement.specifier), "needs an upper bound"


def test_the_paths_that_pyproject_names_exist() -> None:
    project, tool = PROJECT["project"], PROJECT["tool"]
    named = [project["readme"], *project["license-files"], *tool["mypy"]["packages"]]
    named += tool["pytest"]["ini_options"]["testpaths"]
    assert [name for name in named if not (ROOT / name).exists()] == []
    data = tool["setuptools"]["package-data"].items()
    globs = [f"{package}/{glob}" for package, of_package in data for glob in of_package]
    assert [glob for glob in globs if not list(ROOT.glob(glob))] == []


def test_the_readme_links_to_files_that_exist_and_targets_that_make_knows() -> None:
    readme = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", readme)
    assert [link for link in links if not (ROOT / link).exists()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"^\s*\$?\s*make ([a-z]+)|`make ([a-z]+)", readme, re.MULTILINE))
    assert {first or second for first, second in used} <= targets
    assert used


def test_ci_run_is_an_executable_script() -> None:
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0 or not listed.stdout:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_tracked_file_is_larger_than_5_mb() -> None:
    assert [path for path in tracked() if path.stat().st_size > 5_000_000] == []


def test_set_up_names_no_package_index() -> None:
    for name in ("Makefile", "constraints.txt", "pyproject.toml", ".ci/run"):
        text = (ROOT / name).read_text()
        assert re.findall(r"\b(?!tcp:)\w+://\S+|--(?:extra-)?index-url|--find-links|--hash", text) == [], name
