"""Live decoders: a few models' dense decoders, for the page to run itself."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from aebench.analysis.configurations import Configuration
from aebench.page import panels
from aebench.page.look import class_colours
from aebench.records.kept import DECODER, Figures, decoder_bias, decoder_kernel
from aebench.records.record import items

MOST_BYTES = 1_300_000  # of the page, for the weights of all its live decoders
MOST_MODELS = 12
MOST_SLIDERS = 16
_DECIMALS = 4
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Live:
    """A decoder with what the page needs to move about in its latent space.

    Attributes:
        id: of the configuration.
        data: for the script: layers (activation, inputs, outputs), their kernels and biases as half floats in base64,
            the likelihood, the image's shape, of series how their lines are drawn, the explored images' codes likewise,
            their mean and spread, the plane of its pad, and codes from a prior that is not N(0, I).
    """

    id: str
    data: dict[str, Any]

    @property
    def size(self) -> int:
        """Bytes that its weights take on the page."""
        return len(self.data["weights"])


def live_decoders(kept: Iterable[tuple[Configuration, Arrays]], explored: npt.NDArray[np.intp]) -> list[Live]:
    """Takes decoders in the order given, as many as `MOST_BYTES` allows; passes over those that are not dense.

    Args:
        kept: configurations with the `figures` arrays of a run.
        explored: which of the kept images, in the explorer's order.
    """
    found: list[Live] = []
    for item, arrays in kept:
        if len(found) == MOST_MODELS:
            break
        if Figures.DECODER_ACTIVATIONS not in arrays or _bytes(arrays) + sum(one.size for one in found) > MOST_BYTES:
            continue
        found.append(Live(id=item.id, data=_data(item, arrays, explored)))
    return found


def _bytes(arrays: Arrays) -> int:
    numbers = sum(array.size for name, array in arrays.items() if name.startswith(DECODER))
    return 4 * -(-2 * numbers // 3)


def _data(item: Configuration, arrays: Arrays, explored: npt.NDArray[np.intp]) -> dict[str, Any]:
    activations = arrays[Figures.DECODER_ACTIVATIONS].tolist()
    kernels = [arrays[decoder_kernel(at)] for at in range(len(activations))]
    biases = [arrays[decoder_bias(at)] for at in range(len(activations))]
    weights = [part for pair in zip(kernels, biases, strict=True) for part in pair]
    codes = arrays[Figures.EMBEDDING_CODES][explored]
    shape = arrays[Figures.PRIOR_SAMPLES].shape[1:]
    return {
        "layers": [[name, *kernel.shape] for name, kernel in zip(activations, kernels, strict=True)],
        "weights": _halves(*weights),
        "codes": _halves(codes),
        "likelihood": item.likelihood,
        "shape": list(shape),
        "lines": [*panels.scale(arrays), class_colours(shape[-1])] if items(shape) == "series" else None,
        "prior": item.summaries["rate_nats"].mean is not None,
        "priorCodes": _halves(arrays[Figures.PRIOR_CODES]) if Figures.PRIOR_CODES in arrays else "",
        **_space(np.asarray(codes, np.float64)),
    }


def _space(codes: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Mean, spread and plane of the codes: the plane itself if 2-D, else of the first two principal components."""
    mean, spread = codes.mean(axis=0), codes.std(axis=0)
    if codes.shape[1] == 2:
        basis = np.eye(2)
    else:
        _, _, rows = np.linalg.svd(codes - mean, full_matrices=False)
        basis = rows[:2] if codes.shape[1] > 1 else np.array([[1.0], [0.0]])
    plane = (codes - mean) @ basis.T
    return {
        "mean": _rounded(mean),
        "spread": _rounded(spread),
        "order": np.argsort(-spread, kind="stable")[:MOST_SLIDERS].tolist(),
        "basis": _rounded(basis),
        "reach": round(float(np.abs(plane).max()) * 1.05 or 1.0, _DECIMALS),
    }


def _halves(*arrays: npt.NDArray[Any]) -> str:
    return base64.b64encode(b"".join(array.astype("<f2").tobytes() for array in arrays)).decode()


def _rounded(values: npt.NDArray[np.float64]) -> Any:
    return values.round(_DECIMALS).tolist()
