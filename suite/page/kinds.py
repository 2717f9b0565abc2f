"""Kinds of pictures: what each shows, and how it is drawn of images, series and vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from aebench.page import heat, panels
from aebench.page.sheets import Sheet, in_rows, sheet
from aebench.records.kept import Figures
from aebench.records.record import items

Arrays = dict[str, npt.NDArray[Any]]
_PER_ROW = 5
_CELL = 12  # pixels of a matrix's cell


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of picture: what it is called, what it shows, the array that it needs, and how it is drawn.

    Those of a handful are drawn of the winners alone, since a page has no room for all.
    """

    title: str
    about: str
    needs: str
    draw: Callable[[Arrays], Sheet]
    of_few: bool = False


def _reconstructions(arrays: Arrays) -> Sheet:
    pairs = zip(
        in_rows(arrays[Figures.ORIGINALS], _PER_ROW), in_rows(arrays[Figures.RECONSTRUCTIONS], _PER_ROW), strict=True
    )
    return sheet([row for pair in pairs for row in pair])


def _prior_samples(arrays: Arrays) -> Sheet:
    labels = arrays.get(Figures.PRIOR_SAMPLE_LABELS, np.array([])).tolist()
    return sheet(in_rows(arrays[Figures.PRIOR_SAMPLES], _PER_ROW), labels)


def _traversals(arrays: Arrays) -> Sheet:
    """A row a dimension; below its middle, where factors are known, the one that it tells most of, and how much."""
    rows = list(arrays[Figures.TRAVERSALS])
    if Figures.FACTOR_SHARES not in arrays:
        return sheet(rows)
    names, shares = arrays[Figures.FACTOR_NAMES], arrays[Figures.FACTOR_SHARES]
    return sheet(rows, _in_the_middle([f"{names[told.argmax()]} {told.max():.2f}" for told in shares], len(rows[0])))


def _followed(arrays: Arrays) -> Sheet:
    """A row a factor, a cell a dimension: the darker, the more it tells."""
    shares = np.clip(arrays[Figures.FACTOR_SHARES], 0.0, 1.0)
    cells = np.tile((255 * (1.0 - shares.T)).round().astype(np.uint8)[..., None, None, None], (1, 1, _CELL, _CELL, 1))
    names = [str(name) for name in arrays[Figures.FACTOR_NAMES]]
    return sheet(list(cells), _in_the_middle(names, cells.shape[1]), exact=True)


def _along_factors(arrays: Arrays) -> Sheet:
    """A row a factor: the first image, the way to the other one's code, and the other image; below it the name."""
    ends = arrays[Figures.FACTOR_ENDS]
    rows = [
        np.concatenate([own[:1], way, own[1:]]) for own, way in zip(ends, arrays[Figures.FACTOR_PATHS], strict=True)
    ]
    return sheet(rows, _in_the_middle([str(name) for name in arrays[Figures.FACTOR_PATH_NAMES]], len(rows[0])))


