"""Retrieval: whether the training images whose codes are nearest to a test image's are of its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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

MOST: Final = 2000  # queries, and images that are looked through
NEAREST: Final = 10
MARGIN: Final = 0.01
MEASURES: Final = {
    "retrieval_map": (
        "Retrieval mAP",
        "mean average precision: share of images of the test image's class among those at least as near as each of "
        "that class, mean",
    ),
    f"retrieval_recall_{NEAREST}": (
        f"Retrieval recall@{NEAREST}",
        f"share of test images with one of their class among the {NEAREST} nearest",
    ),
}
MAIN: Final = "retrieval_map"


def measure(context: Context) -> Sequence[Measured]:
    """Measures each run's codes; nothing without labels or of a single class."""
    from aebench.measures.uses.representations import by_class

    found = by_class(context, found_again, f"{MAIN}_validation", _precision, FAMILY.metrics)
    return [
        replace(told, figures=_pictures(context, run)) if told.numbers.get(MAIN) is not None else told
        for run, told in enumerate(found)
    ]


def _pictures(context: Context, run: int) -> dict[str, np.ndarray]:
    from aebench.measures.uses.shown import retrieved

    if not (context.members[run].pictured and context.inputs.has_images):
        return {}
    return retrieved(context.inputs, context.train[0][run], context.codes[run])


def found_again(inputs: Inputs, codes: Codes) -> Taken:
    """The measures of each of the queries, `MOST` test images at most."""
    assert inputs.labels is not None
    precision, hit = _searched(inputs, codes, inputs.labels)
    return {MAIN: precision, f"retrieval_recall_{NEAREST}": hit}


def _precision(inputs: Inputs, codes: Codes, labels: np.ndarray) -> np.ndarray:
    return _searched(inputs, codes, labels)[0]


def _searched(inputs: Inputs, codes: Codes, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from aebench.measures.uses.ranked import searched
    from aebench.measures.uses.representations import some

    assert inputs.train_labels is not None
    train, test = codes
    gallery, queries = some(len(train), MOST), some(len(test), MOST) if len(test) > MOST else np.arange(len(test))
    return searched(train[gallery], inputs.train_labels[gallery], test[queries], labels[queries], NEAREST)


def _metrics(name: str, label: str, about: str) -> dict[str, Metric]:
    how = f"{about}; nearest by Euclidean distance among {MOST:,} training images at most"
    return shares(name, label, how, REFERENCES, margin=MARGIN, main=name == MAIN)


FAMILY = Family(
    name="retrieval",
    group="uses",
    measure=measure,
    needs_labels=True,
    metrics={
        **{key: metric for name, told in MEASURES.items() for key, metric in _metrics(name, *told).items()},
        f"{MAIN}_validation": Metric(
            label="Retrieval mAP, validation split",
            unit="share",
            better="higher",
            about="the same of the validation split: what the best for retrieval is chosen by",
        ),
    },
)
