"""Energy, told by a made-up management library in place of NVIDIA's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from aebench.measures.speed import power


class NVMLError(Exception):
    pass


class Library(SimpleNamespace):
    """Two boards; the first has used 1,500 mJ, the second 2,500."""

    NVMLError = NVMLError
    started = False

    def nvmlInit(self) -> None:  # noqa: N802
        self.started = True

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        return ("GPU-a", "GPU-b")[index]

    def nvmlDeviceGetHandleByUUID(self, name: str) -> str:  # noqa: N802
        if name not in ("GPU-a", "GPU-b"):
            raise NVMLError("Not Found")
        return name

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:  # noqa: N802
        assert self.started
        return {"GPU-a": 1500, "GPU-b": 2500}[handle]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    power.energy_counter.cache_clear()
    made = Library()
    monkeypatch.setitem(sys.modules, "pynvml", made)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    yield made
    power.energy_counter.cache_clear()


@pytest.mark.parametrize(
    ("visible", "joules"),
    [(None, 1.5), ("0,1", 1.5), ("1", 2.5), (" 1, 0", 2.5), ("GPU-b", 2.5)],
)
def test_joules_are_of_the_first_visible_board(library, monkeypatch, visible, joules):
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert power.energy_counter().joules() == joules


def test_a_slice_of_a_board_has_no_counter(library, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-0123")
    assert power.energy_counter() is None


def test_an_old_board_has_no_counter(library, monkeypatch):
    def refuse(handle: str) -> int:
        raise NVMLError("Not Supported")

    monkeypatch.setattr(library, "nvmlDeviceGetTotalEnergyConsumption", refuse, raising=False)
    assert power.energy_counter() is None


def test_without_a_driver_there_is_no_counter(library, monkeypatch):
    def refuse() -> None:
        raise NVMLError("Driver Not Loaded")

    monkeypatch.setattr(library, "nvmlInit", refuse, raising=False)
    assert power.energy_counter() is None


def test_without_the_library_there_is_no_counter(library, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert power.energy_counter() is None
