"""Where numbers come from: device, versions, switches, platform and commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from aebench import backends
from aebench.records.record import Environment


@cache
def current(backend: str) -> Environment:
    """The environment of this process with this Keras backend; imports it only where there may be a GPU."""
    chosen = backends.get(backend)
    gpu = chosen.gpu_name() if may_have_gpu() else None
    wanted = ("keras", *chosen.packages, "numpy", "scikit-learn")
    return Environment(
        device=gpu or processor(),
        device_kind="GPU" if gpu else "CPU",
        cores=cores(),
        python=platform.python_version(),
        versions={package: version for package in wanted if (version := _version(package))},
        switches=chosen.switches(),
        platform=f"{platform.system()} {platform.machine()}",
        commit=commit(),
    )


def cores() -> int:
    """Processor cores that this process may use."""
    return len(core_numbers()) or os.cpu_count() or 1


def core_numbers() -> list[int]:
    """The numbers of those cores; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def gpu_numbers() -> list[str]:
    """How CUDA calls the GPUs that this process may use; asks no framework."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name]
    return sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))


def processor() -> str:
    """The processor's model name."""
    return _of_processor("model name") or platform.processor() or platform.machine()


def processor_features() -> frozenset[str]:
    """Names of the processor's instruction sets, as Linux writes them; none where nothing tells them."""
    return frozenset((_of_processor("flags") or "").split())


def _of_processor(name: str) -> str | None:
    """What Linux says of the first core under that name."""
    try:
        found = re.search(rf"^{name}\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return found[1].strip() if found else None


def commit() -> str | None:
    """The suite's git commit, with `-dirty` where files differ from it; `None` outside a checkout."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
    except OSError:  # a checkout on a machine without git
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def may_have_gpu() -> bool:
    """Whether a driver that a backend could use is loaded (NVIDIA's, AMD's, a TPU's)."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/kfd", "/dev/accel0", "/dev/vfio/0"))
