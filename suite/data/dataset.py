"""The typed arrays that pass between sources, cache and harness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from aebench.records.record import Column, Factor, Values

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Images, series or vectors of one split, in a fixed order.

    Attributes:
        images: `(n, height, width, channels)`, uint8 or float32, or series `(n, time steps, channels)` or vectors
            `(n, columns)`, float64 in their own units; possibly memory-mapped.
        labels: `(n,)` int64 class indices, or None for a set without labels.
        maximum: the value of a fully inked pixel (16 for digits, 255 for bytes, 1 for binary or float).
        factors: `(n, factors)` float64, the value of each factor of each image, or None where none are known.
        columns: how models see each column of vectors or channel of series; empty for images.
        groups: `(n,)`, equal for what must not be parted when splits are cut; `None` without, and once they are cut.
    """

    images: Array
    labels: Array | None
    maximum: float
    factors: Array | None = None
    columns: tuple[Column, ...] = ()
    groups: Array | None = None

    def __len__(self) -> int:
        return len(self.images)

    def pixels(self) -> npt.NDArray[np.float32]:
        """What models see: images scaled to the unit interval, series and vectors as their columns say.

        Returns:
            `(n, height, width, channels)` float32 in [0, 1], `(n, time steps, channels)` or `(n, columns)` float32; a
            new array.
        """
        if self.columns:
            mean, scale = (np.array([getattr(column, name) for column in self.columns]) for name in ("mean", "scale"))
            return np.asarray((self.images - mean) / scale, np.float32)
        return self.images.astype(np.float32) / np.float32(self.maximum)

    def without(self, label: int) -> Split:
        """The images of all classes but this one."""
        return self.take(np.flatnonzero(self.labels != label))

    def take(self, indices: Array) -> Split:
        """The images (with labels and factors) at `indices`, in that order, as a new split."""
        labels = None if self.labels is None else self.labels[indices]
        factors = None if self.factors is None else self.factors[indices]
        groups = None if self.groups is None else self.groups[indices]
        return replace(self, images=self.images[indices], labels=labels, factors=factors, groups=groups)


@dataclass(frozen=True, kw_only=True, eq=False)
class Published:
    """A data set as its authors publish it, before this suite cuts its own validation split.

    Attributes:
        train, validation, test: the published splits; None where there is none.
        class_names: one name per class index, or None without labels.
        factors: what the columns of each split's factors are; empty without.
        values: what kind of numbers it holds.
        note: what was found in files of images and done to them, for a sentence; empty elsewhere.
    """

    train: Split
    validation: Split | None = None
    test: Split | None = None
    class_names: tuple[str, ...] | None = None
    factors: tuple[Factor, ...] = ()
    values: Values = "unit"
    note: str = ""

    def splits(self) -> dict[str, Split]:
        """The splits that exist, by name."""
        every = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in every.items() if split is not None}


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A data set ready for use.

    Attributes:
        name: how studies call it.
        digest: sha256 (hex) over all arrays, their types and shapes.
        train, validation, test: the three splits; disjoint, fixed for ever.
        class_names: one name per class index, or None without labels.
        source: one sentence: where the images come from.
        split_rule: one sentence: how the splits were made.
        factors: what the columns of each split's factors are; empty without.
        values: what kind of numbers it holds, which decides what likelihoods fit.
    """

    name: str
    digest: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...] | None
    source: str
    split_rule: str
    factors: tuple[Factor, ...] = ()
    values: Values = "unit"

    def __eq__(self, other: object) -> bool:
        """Data sets of one digest have the same content."""
        return isinstance(other, Dataset) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """`(height, width, channels)`, `(time steps, channels)` of series, or `(columns,)` of vectors."""
        return self.train.images.shape[1:]

    @property
    def levels(self) -> int:
        """How many values a pixel may have, as far apart from 0 to 1; 0 of vectors and of floats."""
        return int(self.train.maximum) + 1 if self.train.images.dtype == np.uint8 else 0

    @property
    def columns(self) -> tuple[Column, ...]:
        """How models see each column of vectors or channel of series; empty for images."""
        return self.train.columns

    def without(self, label: int) -> Dataset:
        """The same without a class in training and validation; the test split keeps it.

        Args:
            label: the class's index.

        Returns:
            A view with a digest of its own; nothing is cached.
        """
        train, validation = self.train.without(label), self.validation.without(label)
        return replace(self, digest=f"{self.digest} without {label}", train=train, validation=validation)

    def splits(self) -> dict[str, Split]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


@dataclass(frozen=True, kw_only=True)
class DatasetStatus:
    """What is known about a data set without loading it.

    Attributes:
        name: how studies call it.
        state: `cached`, `built in` (filled at first use), `installed` (as a package of the operating system),
            `prepared` (by tensorflow-datasets), `not cached`, or `damaged`.
        sizes: images in train, validation and test, or None if unknown before the first load.
        image_shape: `(height, width, channels)`, `(time steps, channels)` of series, `(columns,)` of vectors, or None
            if unknown.
        classes: number of classes; 0 for a set without labels, None if unknown.
        digest: content digest if cached.
        content_checked: whether what is taken in under this name is held against published sums.
        source: where the images come from; for a damaged cache, what is wrong.
        split_rule: how the splits are made, or None if unknown.
        factors: the factors of variation that are known of each image; None if unknown.
    """

    name: str
    state: str
    sizes: tuple[int, int, int] | None
    image_shape: tuple[int, ...] | None
    classes: int | None
    digest: str | None
    content_checked: bool
    source: str
    split_rule: str | None
    factors: tuple[Factor, ...] | None
