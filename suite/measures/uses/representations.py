"""Representations that a use is measured of: codes, pixels, components, untrained encoders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from aebench.data.pixels import FIXED_SEED, Inputs
from aebench.measures.components import projections
from aebench.measures.family import Measured
from aebench.measures.metric import Metric
from aebench.measures.samples.mixture import one_thread_each
from aebench.measures.uses.taken import Taken, measured, named

if TYPE_CHECKING:
    from aebench.measures.context import Context

Codes = tuple[np.ndarray, np.ndarray]  # of the training and of the test images
Use = Callable[[Inputs, Codes], Taken]  # a module's function, which is known by its identity


class Representations:
    """Knows what has been measured of representations of the images that runs of one likelihood see."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self._known: dict[tuple[Use, bytes], Taken] = {}

    def of_each(self, use: Use, codes: Sequence[Codes]) -> list[Taken]:
        """What a use makes of several representations; nothing of those that aren't finite."""
        keys = [(use, hashlib.blake2b(np.ascontiguousarray(test).data, digest_size=16).digest()) for _, test in codes]
        fresh = {key: pair for key, pair in zip(keys, codes, strict=True) if key not in self._known}
        with one_thread_each() as pool:
            found = pool.map(lambda pair: use(self.inputs, pair) if _finite(pair) else {}, fresh.values())
            self._known.update(zip(fresh, found, strict=True))
        return [self._known[key] for key in keys]

    @cached_property
    def pixels(self) -> Codes:
        """The images themselves, `(n, pixels)`."""
        train, test = self.inputs.seen_train, self.inputs.test
        return train.reshape(len(train), -1), test.reshape(len(test), -1)

    def components(self, latent_dim: int) -> Codes:
        """The images on as many principal components as a code has numbers."""
        train, test = self._components
        return train[:, :latent_dim], test[:, :latent_dim]

    @cached_property
    def _components(self) -> Codes:
        return projections(*self.pixels)


def beside_references(context: Context, use: Use) -> list[Taken]:
    """What a use makes of the codes of each run, and of those that `classes.family` holds them against."""
    known = representations(context.inputs)
    own = [*zip(context.train[0], context.codes, strict=True)]
    before = [*zip(*context.untrained_codes, strict=True)]
    found = known.of_each(use, [*own, *before, known.pixels, known.components(context.latent_dim)])
    pixels, components = found[-2:]
    shared = {**named(pixels, "pixels"), **named(components, "pca")}
    return [
        {**mine, **named(untrained, "untrained"), **shared}
        for mine, untrained in zip(found[: context.count], found[context.count : -2], strict=True)
    ]


def by_class(
    context: Context,
    use: Use,
    chosen_by: str,
    on_validation: Callable[[Inputs, Codes, np.ndarray], np.ndarray | None],
    metrics: Mapping[str, Metric],
) -> list[Measured]:
    """Measures, for each run, a use that takes classes; nothing without labels or of a single class.

    Args:
        context: of the runs.
        use: of the test split, beside references.
        chosen_by: the metric of the validation split.
        on_validation: its value for each validation image, from codes of the training and validation images and labels.
        metrics: what the family declares.
    """
    if not has_classes(context.inputs):
        return [Measured()] * context.count
    labels = context.inputs.validation_labels
    found = [measured(taken, metrics) for taken in beside_references(context, use)]
    if labels is None or not len(labels):
        return found
    for own, codes in zip(found, zip(context.train[0], context.validation_codes, strict=True), strict=True):
        values = on_validation(context.inputs, codes, labels) if _finite(codes) else None
        own.numbers[chosen_by] = None if values is None else float(values.mean())
    return found


def has_classes(inputs: Inputs) -> bool:
    """Whether images have labels of several classes."""
    return inputs.labels is not None and inputs.train_labels is not None and len(np.unique(inputs.train_labels)) > 1


def some(count: int, most: int) -> np.ndarray:
    """Places of at most `most` of `count` images in no order, always the same."""
    return np.random.default_rng(FIXED_SEED).permutation(count)[:most]


def in_units(*parts: np.ndarray) -> list[np.ndarray]:
    """Representations `(n, d)` moved and scaled alike by what the first is, float64: no square overflows.

    Scaled by one number for all dimensions, so that turning the codes changes no distance.
    """
    first = parts[0].astype("float64")
    middle = first.mean(axis=0)
    unit = max(float(np.abs(first - middle).max()), float(np.finfo("float64").tiny))
    return [(part - middle) / unit for part in parts]


def _finite(codes: Codes) -> bool:
    return all(bool(np.isfinite(part).all()) for part in codes)


@cache
def representations(inputs: Inputs) -> Representations:
    """The representations of these inputs, one object for all cohorts of a process."""
    return Representations(inputs)
