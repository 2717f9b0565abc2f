"""The numbers of single test images, which finished runs have left beside their records. Imports no Keras."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from aebench.analysis.differences import PerImage
from aebench.measures import METRICS
from aebench.records.kept import Kept
from aebench.records.store import Store

MOST_HELD = 4096  # arrays: 160 MB of 10,000 test images


def kept_arrays(metric: str) -> tuple[tuple[str, float], ...]:
    """The kept arrays, with their signs, whose sum has the metric for its mean over test images; empty without any."""
    declared = METRICS[metric]
    return declared.kept or (((metric, 1.0),) if declared.of_images else ())


def per_image(store: Store, file: str = Kept.LATENTS) -> PerImage:
    """A function of a run and a metric: that metric of each test image, `(n,)`, or `None` where it is not known.

    `file` is the one that holds a run's arrays: those of its end, or of a milestone.

    Of a silhouette it is the influence of the image (`aebench.measures.classes.silhouettes.Silhouettes`), since each
    image's own depends on the distances to all others. A bootstrap of 360 digits that computed the silhouettes of AE
    and VAE anew had 0.95 to 1.06 times the standard error that influences give their difference (three latent sizes,
    three seeds); single silhouettes give one that is too small by a quarter.
    """

    @lru_cache(MOST_HELD)
    def of_run(run_id: str, metric: str) -> np.ndarray | None:
        wanted = kept_arrays(metric)
        arrays = store.read_arrays(run_id, file, [name for name, _ in wanted])
        if arrays is None or len(arrays) < len(wanted):
            return None
        total: np.ndarray = sum(sign * arrays[name] for name, sign in wanted)  # type: ignore[assignment]
        return total

    return lambda record, metric: of_run(record.run_id, metric) if kept_arrays(metric) else None
