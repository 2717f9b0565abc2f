"""Small made-up images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aebench.data.pixels import Inputs

SHAPE = (6, 6, 1)


@pytest.fixture
def inputs() -> Callable[..., Inputs]:
    """inputs(resample=True, validation=20) -> 80 training and 50 test images without labels, `(6, 6, 1)`."""

    def make(resample=True, validation=20):
        rng = np.random.default_rng(0)
        grey = rng.random((80, *SHAPE), dtype="float32") ** 2
        seen = (rng.random(grey.shape) < grey).astype("float32") if resample else grey
        return Inputs(
            train=grey,
            validation=seen[:validation],
            test=seen[:50],
            grey_test=grey[:50],
            resample=resample,
            labels=None,
            class_names=None,
            grey_validation=grey[:validation],
        )

    return make
