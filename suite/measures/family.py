"""Family: measures that are taken together, declared beside what takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from aebench.measures.metric import Metric
from aebench.records.record import Numbers, Profiles

if TYPE_CHECKING:
    from aebench.measures.context import Context

# Under what heading tables show a family's numbers.
GROUPS = {
    "likelihood": "Likelihood and use of the code",
    "classes": "Classes in latent space",
    "factors": "Known factors in the code",
    "uses": "Uses of the code",
    "images": "Generated images",
    "cost": "Size and speed",
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a family says of one run.

    Attributes:
        numbers, profiles: by the names that the family declares; what isn't finite is left out.
        latents, figures: arrays to keep, by the names in `aebench.records.kept`.
    """

    numbers: Numbers = field(default_factory=dict)
    profiles: Profiles = field(default_factory=dict)
    latents: dict[str, np.ndarray] = field(default_factory=dict)
    figures: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Family:
    """Some measures.

    Attributes:
        name: in messages.
        group: a key of `GROUPS`.
        metrics, profiles: what is measured, by the name that it is kept under.
        measure: takes them of all runs of a cohort, one `Measured` each, in order; `None` where somebody else does.
        needs_labels: whether a data set without labels has none of them.
        needs_factors: whether a data set without known factors has none of them.
        needs_images: whether a data set of series or vectors has none of them.
        judged: whether a classifier that every machine trains for itself has a say in it.
        on_request: whether it is measured only where a study asks for it.
        at_milestones: whether it is measured on the way too, and not at the end alone.
    """

    name: str
    group: str
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    profiles: Mapping[str, Metric] = field(default_factory=dict)
    measure: Callable[[Context], Sequence[Measured]] | None = None
    needs_labels: bool = False
    needs_factors: bool = False
    needs_images: bool = False
    judged: bool = False
    on_request: bool = False
    at_milestones: bool = False
