"""Figures as files, and names in them that can be read."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from matplotlib.image import imread
from matplotlib.text import Text

from aebench.page.canvas import Plot, canvas
from aebench.page.plots.naming import name_points


def test_each_file_of_a_plot_is_what_its_name_says(tmp_path: Path) -> None:
    plot = _curve()
    svg, pdf, png = plot.save(tmp_path / "figures", "digits-curve")
    assert [path.name for path in (svg, pdf, png)] == ["digits-curve.svg", "digits-curve.pdf", "digits-curve.png"]
    root = ET.parse(svg).getroot()
    assert root.tag.endswith("svg")
    assert "step" in {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert pdf.read_bytes().rstrip().endswith(b"%%EOF")
    height, width = imread(png).shape[:2]
    assert (width, height) == (round(plot.figure.get_figwidth() * 300), round(plot.figure.get_figheight() * 300))


def test_a_smaller_svg_is_the_same_picture() -> None:
    """Numbers are as they were to a hundredth of a point, and no style gets lost."""
    plot = _curve()
    full, small = (ET.fromstring(text) for text in (plot._drawn("svg"), plot.svg))
    drawn = [[element for element in root.iter() if "d" in element.attrib] for root in (full, small)]
    assert len(drawn[0]) == len(drawn[1])
    for one, other in zip(*drawn, strict=True):
        assert _numbers(other.attrib["d"]) == pytest.approx(_numbers(one.attrib["d"]), abs=0.051)
    sheet = next(element.text or "" for element in small.iter() if element.tag.endswith("style"))
    rules = dict(re.findall(r"\.(s[0-9a-f]{6})\{([^}]*)\}", sheet))
    styles = [[_style(element, rules) for element in root.iter()] for root in (full, small)]
    assert styles[0] == styles[1]
    assert rules


def test_names_of_near_points_do_not_overlap() -> None:
    places = [(0.5 + 0.004 * at, 0.5 - 0.004 * at) for at in range(6)]
    with canvas(6.0, 4.0) as (figure, [[axes]]):
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(0.0, 1.0)
        figure.draw_without_rendering()
        name_points(axes, {place: f"VAE β={at}, 16" for at, place in enumerate(places)}, places)
        figure.draw_without_rendering()
        boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert len(boxes) == 6
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert all(axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 for box in boxes)


def _curve() -> Plot:
    with canvas(4.0, 3.0) as (figure, [[axes]]):
        axes.plot([0.0, 1.0, 2.0], [0.1234567, 0.7654321, 0.5], "-o", color="#0072B2")
        axes.set_xlabel("step")
    return Plot(key="curve", title="", caption="", alt="", figure=figure)


def _numbers(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path)]


def _style(element: ET.Element, rules: dict[str, str]) -> str:
    return element.attrib.get("style") or rules.get(element.attrib.get("class", ""), "")
