"""Images that uses are tried on: test and validation images, clean and spoiled, always the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from aebench.data.pixels import Inputs, binarise
from aebench.measures.uses.representations import some
from aebench.models.streams import stream

MOST = 2000  # test images that uses are tried on; what is compiled for the test split serves them


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Some images of one split, as often over as it takes to be as many as the others, so that one trace serves all.

    Attributes:
        name: of the split, in random streams.
        grey: before binarisation, `(count, *image_shape)`.
        seen: what models see of them.
        distinct: how many differ; those behind are repetitions, of which nothing may be told.
        labels: `(count,)`, or `None`.
    """

    name: str
    grey: np.ndarray
    seen: np.ndarray
    distinct: int
    labels: np.ndarray | None


class Images:
    """The images of one kind of inputs.

    Args:
        inputs: the pixels that runs saw.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.count = inputs, min(len(inputs.test), MOST)

    @cached_property
    def test(self) -> Part:
        """The first test images in no order, at most `MOST`."""
        data = self.inputs
        return self._part("test", data.test, data.grey_test, data.labels)

    @cached_property
    def validation(self) -> Part | None:
        """As many validation images; `None` without any."""
        data = self.inputs
        if not len(data.validation) or data.grey_validation is None:
            return None
        return self._part("validation", data.validation, data.grey_validation, data.validation_labels)

    def _part(self, name: str, seen: np.ndarray, grey: np.ndarray, labels: np.ndarray | None) -> Part:
        places = np.arange(self.count) if len(seen) == self.count else some(len(seen), self.count)
        return Part(
            name=name,
            grey=grey[np.resize(places, self.count)],
            seen=seen[np.resize(places, self.count)],
            distinct=len(places),
            labels=None if labels is None else labels[np.resize(places, self.count)],
        )

    def spoiled(self, part: Part, kind: str, change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Part:
        """The images after a `change` of their grey pixels, as models see them.

        Args:
            part: which.
            kind: names the random stream.
            change: of `(count, *image_shape)`, with a generator of its own, to as many images.
        """
        rng = np.random.default_rng(stream(0, f"uses/{kind}/{part.name}"))
        grey = change(part.grey, rng).astype("float32")
        seen = (binarise(grey, part.name) if self.inputs.resample else grey).astype(part.seen.dtype)
        return Part(name=part.name, grey=grey, seen=seen, distinct=part.distinct, labels=part.labels)


@cache
def images(inputs: Inputs) -> Images:
    """The images of these inputs, one object for all cohorts of a process."""
    return Images(inputs)
