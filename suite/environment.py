"""Where numbers come from: device, versions, platform and commit."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from suite.record import Environment
from suite.spec import Backend

_PACKAGES: dict[Backend, tuple[str, ...]] = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "jax": ("jax",),
    "torch": ("torch",),
}


@cache
def current(backend: Backend) -> Environment:
    """The environment of this process with this Keras backend; imports it only where there may be a GPU."""
    gpu = _gpu_name(backend) if may_have_gpu() else None
    wanted = ("keras", *_PACKAGES[backend], "numpy", "scikit-learn")
    return Environment(
        device=gpu or processor(),
        device_kind="GPU" if gpu else "CPU",
        cores=cores(),
        python=platform.python_version(),
        versions={package: version for package in wanted if (version := _version(package))},
        platform=f"{platform.system()} {platform.machine()}",
        commit=commit(),
    )


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's model name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def commit() -> str | None:
    """The suite's git commit, with `-dirty` where files differ from it; `None` outside a checkout."""
    here = Path(__file__).resolve().parent.parent
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


def _gpu_name(backend: Backend) -> str | None:
    match backend:
        case "tensorflow":
            return _tensorflow_gpu()
        case "jax":
            import jax

            device: Any = jax.devices()[0]
            return None if device.platform == "cpu" else str(device.device_kind)
        case _:
            import torch

            return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None


def _tensorflow_gpu() -> str | None:
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    if not devices:
        return None
    return str(tf.config.experimental.get_device_details(devices[0]).get("device_name", "GPU"))
