"""Verdict and the evidence that it rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from suite.compare import Configuration, PerImage, is_plain_vae, paired_difference
from suite.record import RunRecord
from suite.statistics import Difference

Standing = Literal["confirmed", "confirmed in part", "refuted in part", "refuted", "not settled", "found"]
Arrays = Callable[[RunRecord, str], np.ndarray | None]  # a kept array of a run's latents, by name


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A question with its answer, as found.

    Attributes:
        question: what was asked.
        claim: what the earlier studies said; empty where they only asked.
        standing: of the claim; `"found"` where there was none.
        answer: in a sentence.
        lines: the numbers behind it, one kind a line.
    """

    question: str
    claim: str
    standing: Standing
    answer: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One board's configurations with what their runs have left.

    Attributes:
        board: configurations of one data set and one likelihood.
        images: numbers of single test images.
        arrays: kept arrays.
        class_names: of the data set; empty without labels.
    """

    board: Sequence[Configuration]
    images: PerImage
    arrays: Arrays
    class_names: tuple[str, ...] = ()

    @property
    def autoencoders(self) -> list[Configuration]:
        """The plain ones, by latent size."""
        return sorted((item for item in self.board if item.variant == "ae"), key=lambda item: item.latent_dim)

    @property
    def plain_vaes(self) -> list[Configuration]:
        """Those of β = 1, by latent size."""
        return sorted((item for item in self.board if is_plain_vae(item)), key=lambda item: item.latent_dim)

    def pairs(self) -> Iterator[tuple[Configuration, Configuration]]:
        """Each VAE of β = 1 with the autoencoder that differs from it in nothing else."""
        for vae in self.plain_vaes:
            for ae in self.autoencoders:
                if ae.peers == vae.peers:
                    yield vae, ae

    def difference(self, first: Configuration, second: Configuration, metric: str) -> Difference | None:
        """First minus second, over seeds and, where they are known, test images."""
        return paired_difference(first, second, metric, self.images)

    def has(self, metric: str) -> bool:
        """Whether any configuration has the metric."""
        return any(item.summaries[metric].n for item in self.board)


def interval(difference: Difference) -> str:
    """`+0.023 [+0.018, +0.028]`, to two digits of its standard error."""
    spread = difference.se or abs(difference.mean)
    decimals = 1 - math.floor(math.log10(spread)) if spread > 0 else 3
    decimals = min(max(decimals, 0), 6)
    mean = f"{difference.mean:+.{decimals}f}"
    if difference.low is None or difference.high is None:
        return f"{mean} (one seed: no interval)"
    return f"{mean} [{difference.low:+.{decimals}f}, {difference.high:+.{decimals}f}]"


def sources(differences: Sequence[Difference]) -> str:
    """` (over seeds alone)` where test images don't enter an interval, else nothing."""
    alone = any(difference.image_se is None for difference in differences)
    return " (over seeds alone: the choice of test images is not in it)" if alone else ""


def mean_sd(item: Configuration, metric: str, decimals: int = 2) -> str:
    """`0.31 ± 0.02`, or `n/a`."""
    summary = item.summaries[metric]
    if summary.mean is None:
        return "n/a"
    sd = f" ± {summary.sd:.{decimals}f}" if summary.sd else ""
    return f"{summary.mean:.{decimals}f}{sd}"


def mean_profile(item: Configuration, name: str) -> np.ndarray | None:
    """A profile's mean over seeds; `None` if no run has it."""
    found = [record.profiles[name] for record in item.usable if name in record.profiles]
    return np.mean(found, axis=0) if found else None


def sizes(items: Sequence[Configuration]) -> str:
    """`z = 2, 8 and 16`."""
    names = [str(item.latent_dim) for item in items]
    return "z = " + (names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}")
