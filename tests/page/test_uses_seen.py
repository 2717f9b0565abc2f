"""Pictures of uses and of known factors, of those that they are drawn of."""

from __future__ import annotations

import io
from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aebench.page.look import looks
from aebench.page.seeing import Seeing, seeing
from aebench.records.kept import Figures, Kept

OF_USES = {Figures.ANOMALIES: "Anomalies", Figures.IMPUTATIONS: "Imputations", Figures.RETRIEVED: "Retrieval"}


@pytest.fixture
def seen(source) -> Any:
    """seen(wanted, of_uses, **arrays) -> the pictures of a made-up board whose first seeds keep these arrays too."""

    def made(wanted: list[int], of_uses: list[int], **arrays: np.ndarray) -> Seeing:
        given = source(seeds=1)
        for spec in given.specs:
            kept = given.store.read_arrays(spec.run_id, Kept.FIGURES)
            own = {
                name: one[: spec.latent_dim] if name == Figures.FACTOR_SHARES else one for name, one in arrays.items()
            }
            given.store.write_arrays(spec.run_id, Kept.FIGURES, {**kept, **own})
        board = given.comparison.configurations
        return seeing(board, looks(board), given.store, [board[at] for at in wanted], [board[at] for at in of_uses])

    return made


def pictures(model: Any) -> dict[str, Any]:
    return {picture.kind.title: picture.sheet for picture in model.pictures if picture.sheet is not None}


def test_only_winners_are_pictured_at_their_uses(seen) -> None:
    found = seen([0], [2], **{name: np.zeros((3, 10, 8, 8, 1), np.uint8) for name in OF_USES})
    having = [set(OF_USES.values()) <= pictures(model).keys() for model in found.models]
    assert (sum(having), len(having)) == (2, 6)
    assert all("Reconstructions" in pictures(model) for model in found.models)
    sheet = pictures(found.models[having.index(True)])["Anomalies"]
    assert (sheet.columns, sheet.rows) == (10, 3)


def test_runs_of_before_uses_were_pictured_are_shown_without(seen) -> None:
    assert not {kind.title for kind in seen([0], [1]).shown} & {*OF_USES.values(), "Factors in dimensions"}


def test_dimensions_are_named_by_the_factor_that_they_follow(seen) -> None:
    shares = np.array([[0.1, 0.82], [0.4, 0.0], [0.0, 0.0], [0.0, 0.1]], np.float32)  # a row a dimension
    names = np.array(["place", "size"])
    found = seen([0], [], **{Figures.FACTOR_SHARES: shares, Figures.FACTOR_NAMES: names})
    own = pictures(found.models[0])
    rows = np.reshape(own["Traversals"].labels, (2, 11))
    assert rows[:, 5].tolist() == ["size 0.82", "place 0.40"]
    assert set(rows.ravel()) == {"", "size 0.82", "place 0.40"}
    matrix = own["Factors in dimensions"]
    assert [label for label in matrix.labels if label] == ["place", "size"]
    cells = np.asarray(Image.open(io.BytesIO(b64decode(matrix.src.partition(",")[2]))).convert("L"))
    below = cells.shape[0] // 2 - 12  # a row of cells, and room for its name
    known = {(0, 0): 0.1, (0, 1): 0.4, (1, 0): 0.82, (1, 1): 0.0}
    for (factor, dimension), share in known.items():
        part = cells[factor * (12 + below) :, dimension * 13 :][:12, :12]
        assert np.unique(part).tolist() == [round(255 * (1 - share))]
