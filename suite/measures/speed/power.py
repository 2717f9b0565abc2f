"""Energy that an NVIDIA GPU has used, as its own counter tells; nothing elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, kw_only=True)
class EnergyCounter:
    """The counter of one GPU, through NVIDIA's management library.

    It counts the whole board, since the driver was loaded; it moves only every 20 to 100 ms.
    """

    library: Any
    device: Any

    def joules(self) -> float:
        """Since the driver was loaded."""
        return float(self.library.nvmlDeviceGetTotalEnergyConsumption(self.device)) / 1000


@cache
def energy_counter() -> EnergyCounter | None:
    """The counter of the GPU that this process computes on.

    Returns:
        `None` where the `pynvml` module or the driver is missing, or the device has no counter of its own (older than
        Volta; a slice of a GPU).
    """
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        counter = EnergyCounter(library=pynvml, device=_first_visible(pynvml))
        counter.joules()
    except pynvml.NVMLError:
        return None
    return counter


def _first_visible(library: Any) -> Any:
    """CUDA's first device: the library, unlike CUDA, doesn't read `CUDA_VISIBLE_DEVICES`."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    if first.isdecimal():
        return library.nvmlDeviceGetHandleByIndex(int(first))
    return library.nvmlDeviceGetHandleByUUID(first)
