"""How a run stood earlier in its training, and whether what is said of it now was so already. Imports no Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from aebench.records.record import Curve, RunRecord

Told = TypeVar("Told")


def after(record: RunRecord, part: float) -> RunRecord:
    """The run after that part of its epochs: its curves up to there, and the measures of that milestone.

    A measure whose version has changed since is absent.
    """
    found = next(one for one in record.milestones if one.part == part)
    current = [name for name, number in found.metric_versions.items() if record.metric_versions.get(name) == number]
    curves = {name: getattr(record.curve, name)[: found.epoch] for name in Curve.model_fields}
    return record.model_copy(
        update={
            "curve": Curve(**curves),
            "metrics": {name: found.metrics[name] for name in current if name in found.metrics},
            "profiles": {name: found.profiles[name] for name in current if name in found.profiles},
            "image_sd": {},  # those of its end
        }
    )


def words(now: Told, earlier: Mapping[float, Told], epochs: int, before: Callable[[Told], str]) -> str:
    """Whether what is found now was found earlier, in a sentence; empty where earlier tells nothing.

    Args:
        now: what is found at the end.
        earlier: the same by the part of training that it was found after.
        epochs: of the training.
        before: how what was found earlier is told, to follow "after 10 of 20 epochs".
    """
    if not earlier:
        return ""
    since = held_since(now, earlier)
    if since is not None:
        return f"Stood since epoch {round(since * epochs)} of {epochs}."
    last = max(earlier)
    return f"Still moving: after {round(last * epochs)} of {epochs} epochs {before(earlier[last])}."


def held_since(now: Told, earlier: Mapping[float, Told]) -> float | None:
    """The smallest part of training from which on all milestones had what there is now; `None` if the last had not."""
    since = None
    for part in sorted(earlier, reverse=True):
        if earlier[part] != now:
            break
        since = part
    return since
