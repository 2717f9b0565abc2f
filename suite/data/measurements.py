"""Vectors inside scikit-learn: there without a network, real, and small enough for seconds."""

from __future__ import annotations

from typing import Any

import numpy as np

from aebench.data.dataset import Published, Split
from aebench.records.record import Column


def read_wine() -> Published:
    """178 wines: one split `(178, 13)` in scikit-learn's order, three classes."""
    from sklearn.datasets import load_wine

    return _published(load_wine(), labelled=True)


def read_breast_cancer() -> Published:
    """569 tumours: one split `(569, 30)` in scikit-learn's order, two classes."""
    from sklearn.datasets import load_breast_cancer

    return _published(load_breast_cancer(), labelled=True)


def read_diabetes() -> Published:
    """442 patients: one split `(442, 10)` in scikit-learn's order and in their own units, without classes."""
    from sklearn.datasets import load_diabetes

    return _published(load_diabetes(scaled=False), labelled=False)


def _published(bunch: Any, *, labelled: bool) -> Published:
    train = Split(
        images=np.ascontiguousarray(bunch.data, np.float64),
        labels=bunch.target.astype(np.int64) if labelled else None,
        maximum=1.0,
        columns=tuple(Column(name=str(name)) for name in bunch.feature_names),
    )
    names = tuple(str(name) for name in bunch.target_names) if labelled else None
    return Published(train=train, class_names=names, values="real")
