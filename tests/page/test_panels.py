"""Series as lines: where they are, that no peak is lost, and which pictures are made of them."""

from __future__ import annotations

import numpy as np
import pytest

from aebench.page import kinds, panels
from aebench.page.look import class_colours
from aebench.records.kept import Figures

STEPS = 40
RNG = np.random.default_rng(0)
ARRAYS = {
    Figures.EMBEDDING_IMAGES: np.stack([np.full((STEPS, 2), -1.0), np.full((STEPS, 2), 3.0)]),
    Figures.COLUMN_NAMES: np.array(["up", "down"]),
}


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def inked(panel: np.ndarray, colour: str) -> np.ndarray:
    """Rows of pixels that are wholly of a colour, in each column: `(HEIGHT, WIDTH)`."""
    return np.abs(panel.astype(int) - rgb(colour)).max(axis=-1) <= 1


@pytest.mark.parametrize(("value", "share"), [(-1.0, 0.0), (3.0, 1.0), (1.0, 0.5), (0.0, 0.25), (99.0, 1.0)])
def test_a_line_is_as_high_as_its_value_between_the_least_and_the_largest(value: float, share: float) -> None:
    (panel,) = panels.panels(np.full((1, STEPS, 1), value), ARRAYS)
    assert panel.shape == (panels.HEIGHT, panels.WIDTH, 3)
    dark = (panel < panel[0, 0].max() - 20).any(axis=-1)
    assert (dark == dark[:, :1]).all()
    middle = np.flatnonzero(dark[:, 0]).mean() + 0.5
    assert 1.0 - (middle - 2.0) / (panels.HEIGHT - 4.0) == pytest.approx(share, abs=1.0 / panels.HEIGHT)


@pytest.mark.parametrize("steps", [1, 2, panels.WIDTH + 1, 1000])
def test_no_peak_is_lost(steps: int) -> None:
    """Of many more steps than pixels, one that is high is seen, in its column."""
    series = np.full((1, steps, 1), -1.0)
    at = steps // 3
    series[0, at] = 3.0
    (panel,) = panels.panels(series, ARRAYS)
    columns = np.flatnonzero(inked(panel, class_colours(1)[0])[2])
    expected = at / max(steps - 1, 1) * (panels.WIDTH - 1)
    assert len(columns)
    assert np.abs(columns - expected).min() <= 1.0


def test_channels_have_colours_and_what_is_behind_is_grey() -> None:
    series = np.stack([np.full(STEPS, 0.0), np.full(STEPS, 2.0)], axis=-1)[None]
    (panel,) = panels.panels(series, ARRAYS, behind=np.full((1, STEPS, 2), 1.0))
    rows = [np.flatnonzero(inked(panel, colour).all(axis=1)).mean() for colour in class_colours(2)]
    assert rows[0] > rows[1], "0 is below 2"
    grey = panel[panels.HEIGHT // 2 - 1 : panels.HEIGHT // 2 + 1]
    assert np.ptp(grey.astype(int), axis=-1).max() < 20


def test_numbers_that_are_none_and_data_that_do_not_vary_are_drawn_too() -> None:
    series = np.full((2, STEPS, 2), np.nan)
    flat = {**ARRAYS, Figures.EMBEDDING_IMAGES: np.zeros((3, STEPS, 2))}
    assert panels.panels(series, flat).shape == (2, panels.HEIGHT, panels.WIDTH, 3)


def test_each_kind_of_data_has_kinds_of_pictures() -> None:
    rows = {Figures.EMBEDDING_IMAGES: np.zeros((9, 4)), Figures.COLUMN_NAMES: np.array(list("abcd"))}
    assert [kinds.items_of(one) for one in (ARRAYS, rows, {})] == ["series", "rows", "images"]
    arrays = {
        **ARRAYS,
        Figures.ORIGINALS: RNG.normal(size=(10, STEPS, 2)),
        Figures.RECONSTRUCTIONS: RNG.normal(size=(10, STEPS, 2)),
        Figures.PRIOR_SAMPLES: RNG.normal(size=(25, STEPS, 2)),
        Figures.INTERPOLATIONS: RNG.normal(size=(5, 11, STEPS, 2)),
        Figures.CENTROIDS: RNG.normal(size=(3, STEPS, 2)),
        Figures.TRAVERSALS: RNG.normal(size=(4, 11, STEPS, 2)),
    }
    drawn = {kind.title: kind.draw(arrays) for kind in kinds.kinds_of(arrays)}
    assert {title: (one.rows, one.columns) for title, one in drawn.items()} == {
        "Prior samples": (5, 5),
        "Reconstructions": (2, 5),
        "Interpolations": (5, 5),
        "Class centroids": (1, 3),
        "Traversals": (4, 5),
    }
