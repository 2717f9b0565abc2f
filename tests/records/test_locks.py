"""Locks of a study's folder: one holder each, told by name, and free as soon as it ends, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aebench.errors import UserError
from aebench.records.locks import Locks

HOLDER = """
import sys, time
from pathlib import Path
from aebench.records.locks import Locks
with Locks(Path(sys.argv[1])).taken(sys.argv[2]) as ours:
    print(ours, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """hold(name) -> another process that has said whether it holds that lock, until a line is written to it."""
    started: list[subprocess.Popen[str]] = []

    def start(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(tmp_path), name]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_lock_has_one_holder_and_others_are_free(tmp_path: Path, hold: Callable[[str], object]) -> None:
    hold("one")
    locks = Locks(tmp_path)
    with locks.taken("one") as ours, locks.taken("two") as other:
        assert (ours, other) == (False, True)
    with locks.taken("two") as again:
        assert again


@pytest.mark.parametrize("end", ["killed", "done"])
def test_a_lock_is_waited_for_and_free_however_its_holder_ends(
    tmp_path: Path, hold: Callable[[str], subprocess.Popen[str]], end: str
) -> None:
    process, told = hold("one"), []

    def waiting(holder: str) -> None:
        told.append(holder)
        if end == "killed":
            process.kill()
        else:
            process.communicate("\n")

    with Locks(tmp_path).taken("one", waiting) as ours:
        assert ours
        (holder,) = told
        assert holder.startswith(f"process {process.pid} on ")
        assert (tmp_path / "one.holder").read_text().startswith(f"process {os.getpid()} on ")
    assert not (tmp_path / "one.holder").exists()


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot lock .*one\.lock: ") as error, Locks(tmp_path / "file").taken("one"):
        pass
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("jump", [-36_000.0, 36_000.0, 10 * 365 * 86_400.0])
def test_a_lock_is_no_older_for_a_clock_that_jumps(
    jump: float, tmp_path: Path, hold: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds it has it until it ends, and nobody takes it for left behind by what the files' times say."""
    hold("one")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    for path in tmp_path.iterdir():
        os.utime(path, (real() - jump, real() - jump))
    with Locks(tmp_path).taken("one") as ours, Locks(tmp_path).taken("two") as other:
        assert (ours, other) == (False, True)