def _in_the_middle(words: Sequence[str], columns: int) -> list[str]:
    """Labels of rows of so many images: one a row, below its middle."""
    return [word if at == columns // 2 else "" for word in words for at in range(columns)]


KINDS = (
    Kind(
        title="Prior samples",
        about="25 images decoded from codes drawn from the prior, the same codes for every model; below each, what the "
        "data set's classifier sees: 1/7 if it wavers between two classes, ? if no class is likely",
        needs=Figures.PRIOR_SAMPLES,
        draw=_prior_samples,
    ),
    Kind(
        title="Reconstructions",
        about="the first 10 test images, each above its reconstruction from a posterior sample (AE: from its code)",
        needs=Figures.RECONSTRUCTIONS,
        draw=_reconstructions,
    ),
    Kind(
        title="Interpolations",
        about="the first 5 pairs of test images: equal steps between posterior samples (AE: between codes)",
        needs=Figures.INTERPOLATIONS,
        draw=lambda arrays: sheet(list(arrays[Figures.INTERPOLATIONS])),
    ),
    Kind(
        title="Class centroids",
        about="the mean code of each class, decoded",
        needs=Figures.CENTROIDS,
        draw=lambda arrays: sheet(in_rows(arrays[Figures.CENTROIDS], _PER_ROW)),
    ),
    Kind(
        title="Traversals",
        about="from the mean code along the dimensions that vary most, one a row, from -3 to 3 of their own standard "
        "deviations; where factors are known, below each row the one that the dimension tells most of, and which share",
        needs=Figures.TRAVERSALS,
        draw=_traversals,
    ),
    Kind(
        title="Factors in dimensions",
        about="a row a known factor, its name below, a cell a dimension, in the order of the traversals: black where "
        "the dimension tells all of it (mutual information as a share of the factor's entropy), white where nothing",
        needs=Figures.FACTOR_SHARES,
        draw=_followed,
    ),
    Kind(
        title="Along factors",
        about="a row a known factor: a test image, equal steps from its code to that of another one, and that other "
        "image: of all pairs one that differs much in this factor and little in the others. Where codes know the "
        "factor apart, what the two share stays on the way",
        needs=Figures.FACTOR_PATHS,
        draw=_along_factors,
    ),
    Kind(
        title="Anomalies",
        about="of winners alone: the test images that are found strangest, those least strange, and the outliers that "
        "pass most easily, by the score that is best on validation",
        needs=Figures.ANOMALIES,
        draw=lambda arrays: sheet(list(arrays[Figures.ANOMALIES])),
        of_few=True,
    ),
    Kind(
        title="Imputations",
        about="of winners alone: the first test images, the same with the missing half in grey, and filled in",
        needs=Figures.IMPUTATIONS,
        draw=lambda arrays: sheet(list(arrays[Figures.IMPUTATIONS])),
        of_few=True,
    ),
    Kind(
        title="Retrieval",
        about="of winners alone: five test images, each before the training images whose codes are nearest to its own",
        needs=Figures.RETRIEVED,
        draw=lambda arrays: sheet(list(arrays[Figures.RETRIEVED])),
        of_few=True,
    ),
    Kind(
        title="Manifold",
        about="two-dimensional codes decoded on a grid over the middle 98 % of each axis",
        needs=Figures.MANIFOLD,
        draw=lambda arrays: sheet(list(arrays[Figures.MANIFOLD])),
    ),
)
KINDS_OF_VECTORS = (
    Kind(
        title="Prior samples",
        about="on the left test rows, on the right as many decoded from codes drawn from the prior, the same codes for "
        "every model; both in the order of the data's first principal component",
        needs=Figures.PRIOR_SAMPLES,
        draw=heat.prior_samples,
    ),
    Kind(
        title="Reconstructions",
        about="on the left the first 10 test rows, on the right their reconstructions from a posterior sample (AE: "
        "from the code)",
        needs=Figures.RECONSTRUCTIONS,
        draw=heat.reconstructions,
    ),
    Kind(
        title="Interpolations",
        about="the first 5 pairs of test rows: equal steps, downwards, between posterior samples (AE: between codes)",
        needs=Figures.INTERPOLATIONS,
        draw=partial(heat.paths, Figures.INTERPOLATIONS),
    ),
    Kind(
        title="Class centroids",
        about="the mean code of each class, decoded, one class a row",
        needs=Figures.CENTROIDS,
        draw=partial(heat.rows, Figures.CENTROIDS),
    ),
    Kind(
        title="Traversals",
        about="downwards, from the mean code along each of the dimensions that vary most, from -3 to 3 of their own "
        "standard deviations",
        needs=Figures.TRAVERSALS,
        draw=partial(heat.paths, Figures.TRAVERSALS),
    ),
)
KINDS_OF_SERIES = (
    Kind(
        title="Prior samples",
        about="25 series decoded from codes drawn from the prior, the same codes for every model",
        needs=Figures.PRIOR_SAMPLES,
        draw=partial(panels.several, Figures.PRIOR_SAMPLES),
    ),
    Kind(
        title="Reconstructions",
        about="the first 10 test series in grey, and over each its reconstruction from a posterior sample (AE: from "
        "its code)",
        needs=Figures.RECONSTRUCTIONS,
        draw=panels.reconstructions,
    ),
    Kind(
        title="Interpolations",
        about="the first 5 pairs of test series: steps, to the right, between posterior samples (AE: between codes)",
        needs=Figures.INTERPOLATIONS,
        draw=partial(panels.paths, Figures.INTERPOLATIONS),
    ),
    Kind(
        title="Class centroids",
        about="the mean code of each class, decoded, in the order of the classes",
        needs=Figures.CENTROIDS,
        draw=partial(panels.several, Figures.CENTROIDS),
    ),
    Kind(
        title="Traversals",
        about="to the right, from the mean code along each of the dimensions that vary most, from -3 to 3 of their own "
        "standard deviations",
        needs=Figures.TRAVERSALS,
        draw=partial(panels.paths, Figures.TRAVERSALS),
    ),
)
_KINDS = {"images": KINDS, "series": KINDS_OF_SERIES, "rows": KINDS_OF_VECTORS}


def items_of(arrays: Arrays) -> str:
    """What these pictures are of: images, series or rows."""
    return items(arrays[Figures.EMBEDDING_IMAGES].shape[1:]) if Figures.COLUMN_NAMES in arrays else "images"


def kinds_of(arrays: Arrays) -> tuple[Kind, ...]:
    """How pictures of such arrays are drawn."""
    return _KINDS[items_of(arrays)]
