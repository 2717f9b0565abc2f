"""Colourings: what the dots of the explorer may be coloured by beside their class, for the page's script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from aebench.analysis.numbers import significant
from aebench.records.kept import Figures

Arrays = Mapping[str, npt.NDArray[Any]]
SHADES = 16  # as many can be told apart in a cloud of dots
CENTRAL = (0.02, 0.98)  # quantiles of errors that the shades span: a few are very large
_LETTERS = np.array(list("abcdefghijklmnop"))


@dataclass(frozen=True, kw_only=True)
class Colouring:
    """One thing that dots may be coloured by.

    Attributes:
        name: of it, as the reader picks it.
        low, high: what the first and the last shade stand for.
        colours: of the shades, in order.
        shades: of each explored image, a letter from `a` each, the same in every model; or by a model's id.
    """

    name: str
    low: str
    high: str
    colours: tuple[str, ...]
    shades: str | dict[str, str]

    def data(self) -> dict[str, Any]:
        """For the page's script."""
        return asdict(self)


def colourings(kept: Mapping[str, Arrays], explored: npt.NDArray[np.intp]) -> tuple[Colouring, ...]:
    """The known factors that vary, and how far each model's reconstruction is from the image.

    Args:
        kept: the arrays of each model, by its id; all of the same images.
        explored: which of these images are shown.
    """
    if not len(explored) or not kept:
        return ()
    return (*_factors(next(iter(kept.values())), explored), *_errors(kept, explored))


def _factors(arrays: Arrays, explored: npt.NDArray[np.intp]) -> Iterator[Colouring]:
    if Figures.EMBEDDING_FACTORS not in arrays:
        return
    columns = arrays[Figures.EMBEDDING_FACTORS][explored].astype(np.float64).T
    about = zip(arrays[Figures.FACTOR_NAMES], arrays[Figures.FACTOR_PERIODS], columns, strict=True)
    for name, period, values in about:
        low, high = (0.0, float(period)) if period > 0 else (float(values.min()), float(values.max()))
        turned = values % period if period > 0 else values
        yield Colouring(
            name=str(name),
            low=significant(low),
            high=significant(high),
            colours=shades(cyclic=bool(period > 0)),
            shades=_letters(turned, low, high),
        )


def _errors(kept: Mapping[str, Arrays], explored: npt.NDArray[np.intp]) -> Iterator[Colouring]:
    """On one scale for all models, so that a better one is darker as a whole."""
    found = {
        model: _squared_errors(arrays, explored)
        for model, arrays in kept.items()
        if Figures.EMBEDDING_RECONSTRUCTIONS in arrays
    }
    if not found or not all(np.isfinite(errors).all() for errors in found.values()):
        return
    low, high = (float(end) for end in np.quantile(np.concatenate([*found.values()]), CENTRAL))
    yield Colouring(
        name="squared error of the reconstruction",
        low=f"≤ {significant(low)}",
        high=f"≥ {significant(high)}",
        colours=shades(cyclic=False),
        shades={model: _letters(errors, low, high) for model, errors in found.items()},
    )


def _squared_errors(arrays: Arrays, explored: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """The mean over each explored image's values; of pixels in shares of white."""
    images, made = (arrays[name][explored] for name in (Figures.EMBEDDING_IMAGES, Figures.EMBEDDING_RECONSTRUCTIONS))
    white = 255.0 if images.dtype == np.uint8 else 1.0
    apart = (images.astype(np.float64) - made) / white
    return np.asarray((apart**2).reshape(len(explored), -1).mean(axis=1))


def _letters(values: npt.NDArray[Any], low: float, high: float) -> str:
    share = (values - low) / max(high - low, 1e-12)
    return "".join(_LETTERS[np.clip((share * SHADES).astype(int), 0, SHADES - 1)])


def shades(*, cyclic: bool) -> tuple[str, ...]:
    """Colours from low to high; of what returns to where it began, those that do so too."""
    import seaborn

    palette = seaborn.husl_palette(SHADES) if cyclic else seaborn.color_palette("viridis", SHADES)
    return tuple(palette.as_hex())
