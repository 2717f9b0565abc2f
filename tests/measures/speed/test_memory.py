"""Peak and free memory, and the words in which frameworks say that it ran out."""

from __future__ import annotations

import mmap
from contextlib import contextmanager
from pathlib import Path

import pytest

from aebench.measures.speed import memory

LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux resets a process's peak")
MIB = 2**20


@contextmanager
def held(size):
    """So many bytes of the system's, which has them back at the end: malloc may keep what it is given."""
    with mmap.mmap(-1, size) as mapped:
        for page in range(0, size, mmap.PAGESIZE):
            mapped[page] = 1
        yield


@LINUX
def test_the_peak_is_of_what_comes_after():
    """What else the process holds may shrink meanwhile, as other tests' memory is given back."""
    with held(200 * MIB):
        pass
    peak = memory.peak_from_now()
    before = peak()
    with held(100 * MIB):
        after, resident = peak(), memory._kibibytes(memory._STATUS, "VmRSS")
    assert resident - 10 * MIB <= after <= before + 110 * MIB
    assert memory.peak_from_now()() <= resident - 90 * MIB


def test_without_a_resettable_peak_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_RESET", tmp_path / "absent" / "clear_refs")
    assert memory.peak_from_now()() is None


@LINUX
def test_a_container_has_no_more_than_its_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    machine = memory.free_bytes()
    assert MIB < machine < 2**50
    (tmp_path / "memory.max").write_text(f"{60 * MIB}\n")
    (tmp_path / "memory.current").write_text(f"{50 * MIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon 123\ninactive_file {5 * MIB}\n")
    assert memory.free_bytes() == 15 * MIB
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_bytes() > 15 * MIB


class ResourceExhaustedError(Exception):
    pass


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ResourceExhaustedError("failed to allocate"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("OOM when allocating tensor with shape[8192]"),
    ],
)
def test_what_frameworks_say_when_memory_runs_out(error):
    assert memory.ran_out(error)


def test_other_errors_are_no_lack_of_memory():
    assert not memory.ran_out(ValueError("shapes (8, 2) and (3, 8) don't match"))
