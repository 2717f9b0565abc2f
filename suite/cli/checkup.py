"""What this machine and this installation are like, as `aebench doctor` finds them. Imports no framework unless asked.

Each check yields findings: what stands, and where it could be better, the command to type.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from aebench import backends, data
from aebench.backends import environment
from aebench.data import cache
from aebench.data.memory import GIB, memory
from aebench.errors import UserError
from aebench.workspace import REPORTS

LEAST_FREE = GIB // 10  # bytes below which the smallest study may fill the disk
FREE = 2 * GIB  # bytes that a study of a hundred runs and its data set may well take
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
# What hides GPUs from a framework, if it is empty or -1.
HIDING = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
CPU_BUILD = {"tensorflow": "tensorflow-cpu"}  # distributions without CUDA, by backend
GPU_PARTS = {"tensorflow": "nvidia-cudnn", "jax": "jax-cuda", "torch": "nvidia-cudnn"}  # how names of theirs begin
GPU_EXTRA = {"tensorflow": "gpu", "jax": "jax-gpu", "torch": "torch"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing about this machine or installation.

    Attributes:
        name: what it is about.
        value: what was found.
        advice: what to do and the command to type; empty where there is nothing to do.
        stops: whether a bench cannot run like this.
    """

    name: str
    value: str
    advice: str = ""
    stops: bool = False


def findings(backend: str, out: Path | None, look: bool) -> list[Finding]:
    """All findings, in the order to read them.

    Args:
        backend: the Keras backend that a bench would use.
        out: the folder of a study's records; `None` for where studies have theirs.
        look: whether to import the backend and ask it for a GPU, which takes seconds.
    """
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _machine,
        _python,
        lambda: _backend(backend),
        _versions,
        lambda: _gpu(backend, look),
        lambda: _switches(backend),
        _threads,
        _data,
        lambda: _folder("cache folder", cache.root(), "choose another with: export AEBENCH_CACHE=DIR"),
        lambda: _folder("store folder", out or REPORTS, "choose another with: aebench bench STUDY --out DIR"),
    )
    return [finding for check in checks for finding in check()]


def _machine() -> Iterator[Finding]:
    usable, there = environment.cores(), os.cpu_count() or 1
    of = f" of {there}" if usable < there else ""
    most = memory()
    held = f", {most / GIB:.0f} GiB of memory" if most else ""
    yield Finding(
        name="machine",
        value=f"{platform.system()} {platform.machine()}, {environment.processor()}, {usable}{of} cores{held}",
    )


def _python() -> Iterator[Finding]:
    here = platform.python_version()
    wanted = metadata.metadata("aebench").get("Requires-Python", "")
    fits = SpecifierSet(wanted).contains(here)
    advice = "" if fits else f"aebench needs Python {wanted}; make an environment with one: python3.12 -m venv .venv"
    yield Finding(name="python", value=here, advice=advice, stops=not fits)
    commit = environment.commit()
    yield Finding(name="aebench", value=metadata.version("aebench") + (f", commit {commit}" if commit else ""))


def _backend(name: str) -> Iterator[Finding]:
    others = [other for other in backends.NAMES if other != name and importlib.util.find_spec(other)]
    also = f"; installed too: {', '.join(others)}" if others else ""
    if importlib.util.find_spec(name) is None:
        advice = f"install it: pip install 'aebench[{_extra(name)}]'"
        if others:
            advice += f", or use another: aebench bench STUDY --backend {others[0]}"
        yield Finding(name="backend", value=f"{name}, not installed{also}", advice=advice, stops=True)
        return
    found = [
        (package, version) for package in ("keras", *backends.get(name).packages) if (version := _version(package))
    ]
    yield Finding(name="backend", value=f"{', '.join(map(' '.join, found))}{also}")


def _extra(backend: str) -> str:
    return "cpu" if backend == "tensorflow" else backend


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _versions() -> Iterator[Finding]:
    """The installed versions against the ranges that the tests passed with."""
    checked = 0
    for requirement, optional in _requirements():
        version = _version(requirement.name)
        if version is None and optional:
            continue
        checked += 1
        if version is None:
            advice = f"install it: pip install '{requirement.name}{requirement.specifier}'"
            yield Finding(name="versions", value=f"{requirement.name} is not installed", advice=advice, stops=True)
        elif not requirement.specifier.contains(version, prereleases=True):
            yield Finding(
                name="versions",
                value=f"{requirement.name} {version} is outside of {requirement.specifier}, the range that was tested",
                advice=f"pip install '{requirement.name}{requirement.specifier}'",
            )
    yield Finding(name="versions", value=f"{checked} packages were held against the ranges that were tested")


def _requirements() -> Iterator[tuple[Requirement, bool]]:
    """What aebench declares for this machine, each once, and whether it is an extra's."""
    seen = set()
    for line in metadata.requires("aebench") or []:
        requirement = Requirement(line)
        optional = "extra" in str(requirement.marker or "")
        extras = metadata.metadata("aebench").get_all("Provides-Extra") or [] if optional else [""]
        applies = requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
        if applies and requirement.name not in seen:
            seen.add(requirement.name)
            yield requirement, optional


