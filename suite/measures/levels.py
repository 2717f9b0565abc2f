"""What images of whole levels cost without a model: by their levels' frequencies, and as PNG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric

if TYPE_CHECKING:
    from aebench.data.pixels import Inputs
    from aebench.measures.context import Context


def measure(context: Context) -> Sequence[Measured]:
    """The same for each run; nothing where the likelihood isn't one of levels: its bits are of something else."""
    known = _references(context.inputs) if context.evaluator.model.likelihood.levels else {}
    return [Measured(numbers=known)] * context.count


@cache
def _references(inputs: Inputs) -> dict[str, float | None]:
    from aebench.measures.uses.lengths import png_strip_bits

    train, test = (np.rint(part * (inputs.levels - 1)).astype(np.int64) for part in (inputs.train, inputs.test))
    return {
        "frequencies_bits_per_dim": frequencies_bits(train, test, inputs.levels),
        "png_bits_per_dim": png_strip_bits(inputs.test, binary=False) / math.prod(inputs.test.shape[1:]),
    }


def frequencies_bits(train: np.ndarray, test: np.ndarray, levels: int) -> float:
    """What a constant decoder costs: each channel's levels as often as in training, the same in all places.

    Args:
        train, test: levels `(n, height, width, channels)`, int64.
        levels: how many there may be; each is counted once more, so that none is impossible.

    Returns:
        Bits per pixel and channel, the mean of the test images.
    """
    channels = [part.reshape(-1, part.shape[-1]).T for part in (train, test)]
    counts = [np.bincount(own, minlength=levels) + 1.0 for own in channels[0]]
    costs = [-np.log2(count[own] / count.sum()).mean() for count, own in zip(counts, channels[1], strict=True)]
    return float(np.mean(costs))


FAMILY = Family(
    name="levels",
    group="likelihood",
    measure=measure,
    needs_images=True,
    metrics={
        "frequencies_bits_per_dim": Metric(
            label="Frequencies of levels",
            unit="bits/dim",
            better=None,
            about="reference: what test images cost under a decoder that gives every pixel the frequencies of its "
            "channel's levels in training, whatever the code",
        ),
        "png_bits_per_dim": Metric(
            label="PNG",
            unit="bits/dim",
            better=None,
            about="reference: what the test images take as one PNG file, one below the other",
        ),
    },
)
