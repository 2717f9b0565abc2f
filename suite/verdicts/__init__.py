"""What a study says to the questions of the two studies that the suite grew out of. Imports no Keras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suite.compare import Configuration
from suite.per_image import per_image
from suite.record import RunRecord
from suite.store import Store
from suite.verdicts import generation, latent, separation
from suite.verdicts.verdict import Evidence, Verdict

__all__ = ["Evidence", "Verdict", "evidence", "verdicts"]

QUESTIONS = (
    separation.vae_against_ae,
    separation.effect_of_beta,
    generation.prior_samples_of_the_ae,
    generation.why_samples_look_primitive,
    generation.centroids,
    latent.pictures,
    latent.worst_classes,
    generation.midpoints,
    latent.collapse,
)


def evidence(board: Sequence[Configuration], store: Store) -> Evidence:
    """What the runs of one board have left in a store."""

    def arrays(record: RunRecord, name: str) -> np.ndarray | None:
        return (store.read_arrays(record.run_id, "latents", [name]) or {}).get(name)

    names = (store.read_arrays(item.run_id, "figures", ["class_names"]) for config in board for item in config.usable)
    found = next((own["class_names"] for own in names if own and "class_names" in own), ())
    return Evidence(board=board, images=per_image(store), arrays=arrays, class_names=tuple(map(str, found)))


def verdicts(evidence: Evidence) -> tuple[Verdict, ...]:
    """One for each question to which the evidence of one board has an answer."""
    found = (question(evidence) for question in QUESTIONS)
    return tuple(verdict for verdict in found if verdict is not None)
