"""Evidence: what all that is said of a board rests on, read once for answers, tables and verdicts. Imports no Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from aebench.analysis.configurations import Board, Configuration
from aebench.analysis.differences import NONE_KNOWN, PerImage, paired_difference, reference_difference
from aebench.analysis.naming import told_apart
from aebench.analysis.numbers import listed
from aebench.analysis.per_image import KeptImages
from aebench.analysis.ranking import Ranking
from aebench.analysis.statistics import Difference
from aebench.measures import METRICS
from aebench.records.kept import Figures, Kept, latents_after
from aebench.records.record import RunRecord
from aebench.records.store import Store
from aebench.study.contrasts import Contrast

Arrays = Callable[[RunRecord, str], np.ndarray | None]  # a kept array of a run's latents, by name
Pair = tuple[Configuration, Configuration]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One board's configurations with what their runs have left.

    Attributes:
        board: configurations of one data set and one likelihood.
        contrasts: which variants the study holds against which.
        images: numbers of single test images.
        arrays: kept arrays.
        class_names: of the data set; empty without labels.
        factor_names: of the data set's known factors; empty without.
        earlier: the same board after parts of its training, by part.
    """

    board: Board
    contrasts: Sequence[Contrast] = ()
    images: PerImage = NONE_KNOWN
    arrays: Arrays = lambda record, name: None  # noqa: ARG005
    class_names: tuple[str, ...] = ()
    factor_names: tuple[str, ...] = ()
    earlier: Mapping[float, Evidence] = field(default_factory=dict)
    _rankings: dict[str, Ranking] = field(default_factory=dict, repr=False, compare=False)

    def ranking(self, metric: str) -> Ranking:
        """All of the board held against each other in one metric, made once."""
        if metric not in self._rankings:
            self._rankings[metric] = Ranking(metric, self.board, self.images)
        return self._rankings[metric]

    def of(self, variant: str) -> list[Configuration]:
        """The plain configurations of a variant, by latent size; where the study has none that is plain, all of it."""
        own = sorted((item for item in self.board if item.variant == variant), key=lambda item: item.latent_dim)
        return [item for item in own if item.plain] or own

    def place(self, item: Configuration) -> str:
        """`z = 8`; `z = 8 (mlp-256)` where the board has several networks, or else varies how it is trained."""
        apart = self._apart[item.id]
        return f"z = {item.latent_dim} ({apart})" if apart else f"z = {item.latent_dim}"

    def places(self, items: Sequence[Configuration]) -> str:
        """`z = 2, 8 and 16`."""
        if any(self._apart[item.id] for item in items):
            return listed([self.place(item) for item in items])
        return f"z = {listed([str(item.latent_dim) for item in items])}"

    def named(self, item: Configuration) -> str:
        """`VAE β=4 z = 8`."""
        return f"{item.label} {self.place(item)}"

    @cached_property
    def _apart(self) -> dict[str, str]:
        return told_apart(self.board)

    @property
    def epochs(self) -> int:
        """How long its longest runs are trained."""
        return max(item.specs[0].epochs for item in self.board)

    @property
    def compared(self) -> list[Configuration]:
        """What the contrasts are about: of each baseline, then of each variant that is held against one, `of`."""
        names = [*(item.against for item in self.contrasts), *(item.variant for item in self.contrasts)]
        return [item for name in dict.fromkeys(names) for item in self.of(name)]

    def pairs(self, contrast: Contrast) -> Iterator[Pair]:
        """Each configuration of the contrast's variant with the baseline's that differs from it in nothing else."""
        for first in self.of(contrast.variant):
            for second in self.of(contrast.against):
                if first.peers == second.peers:
                    yield first, second

    def difference(self, first: Configuration, second: Configuration, metric: str) -> Difference | None:
        """First minus second, over seeds and, where they are known, test images.

        Where a number is a bound alone, the interval allows for what it may be off by; `None` where that is not known.
        """
        slack, found = slack_of(first, second, metric), paired_difference(first, second, metric, self.images)
        return None if slack is None or found is None else replace(found, slack=slack)

    def against(self, item: Configuration, metric: str, reference: str) -> Difference | None:
        """A configuration's metric minus that of a reference, over seeds and, where they are known, test images."""
        return reference_difference(item, metric, reference, self.images)

    def has(self, metric: str) -> bool:
        """Whether any configuration has the metric."""
        return any(item.summaries[metric].n for item in self.board)


def slack_of(first: Configuration, second: Configuration, metric: str) -> tuple[float, float] | None:
    """How far first minus second may be below and above what it is found to be, because numbers are bounds alone.

    `None` where a bound's error is not known. A bound is worse than the truth: a likelihood is higher than was found.
    """
    ours, theirs = (0.0 if item.certified(metric) else item.possible_error(metric) for item in (first, second))
    if ours is None or theirs is None:
        return None
    return (ours, theirs) if METRICS[metric].better == "lower" else (theirs, ours)


def evidence(board: Board, store: Store, contrasts: Sequence[Contrast], part: float = 1.0) -> Evidence:
    """What the runs of one board have left in a store, at the end or after a part of their training."""
    file = latents_after(part)

    def arrays(record: RunRecord, name: str) -> np.ndarray | None:
        return (store.read_arrays(record.run_id, file, [name]) or {}).get(name)

    return Evidence(
        board=board,
        contrasts=contrasts,
        images=KeptImages(store, file),
        arrays=arrays,
        class_names=_class_names(board, store),
        factor_names=_factor_names(board, store),
    )


def _factor_names(board: Board, store: Store) -> tuple[str, ...]:
    """Names of the known factors of the data on which the runs were trained."""
    known = {one.digest: one.factors for one in store.read_datasets()}
    return tuple(factor.name for factor in known.get(board[0].specs[0].dataset_digest, ()))


def _class_names(board: Board, store: Store) -> tuple[str, ...]:
    """Names of the classes of the data on which the first run that tells them was trained."""
    names = {known.digest: known.class_names for known in store.read_datasets()}
    for item in board:
        known = names.get(item.specs[0].dataset_digest)
        if known:
            return known
        for record in item.usable:
            kept = store.read_arrays(record.run_id, Kept.FIGURES, [Figures.CLASS_NAMES]) or {}
            if Figures.CLASS_NAMES in kept:
                return tuple(map(str, kept[Figures.CLASS_NAMES]))
    return ()
