"""One function over all members of a cohort at once.

Members are runs of one shape; what differs between them is stacked along a first axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aebench import backends


def over_members(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Turns `function(own, shared) -> results` of one member into the same of all members.

    `vmap` on JAX, `vectorized_map` on TensorFlow, a loop on PyTorch.

    Args:
        function: takes and returns nests of backend arrays.

    Returns:
        A function that takes `own` with a first axis of members on every array, and `shared` as it is; its results
        have that axis too.
    """
    return backends.current().over_members(function)


def stack(values: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Arrays of each member, stacked: from `[member][array]` to `[array]` with a first axis of members."""
    return [np.stack(arrays) for arrays in zip(*values, strict=True)]
