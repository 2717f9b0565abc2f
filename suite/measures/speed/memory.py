"""Memory of the device: the most that was held since a moment, and how much is free. On a CPU, the process's own."""

from __future__ import annotations

import re
from pathlib import Path

import keras

from aebench import backends
from aebench.backends import environment
from aebench.backends.protocol import Peak

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_MACHINE = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def peak_from_now() -> Peak:
    """A function that tells, in bytes, the most memory that was held since this call; `None` where nothing tells it.

    On a GPU it is what the backend's arrays and programs held there, on a CPU what the process held in all.
    """
    return _process_peak() if _on_cpu() else backends.current().peak_memory()


def free_bytes() -> int | None:
    """How much more the device (on a CPU: the machine, or the container) can hold; `None` where nothing tells it."""
    return _free_of_machine() if _on_cpu() else backends.current().free_memory()


def _on_cpu() -> bool:
    return environment.current(keras.backend.backend()).device_kind == "CPU"


def ran_out(error: BaseException) -> bool:
    """Whether it says, as each framework in its own words, that memory ran out."""
    words = f"{type(error).__name__} {error}".lower()
    return isinstance(error, MemoryError) or any(
        word in words
        for word in ("resource_exhausted", "resourceexhausted", "out of memory", "outofmemory", "oom when")
    )


def _process_peak() -> Peak:
    try:
        _RESET.write_text("5")  # Linux: resets the peak resident size, and nothing else
    except OSError:
        return lambda: None
    return lambda: _kibibytes(_STATUS, "VmHWM")


def _free_of_machine() -> int | None:
    free = [bytes_ for bytes_ in (_kibibytes(_MACHINE, "MemAvailable"), _free_of_group()) if bytes_ is not None]
    return min(free, default=None)


def _free_of_group() -> int | None:
    """What is left of a container's limit; its current use counts file caches too, which the kernel gives back."""
    try:
        limit = (_GROUP / "memory.max").read_text().strip()
        used = int((_GROUP / "memory.current").read_text())
        cached = re.search(r"^inactive_file (\d+)$", (_GROUP / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) - used + int(cached.group(1) if cached else 0)


def _kibibytes(path: Path, name: str) -> int | None:
    """The bytes that a line such as `VmHWM:  1234 kB` tells."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", path.read_text(), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found.group(1)) if found else None
