"""Runs of variants in blocks that all of them share, scored beside the middle run of their block. Imports no Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aebench.analysis.configurations import Configuration
from aebench.analysis.evidence import Evidence
from aebench.analysis.purposes import Purpose, mean_over_seeds
from aebench.analysis.robust import Floats
from aebench.measures import METRICS


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Every variant's runs for one purpose, block by block.

    A block is what differs in nothing but variant and settings, such as one latent size; in it a variant stands with
    the settings that validation chooses there.

    Attributes:
        purpose: what the runs are scored by.
        items: the chosen configuration of each variant by block.
    """

    purpose: Purpose
    items: Mapping[str, Mapping[str, Configuration]]

    def common(self) -> tuple[list[str], list[str]]:
        """Variants and blocks such that each of those has runs in each of these: as many pairs as can be."""
        candidates = {frozenset(own) for own in self.items.values()}
        found = [([name for name, own in self.items.items() if blocks <= own.keys()], blocks) for blocks in candidates]
        if not found:
            return [], []
        names, blocks = max(found, key=lambda one: (len(one[0]) * len(one[1]), len(one[0]), sorted(one[1])))
        order = dict.fromkeys(block for own in self.items.values() for block in own)
        return names, [block for block in order if block in blocks]

    def scores(self, variant: str, blocks: list[str]) -> list[Floats]:
        """The variant's runs of each block: by how much each is better than the middle run of all variants there."""
        sign = -1.0 if METRICS[self.purpose.metric].better == "lower" else 1.0
        return [sign * (self._runs(variant, block) - self._middle(block)) for block in blocks]

    def _runs(self, variant: str, block: str) -> Floats:
        return np.array([*self.items[variant][block].values(self.purpose.metric).values()], "float64")

    def _middle(self, block: str) -> float:
        everyone = [self._runs(variant, block) for variant, own in self.items.items() if block in own]
        return float(np.median(np.concatenate(everyone)))


def blocks(evidence: Evidence, purpose: Purpose) -> Blocks:
    """The blocks of a board for one purpose; without a variant where none can be chosen on validation."""
    tried: dict[str, dict[str, list[tuple[float, Configuration]]]] = {}
    for item in evidence.board:
        value = mean_over_seeds(purpose.criterion(item))
        if value is not None and item.summaries[purpose.metric].n:
            tried.setdefault(item.variant, {}).setdefault(item.peers, []).append((value, item))
    return Blocks(
        purpose=purpose,
        items={
            variant: {block: max(own, key=lambda pair: pair[0])[1] for block, own in by_block.items()}
            for variant, by_block in tried.items()
        },
    )
