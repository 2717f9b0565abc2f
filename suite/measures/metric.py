"""Metric: how a number is to be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Better = Literal["higher", "lower"] | None


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How a number, or a short list of numbers, is to be read.

    Attributes:
        label: what people call it.
        unit: of the value.
        better: which direction is better, or `None` where neither is.
        about: its definition in a sentence.
        version: raised by hand when the measure's code changes its values.
        margin: differences within ± this make none in practice; `None` where that is not stated.
        per: what each number of a list stands for: `"class"`, `"latent dimension"`; empty for a single number.
        kept: kept arrays `(n,)` with their signs, whose sum has the number for its mean over test images: then its
            intervals cover the choice of test images too. Empty where single images have no such number.
        of_images: all that a measure of single test images needs: a function of a model and images `(n, *image_shape)`,
            in backend operations, that returns `(n,)`. The suite compiles it for all runs at once, keeps its values
            under the metric's name and takes their mean.
        certified_by: the number that says how far a run's value may be worse than it ought to be, and how large that
            may be before the value is a bound alone; `None` where a value is what it is.
    """

    label: str
    unit: str
    better: Better
    about: str
    version: int = 1
    margin: float | None = None
    per: str = ""
    kept: tuple[tuple[str, float], ...] = ()
    of_images: Callable[[Any, Any], Any] | None = None
    certified_by: tuple[str, float] | None = None
