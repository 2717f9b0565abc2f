"""Classification from few labels: how much of the classes a handful of labels finds in codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from aebench.measures.classes.family import REFERENCES
from aebench.measures.family import Family, Measured
from aebench.measures.metric import Metric
from aebench.measures.uses.taken import Taken, shares

if TYPE_CHECKING:
    from aebench.data.pixels import Inputs
    from aebench.measures.context import Context
    from aebench.measures.uses.representations import Codes

LABELS: Final = (1, 10, 100)  # of each class
MAIN: Final = 10
DRAWS: Final = 20  # of which images have labels: their mean moves by .01 at one label a class, and less at more
MARGIN: Final = 0.01  # a hundredth of the images; about what other draws of labels do


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run's codes; nothing without labels or of a single class."""
    from aebench.measures.uses.representations import by_class

    return by_class(context, right, f"{_name(MAIN)}_validation", _of_main, FAMILY.metrics)


def right(inputs: Inputs, codes: Codes) -> Taken:
    """How often each test image is put into its class, as a share of the draws of labels, at each number of labels."""
    assert inputs.labels is not None
    found = {_name(each): _right(inputs, codes, inputs.labels, each) for each in LABELS}
    return {name: shares for name, shares in found.items() if shares is not None}


def _of_main(inputs: Inputs, codes: Codes, labels: np.ndarray) -> np.ndarray | None:
    return _right(inputs, codes, labels, MAIN)


def _right(inputs: Inputs, codes: Codes, labels: np.ndarray, each: int) -> np.ndarray | None:
    from aebench.measures.uses.discriminant import label_draws, predicted

    assert inputs.train_labels is not None
    draws = label_draws(inputs.train_labels, each, DRAWS)
    if draws is None:
        return None
    train, test = codes
    return np.asarray((predicted(train, inputs.train_labels, draws, test) == labels).mean(axis=0))


def _name(each: int) -> str:
    return f"few_labels_accuracy_{each}"


def _metrics(each: int) -> dict[str, Metric]:
    name, many = _name(each), "1 label" if each == 1 else f"{each} labels"
    label = f"Accuracy from {many} a class"
    about = (
        f"share of the test split that a linear classifier gets right, fitted to {many} of each class (linear "
        f"discriminant analysis, shrunk to an isotropic covariance), mean of {DRAWS} draws of labels"
    )
    return shares(name, label, about, REFERENCES, margin=MARGIN, main=each == MAIN)


FAMILY = Family(
    name="few_labels",
    group="uses",
    measure=measure,
    needs_labels=True,
    metrics={name: metric for each in LABELS for name, metric in _metrics(each).items()}
    | {
        f"{_name(MAIN)}_validation": Metric(
            label=f"Accuracy from {MAIN} labels a class, validation split",
            unit="share",
            better="higher",
            about="the same of the validation split: what the best for few labels is chosen by",
        )
    },
)
