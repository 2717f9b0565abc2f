"""What tells the configurations of a board apart beside variant, settings and latent size."""

from __future__ import annotations

from collections.abc import Sequence

from aebench.analysis.configurations import Configuration

_MAY_VARY = ("network", "epochs", "batch_size", "learning_rate", "schedule", "adam", "train_on")
_WORDS = {"network": "", "train_on": "on "}


def told_apart(configurations: Sequence[Configuration]) -> dict[str, str]:
    """What of each is not the same in all, by id: `mlp-256`, `conv, epochs 60`; empty words where all is."""
    varying = [name for name in _MAY_VARY if len({getattr(item.specs[0], name) for item in configurations}) > 1]
    return {item.id: ", ".join(_word(item, name) for name in varying) for item in configurations}


def _word(item: Configuration, name: str) -> str:
    return f"{_WORDS.get(name, name.replace('_', ' ') + ' ')}{getattr(item.specs[0], name)}"
