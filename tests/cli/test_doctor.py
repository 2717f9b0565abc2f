"""`aebench doctor`: what it finds, what it advises, and that it imports no framework."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from aebench.backends import environment
from aebench.cli import checkup
from aebench.cli.app import app

Found = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine at rest, with room, with TensorFlow and without a GPU, whatever this one is like."""
    monkeypatch.setattr(checkup.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(checkup.shutil, "disk_usage", lambda _: SimpleNamespace(free=100 * checkup.GIB))
    monkeypatch.setattr(checkup.importlib.util, "find_spec", lambda name: name == "tensorflow" or None)
    monkeypatch.setattr(environment, "may_have_gpu", lambda: False)
    monkeypatch.setattr(checkup, "_nvidia_cards", lambda: 0)
    monkeypatch.setattr(checkup, "_quota", lambda: None)
    monkeypatch.setenv("AEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    for name in (*checkup.THREADS, *checkup.HIDING):
        monkeypatch.delenv(name, raising=False)


def doctor(*arguments: object, status: int = 0) -> Found:
    result = CliRunner().invoke(app, ["doctor", "--json", *map(str, arguments)])
    assert result.exit_code == status, result.output
    found: Found = json.loads(result.stdout)
    return found


def only(found: Found, name: str) -> dict[str, Any]:
    """The one finding of this name."""
    (one,) = [finding for finding in found if finding["name"] == name]
    return one


def advised(found: Found) -> set[str]:
    return {finding["name"] for finding in found if finding["advice"]}


def test_nothing_is_amiss_where_nothing_is() -> None:
    found = doctor()
    assert advised(found) == set()
    assert not any(finding["stops"] for finding in found)
    assert {finding["name"] for finding in found} == {
        "machine", "python", "aebench", "backend", "versions", "gpu", "switches", "threads", "data sets",
        "cache folder", "store folder",
    }  # fmt: skip
    assert f"keras {metadata.version('keras')}" in only(found, "backend")["value"]


def test_lines_say_the_same_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    assert "-> matrix products take up to twice as long without it: unset TF_ENABLE_ONEDNN_OPTS" in result.stdout
    assert result.stdout.splitlines()[-1] == "Nothing here stops a bench: aebench bench smoke"


def test_an_absent_backend_stops_and_another_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    found = only(doctor(status=1), "backend")
    assert found["stops"]
    assert "pip install 'aebench[torch]'" in found["advice"]
    assert "--backend tensorflow" in found["advice"]


def test_a_version_outside_of_the_tested_range_is_told_with_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    monkeypatch.setattr(checkup.metadata, "version", lambda name: "2.0.0" if name == "keras" else real(name))
    found = [finding for finding in doctor() if finding["name"] == "versions" and finding["advice"]]
    assert [finding["advice"] for finding in found] == ["pip install 'keras<4,>=3.15'"]
    assert not found[0]["stops"]


def test_a_missing_dependency_stops_and_a_missing_extra_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name in ("pandas", "jax"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(checkup.metadata, "version", version)
    stopping = [finding["value"] for finding in doctor(status=1) if finding["stops"]]
    assert stopping == ["pandas is not installed"]


GPUS = {
    "hidden": ({"CUDA_VISIBLE_DEVICES": ""}, True, {}, "CUDA_VISIBLE_DEVICES hides it", "unset CUDA_VISIBLE_DEVICES"),
    "no driver": ({}, False, {}, "1 NVIDIA card(s), not used: no driver", "nvidia-smi"),
    "built for the CPU": ({}, True, {"tensorflow-cpu": "2.21.0"}, "build for the CPU alone", "'aebench[gpu]'"),
    "usable": ({}, True, {}, "tensorflow can use it", "aebench doctor --backend tensorflow"),
}


@pytest.mark.parametrize("case", GPUS)
def test_a_gpu_that_is_not_used_is_told_with_the_reason(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables, driver, packages, value, advice = GPUS[case]
    for name, content in variables.items():
        monkeypatch.setenv(name, content)
    monkeypatch.setattr(environment, "may_have_gpu", lambda: driver)
    monkeypatch.setattr(checkup, "_nvidia_cards", lambda: 1)
    monkeypatch.setattr(checkup, "_version", {"keras": "3.15.1", **packages}.get)
    monkeypatch.setattr(checkup, "_versions", lambda: iter(()))
    found = only(doctor(), "gpu")
    assert value in found["value"]
    assert advice in found["advice"]


def test_a_backend_that_is_asked_and_sees_a_gpu_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its packages look like: CUDA may be the system's."""
    monkeypatch.setattr(environment, "may_have_gpu", lambda: True)
    monkeypatch.setattr(checkup, "_without_gpu", lambda _: "it has no CUDA with it")
    monkeypatch.setattr(checkup.backends, "get", lambda _: SimpleNamespace(gpu_name=lambda: "NVIDIA H100"))
    (found,) = checkup._gpu("tensorflow", look=True)
    assert (found.value, found.advice) == ("NVIDIA H100", "")


def test_threads_that_leave_cores_idle_and_a_container_with_less_time_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "cores", lambda: 8)
    monkeypatch.setattr(checkup, "_quota", lambda: 2.5)
    assert "taskset -c 0-1" in only(doctor(), "threads")["advice"]
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert "unset OMP_NUM_THREADS" in only(doctor(), "threads")["advice"]
    monkeypatch.setattr(checkup.os, "getloadavg", lambda: (9.0, 0.0, 0.0))
    assert only(doctor(), "load")["advice"].endswith("top")


@pytest.mark.parametrize(("free", "status"), [(checkup.GIB, 0), (1000, 1)])
def test_a_disk_with_little_room_is_told_and_a_full_one_stops(
    free: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert advised(doctor(status=status)) == {"cache folder", "store folder"}


def test_a_store_that_cannot_be_written_stops(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    found = only(doctor("--out", tmp_path / "taken", status=1), "store folder")
    assert found["stops"]
    assert "--out DIR" in found["advice"]


def test_a_damaged_data_set_is_told_with_how_to_be_rid_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "datasets" / "mine"
    folder.mkdir(parents=True)
    told = [finding for finding in doctor() if finding["value"] == "mine is damaged"]
    assert told[0]["advice"].endswith(f"rm -r {folder}")


def test_a_backend_that_cannot_be_imported_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(name: str) -> None:
        raise ImportError(f"libcudart is missing for {name}\nand more")

    monkeypatch.setattr(checkup.backends, "choose", choose)
    stopping = [finding for finding in doctor("--backend", "tensorflow", status=1) if finding["stops"]]
    assert [finding["value"] for finding in stopping] == [
        "tensorflow cannot be imported: ImportError: libcudart is missing for tensorflow"
    ]


def test_it_imports_no_framework(python: Callable[..., Any]) -> None:
    heavy = {"keras", "tensorflow", "jax", "torch", "sklearn", "matplotlib", "pandas"}
    code = f"""
import sys
from aebench.cli import checkup
found = checkup.findings("tensorflow", None, look=False)
print(len(found), *{heavy} & set(sys.modules))
"""
    told = python("-c", code)
    count, *imported = told.stdout.split()
    assert imported == []
    assert int(count) >= 10, told.stderr