def _gpu(backend: str, look: bool) -> Iterator[Finding]:
    cards = _nvidia_cards()
    if not environment.may_have_gpu():
        if cards:
            advice = "install NVIDIA's driver, then see: nvidia-smi"
            yield Finding(name="gpu", value=f"{cards} NVIDIA card(s), not used: no driver is loaded", advice=advice)
        else:
            yield Finding(name="gpu", value="none; trains on the CPU")
        return
    hidden = [name for name in HIDING if os.environ.get(name) in ("", "-1")]
    if hidden:
        advice = f"show it: unset {hidden[0]}"
        yield Finding(name="gpu", value=f"there, not used: {hidden[0]} hides it", advice=advice)
    elif look and (name := backends.get(backend).gpu_name()):
        yield Finding(name="gpu", value=name)
    elif why := _without_gpu(backend):
        advice = f"pip install 'aebench[{GPU_EXTRA[backend]}]'"
        yield Finding(name="gpu", value=f"there, not used: {why}", advice=advice)
    elif look:
        advice = "see whether the driver answers: nvidia-smi"
        yield Finding(name="gpu", value=f"there, not used: {backend} sees none", advice=advice)
    else:
        advice = f"ask {backend} whether it sees it: aebench doctor --backend {backend}"
        yield Finding(name="gpu", value=f"a driver is loaded and {backend} can use it", advice=advice)


def _nvidia_cards() -> int:
    """How many displays or accelerators of NVIDIA's (0x10de) Linux sees on the bus, with a driver or without."""
    found = 0
    for device in Path("/sys/bus/pci/devices").glob("*"):
        try:
            maker, kind = ((device / name).read_text().strip() for name in ("vendor", "class"))
        except OSError:
            continue
        found += maker == "0x10de" and kind.startswith("0x03")
    return found


def _without_gpu(backend: str) -> str:
    """Why an installed backend can use no GPU; empty where nothing says so."""
    build = CPU_BUILD.get(backend, "")
    if build and _version(build):
        return f"{build} is a build for the CPU alone"
    if "+cpu" in (_version(backend) or ""):
        return f"{backend} {_version(backend)} is a build for the CPU alone"
    with_cuda = any(found.name.startswith(GPU_PARTS[backend]) for found in metadata.distributions())
    return "" if with_cuda or not Path("/dev/nvidiactl").exists() else f"{backend} has no CUDA with it"


def _switches(backend: str) -> Iterator[Finding]:
    for name, switch in backends.get(backend).switches().items():
        off = switch.value == "0"
        yield Finding(
            name="switches",
            value=f"{name}={switch.value}"
            + ("" if switch.value == switch.default else f" ({backend}'s own: {switch.default})"),
            advice=f"matrix products take up to twice as long without it: unset {name}" if off else "",
        )


def _threads() -> Iterator[Finding]:
    cores, limited = environment.cores(), {name: os.environ[name] for name in THREADS if os.environ.get(name)}
    told = "".join(f", {name}={value}" for name, value in limited.items())
    few = [name for name, value in limited.items() if value.isdigit() and int(value) < cores]
    quota = _quota()
    advice = f"it leaves cores idle: unset {few[0]}" if few else ""
    if quota is not None and quota < cores and not few:
        told += f", of which this container may use {quota:g} at a time"
        advice = (
            f"more threads than that wait for each other: taskset -c 0-{max(1, int(quota)) - 1} aebench bench STUDY"
        )
    yield Finding(name="threads", value=f"{cores}, one a core{told}", advice=advice)
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if busy > cores:
        yield Finding(
            name="load",
            value=f"{busy:.1f} processes want {cores} cores",
            advice="speeds measured like this are of no use; see who is at work: top",
        )


def _quota() -> float | None:
    """How many cores' time Linux gives to this container; `None` where it is not limited or not told."""
    try:
        most, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return int(most) / int(period)
    except (OSError, ValueError):  # absent, of another version, or "max"
        return None


def _data() -> Iterator[Finding]:
    kept = [item for item in data.status() if item.state in ("cached", "damaged")]
    names = ", ".join(item.name for item in kept if item.state == "cached")
    yield Finding(name="data sets", value=names or "none cached; digits needs no download")
    for item in kept:
        if item.state == "damaged":
            folder = cache.folder(item.name)
            advice = f"remove it, then load or import the set again: rm -r {folder}"
            yield Finding(name="data sets", value=f"{item.name} is damaged", advice=advice)


def _folder(name: str, path: Path, otherwise: str) -> Iterator[Finding]:
    there = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        yield Finding(name=name, value=f"{path.absolute()} cannot be written", advice=otherwise, stops=True)
        return
    free = shutil.disk_usage(there).free
    made = "" if path.exists() else ", made at first use"
    little = free < FREE
    yield Finding(
        name=name,
        value=f"{path.absolute()}{made}, {free / GIB:.1f} GiB free",
        advice=f"little room; make some, or {otherwise}" if little else "",
        stops=free < LEAST_FREE,
    )


def start(backend: str) -> Finding | None:
    """Imports a backend; what stands in the way of it, if anything does."""
    try:
        backends.choose(backend)
        backends.get(backend).gpu_name()
    except UserError:
        return None  # absent, which `findings` tells
    except Exception as error:  # whatever a broken installation raises
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        advice = f"install it anew: pip install --force-reinstall 'aebench[{_extra(backend)}]'"
        return Finding(name="backend", value=f"{backend} cannot be imported: {what}", advice=advice, stops=True)
    return None
