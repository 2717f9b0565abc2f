"""Memory of the device: the most that was held since a moment, and how much is free. On a CPU, the process's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from suite import environment

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_MACHINE = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")

Peak = Callable[[], int | None]


def peak_from_now() -> Peak:
    """A function that tells, in bytes, the most memory that was held since this call; `None` where nothing tells it.

    On a GPU it is what the backend's arrays and programs held there, on a CPU what the process held in all.
    """
    name = keras.backend.backend()
    if environment.current(name).device_kind == "CPU":
        return _process_peak()
    match name:
        case "tensorflow":
            return _tensorflow_peak()
        case "jax":
            return _jax_peak()
        case _:
            return _torch_peak()


def free_bytes() -> int | None:
    """How much more the device (on a CPU: the machine, or the container) can hold; `None` where nothing tells it."""
    name = keras.backend.backend()
    if environment.current(name).device_kind == "CPU":
        return _free_of_machine()
    match name:
        case "jax":
            stats = _jax_stats()
            return stats["bytes_limit"] - stats["bytes_in_use"] if "bytes_limit" in stats else None
        case "torch":
            import torch

            return int(torch.cuda.mem_get_info()[0])
        case _:
            return None  # TensorFlow takes the whole device at once and doesn't tell how much that was


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


def _tensorflow_peak() -> Peak:
    import tensorflow as tf

    tf.config.experimental.reset_memory_stats("GPU:0")
    return lambda: int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def _torch_peak() -> Peak:
    import torch

    torch.cuda.reset_peak_memory_stats()
    return lambda: int(torch.cuda.max_memory_allocated())


def _jax_peak() -> Peak:
    """JAX's peak is since the process began and cannot be reset: it tells of this moment's work only if it rises."""
    before = _jax_stats().get("peak_bytes_in_use", 0)

    def peak() -> int | None:
        now = _jax_stats().get("peak_bytes_in_use", 0)
        return now if now > before else None

    return peak


def _jax_stats() -> dict[str, Any]:
    import jax

    return jax.local_devices()[0].memory_stats() or {}


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
