"""What is taken of one use, as numbers or image by image, and how it is kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aebench.measures.family import Measured
from aebench.measures.metric import Better, Metric
from aebench.records.record import Profiles

# A number by its metric's name, or its value for each test image, (n,), whose mean it is; `None` where there is none.
Taken = Mapping[str, "np.ndarray | float | None"]


def per_image(name: str) -> tuple[tuple[str, float], ...]:
    """What `Metric.kept` says of a metric whose values of single images are kept under its own name."""
    return ((name, 1.0),)


def shares(
    name: str,
    label: str,
    about: str,
    references: Mapping[str, tuple[str, str]],
    *,
    better: Better = "higher",
    margin: float,
    main: bool,
) -> dict[str, Metric]:
    """The metrics of a share that is measured of codes and of each representation beside them.

    Args:
        name: of the codes' metric; a reference's has its own name behind it.
        label: as the page has it.
        about: what it is, without of what.
        references: what else it is measured of, by name: in a label, and in words.
        better: whether more or less of it.
        margin: the least difference that matters.
        main: whether the references' values of single images are kept too, to be compared with the codes'.
    """
    return {
        name: Metric(
            label=label,
            unit="share",
            better=better,
            about=f"{about}; on posterior means",
            margin=margin,
            kept=per_image(name),
        ),
        **{
            f"{name}_{key}": Metric(
                label=f"{label}, {of}",
                unit="share",
                better=better,
                about=f"{what}; {about}",
                kept=per_image(f"{name}_{key}") if main else (),
            )
            for key, (of, what) in references.items()
        },
    }


def named(taken: Taken, suffix: str) -> Taken:
    """The same under the names of a reference: `{"retrieval_map_pca": ...}`."""
    return {f"{name}_{suffix}": value for name, value in taken.items()}


def measured(taken: Taken, metrics: Mapping[str, Metric], profiles: Profiles | None = None) -> Measured:
    """All means, and the values of single images where the metric says that they are kept.

    Args:
        taken: what a family found of one run and its references.
        metrics: what the family declares.
        profiles: what else it found.
    """
    return Measured(
        numbers={name: _mean(value) for name, value in taken.items()},
        profiles=profiles or {},
        latents={
            name: value.astype("float32")
            for name, value in taken.items()
            if isinstance(value, np.ndarray) and metrics[name].kept
        },
    )


def _mean(value: np.ndarray | float | None) -> float | None:
    return float(value.mean(dtype=np.float64)) if isinstance(value, np.ndarray) else value
