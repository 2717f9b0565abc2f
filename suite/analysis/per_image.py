"""The numbers of single test images, which finished runs have left beside their records. Imports no Keras."""

from __future__ import annotations

from functools import cache, lru_cache, partial

import numpy as np

from aebench.measures import kept_arrays, of_each_image
from aebench.records.kept import Kept
from aebench.records.record import RunRecord
from aebench.records.store import Store

MOST_HELD = 4096  # arrays: 160 MB of 10,000 test images


class KeptImages:
    """The numbers of single test images, as a store keeps them: see `PerImage`.

    Of a silhouette it is the influence of the image (`aebench.measures.classes.silhouettes.Silhouettes`), since each
    image's own depends on the distances to all others. A bootstrap of 360 digits that computed the silhouettes of AE
    and VAE anew had 0.95 to 1.06 times the standard error that influences give their difference (three latent sizes,
    three seeds); single silhouettes give one that is too small by a quarter.

    Args:
        store: where they are.
        file: the one that holds a run's arrays: those of its end, or of a milestone.
    """

    def __init__(self, store: Store, file: str = Kept.LATENTS) -> None:
        self.store, self.file = store, file
        self._read = lru_cache(MOST_HELD)(self._of_run)
        self._lengths = cache(partial(store.array_lengths, name=file))

    def __call__(self, record: RunRecord, metric: str, /) -> np.ndarray | None:
        """A metric of each test image in a run, `(n,)`; `None` where it was not kept."""
        return self._read(record.run_id, metric) if kept_arrays(metric) else None

    def count(self, record: RunRecord, metric: str, /) -> int:
        """The number of test images it was kept of, as the archive's headers say."""
        if not (wanted := kept_arrays(metric)):
            return 0
        lengths = self._lengths(record.run_id)
        return min(lengths.get(name, 0) for name, _ in wanted)

    def _of_run(self, run_id: str, metric: str) -> np.ndarray | None:
        names = [name for name, _ in kept_arrays(metric)]
        return of_each_image(metric, self.store.read_arrays(run_id, self.file, names) or {})
