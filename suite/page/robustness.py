"""What few seeds can hide: configurations whose seeds fall into two groups, and numbers that a few do not move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aebench.analysis.blocks import blocks
from aebench.analysis.configurations import Board
from aebench.analysis.evidence import Evidence
from aebench.analysis.numbers import column_decimals, number
from aebench.analysis.purposes import PURPOSES
from aebench.analysis.seed_groups import Split, chance_unseen, highest_unseen_rate, splits
from aebench.measures import METRICS
from aebench.page.canvas import Plot
from aebench.page.look import Looks
from aebench.page.plots.budgets import tuning_budgets
from aebench.page.plots.robust import improvements, interquartile_means, profiles

RATES = (0.01, 0.05, 0.1, 0.2, 0.3)


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """A board's section.

    Attributes:
        groups: a line for each configuration and metric whose seeds fall into two groups.
        seeds: of a configuration, at most.
        unseen: how likely none of so many seeds shows what befalls a run at each of some rates, as people write both.
        highest: the highest rate that so many seeds without any leave possible, at 95 %.
        plots: what is robust against a few bad runs.
    """

    groups: tuple[str, ...]
    seeds: int
    unseen: tuple[tuple[str, str], ...]
    highest: str
    plots: tuple[Plot, ...]


def robustness(evidence: Evidence, looks: Looks) -> Robustness:
    """The section of a board."""
    seeds = max((len(item.usable) for item in evidence.board), default=0)
    purposes = [found for one in PURPOSES if (found := blocks(evidence, one)).items]
    drawn = (
        interquartile_means(purposes, looks),
        profiles(purposes, looks),
        improvements(purposes, evidence.contrasts),
        tuning_budgets(evidence, looks),
    )
    return Robustness(
        groups=tuple(told(one, looks) for one in groups(evidence.board)),
        seeds=seeds,
        unseen=tuple((percent(rate), percent(chance_unseen(rate, seeds))) for rate in RATES),
        highest=percent(highest_unseen_rate(seeds)) if seeds else "",
        plots=tuple(plot for plot in drawn if plot is not None),
    )


def groups(board: Board) -> list[Split]:
    """Every configuration whose seeds fall into two groups in what a purpose is scored by."""
    return [found for one in PURPOSES for found in splits(board, one.metric)]


def told(split: Split, looks: Looks) -> str:
    """`VAE β=4, latent size 8: ELBO of 1 of 5 seeds apart from the others (seed 3: −35.2; the others −24.1 ± 0.1)`."""
    decimals = column_decimals([split.item], split.metric)
    apart = ", ".join(f"seed {seed}: {number(value, decimals)}" for seed, value in split.fewer.items())
    others = number(float(np.mean([*split.more.values()])), decimals)
    count = f"{len(split.fewer)} of {len(split.fewer) + len(split.more)} seeds"
    label = METRICS[split.metric].label
    return (
        f"{looks.title(split.item)}: {label} of {count} far from the others' ({apart}; the others {others} on average)"
    )


def percent(share: float) -> str:
    """`59 %`."""
    return f"{100.0 * share:.0f} %"


def configurations(found: Sequence[Split]) -> int:
    """How many configurations there are among these."""
    return len({one.item.id for one in found})
