"""What the data say before any model is trained: measures of pixels, components and untrained encoders."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import cache, cached_property, partial

import numpy as np

from aebench.backends.environment import cores
from aebench.data.pixels import Inputs
from aebench.measures.classes.structure import Labelled, Structure, class_structure, piece_of, structures_of
from aebench.measures.components import projections
from aebench.measures.samples.classifier import Classifier
from aebench.measures.samples.judged import Samples
from aebench.measures.samples.mixture import one_thread_each
from aebench.records.keeping import Keeping, Piece, unkept
from aebench.records.record import Numbers

Codes = tuple[np.ndarray, np.ndarray]  # of the training and of the test images


class References:
    """Knows the measures of the images that runs of one likelihood see.

    Args:
        inputs: with labels.
        classifier: of the data set, or `None`.
    """

    def __init__(self, inputs: Inputs, classifier: Classifier | None) -> None:
        self.inputs = inputs
        self.samples = Samples(inputs, classifier) if classifier and inputs.labels is not None else None
        self._known: dict[bytes, Structure] = {}

    def structures(self, codes: Sequence[Codes], kept: Keeping = unkept) -> list[Structure]:
        """Class structure of several representations; one that came before, as an untrained encoder, is remembered.

        Args:
            codes: of the training and of the test images, of each representation.
            kept: keeps those of as many representations as there are cores, which are found at once.
        """
        keys = [hashlib.blake2b(np.ascontiguousarray(test).data, digest_size=16).digest() for _, test in codes]
        fresh = {key: pair for key, pair in zip(keys, codes, strict=True) if key not in self._known}
        with one_thread_each() as pool:
            for start in range(0, len(fresh), cores()):
                some = dict(itertools.islice(fresh.items(), start, start + cores()))
                name = hashlib.blake2b(b"".join(some), digest_size=8).hexdigest()
                found = kept(f"structures/{name}", partial(self._piece, pool, list(some.values())))
                self._known.update(zip(some, structures_of(found), strict=True))
        return [self._known[key] for key in keys]

    def _piece(self, pool: Executor, codes: Sequence[Codes]) -> Piece:
        return piece_of(list(pool.map(self._structure, codes)))

    def _structure(self, codes: Codes) -> Structure:
        train, test = codes
        assert self.inputs.labels is not None
        assert self.inputs.train_labels is not None
        return class_structure(
            Labelled(points=train, labels=self.inputs.train_labels), Labelled(points=test, labels=self.inputs.labels)
        )

    def of_size(self, latent_dim: int, kept: Keeping = unkept) -> Numbers:
        """The measures of pixels and of as many principal components as a code has numbers."""
        train, test = self._components
        pixels, components = self.structures([self._pixels, (train[:, :latent_dim], test[:, :latent_dim])], kept)
        return {**_named(pixels, "pixels"), **_named(components, "pca")}

    @cached_property
    def _pixels(self) -> Codes:
        train, test = self.inputs.seen_train, self.inputs.test
        return train.reshape(len(train), -1), test.reshape(len(test), -1)

    @cached_property
    def _components(self) -> Codes:
        return projections(*self._pixels)


def untrained(structure: Structure) -> Numbers:
    """The measures of an untrained encoder, by the names that a run keeps them under."""
    return _named(structure, "untrained")


def _named(structure: Structure, reference: str) -> Numbers:
    return {f"{name}_{reference}": value for name, value in structure.numbers.items()}


@cache
def references(inputs: Inputs, classifier: Classifier | None) -> References:
    """The references of these inputs, one object for all cohorts of a process."""
    return References(inputs, classifier)
