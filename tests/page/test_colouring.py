"""What the explorer's dots are coloured by: known factors and errors, and the page in headless Chromium."""

from __future__ import annotations

import numpy as np
import pytest

from aebench import page as report
from aebench.page.colouring import SHADES, colourings
from aebench.records.kept import Figures

EVERY = np.arange(4)


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """Four images of two pixels, which a model gets wrong by 0, 51, 102 and 255 of 255 in one of them."""
    images = np.zeros((4, 1, 2, 1), np.uint8)
    made = images.copy()
    made[:, 0, 0, 0] = [0, 51, 102, 255]
    return {
        Figures.EMBEDDING_IMAGES: images,
        Figures.EMBEDDING_RECONSTRUCTIONS: made,
        Figures.EMBEDDING_FACTORS: np.array([[1.0, 0.0], [2.0, 90.0], [3.0, 359.0], [9.0, 360.0]], "float32"),
        Figures.FACTOR_NAMES: np.array(["size", "angle"]),
        Figures.FACTOR_PERIODS: np.array([0.0, 360.0]),
    }


def test_factors_are_shaded_from_their_least_to_their_greatest_value(arrays) -> None:
    size, angle, _ = colourings({"a": arrays}, EVERY)
    assert (size.name, size.low, size.high) == ("size", "1.00", "9.00")
    assert size.shades == "acep"
    assert (angle.low, angle.high) == ("0", "360")
    assert angle.shades == "aepa", "a whole turn is none"
    assert len(size.colours) == len(angle.colours) == SHADES
    assert len(set(size.colours)) == SHADES


def test_errors_of_all_models_have_one_scale(arrays) -> None:
    exact = {**arrays, Figures.EMBEDDING_RECONSTRUCTIONS: arrays[Figures.EMBEDDING_IMAGES]}
    found = colourings({"a": arrays, "b": exact}, EVERY[::-1])[-1]
    errors = np.array([0.0, 0.02, 0.08, 0.5])  # (51 / 255)² / 2 and so on
    assert float(found.high.removeprefix("≥ ")) == pytest.approx(np.quantile([*errors, 0, 0, 0, 0], 0.98), rel=5e-3)
    assert found.shades["b"] == "aaaa"
    assert found.shades["a"][0] == "p"
    assert found.shades["a"][3] == "a"
    assert list(found.shades["a"]) == sorted(found.shades["a"], reverse=True)


def test_errors_that_are_no_numbers_colour_nothing(arrays) -> None:
    broken = {**arrays, Figures.EMBEDDING_RECONSTRUCTIONS: np.full((4, 1, 2, 1), np.nan, "float32")}
    assert [one.name for one in colourings({"a": broken}, EVERY)] == ["size", "angle"]
    assert colourings({}, EVERY) == colourings({"a": arrays}, EVERY[:0]) == ()


def test_the_reader_chooses_what_dots_are_coloured_by(source, visit, tmp_path) -> None:
    given = source(seeds=1)
    for record in given.records.values():
        kept = given.store.read_arrays(record.run_id, "figures")
        factors = np.arange(len(kept["embedding_index"]), dtype="float32")[:, None]
        own = {Figures.EMBEDDING_FACTORS: factors, Figures.FACTOR_NAMES: np.array(["order"])}
        given.store.write_arrays(record.run_id, "figures", {**kept, **own, Figures.FACTOR_PERIODS: np.array([0.0])})
    page = visit(report.write([given], tmp_path / "page")).page
    select = page.locator(".by select")
    assert select.locator("option").all_text_contents() == ["class", "order", "squared error of the reconstruction"]
    dots = len(kept["embedding_index"])
    counted = """(paths) => paths.filter((path) => path.checkVisibility())
        .map((path) => (path.getAttribute("d").match(/M/g) || []).length)"""
    plane = page.locator(".model:not([hidden]) .scatter").first

    def shown() -> list[int]:
        return plane.locator("path").evaluate_all(counted)

    by_class = shown()
    assert sum(by_class) == dots
    assert len(by_class) == 3
    assert page.locator(".by .scale").is_hidden()
    select.select_option(label="order")
    assert sum(shown()) == dots
    assert len(shown()) == SHADES
    assert page.locator(".by .scale").inner_text().split() == ["0", f"{dots - 1:.1f}"]
    assert page.locator(".classes").is_hidden()
    assert "coloured by order" in plane.get_attribute("aria-label")
    assert plane.locator("text").first.is_hidden()
    select.select_option(label="squared error of the reconstruction")
    assert sum(shown()) == dots
    assert page.locator(".by .scale").inner_text().startswith("≤")
    select.select_option(label="class")
    assert shown() == by_class
    assert page.locator(".classes").is_visible()
    assert "coloured by class" in plane.get_attribute("aria-label")
