"""The page in headless Chromium, as a whole."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest


def test_page_asks_for_nothing_and_complains_of_nothing(write, visit):
    path = write()
    seen = visit(path)
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith("data:")] == [path.as_uri()]


def test_every_figure_has_pixels_and_an_alt_text(write, visit):
    from PIL import Image

    page = visit(write()).page
    images = [image for image in page.query_selector_all("img") if "sprite" not in (image.get_attribute("class") or "")]
    assert len(images) > 30
    drawn = """(image) => {
        image.loading = "eager";
        return image.decode().then(() => image.naturalWidth > 1 && image.naturalHeight > 1);
    }"""
    for image in images:
        assert image.get_attribute("alt")
        assert image.evaluate(drawn)
    shown = [*page.query_selector_all(".plot img")[:6], *page.query_selector_all(".model:not([hidden]) .sheet img")[:6]]
    for image in shown:
        pixels = np.asarray(Image.open(BytesIO(image.screenshot())).convert("RGB")).reshape(-1, 3)
        assert len(np.unique(pixels, axis=0)) > 2, image.get_attribute("alt")


@pytest.mark.parametrize("width", [390, 1600])
def test_the_body_never_scrolls_sideways(write, visit, width):
    page = visit(write(), viewport={"width": width, "height": 900}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_is_there_without_javascript(write, visit):
    page = visit(write(), java_script_enabled=False).page
    assert page.locator("#configurations").is_visible()
    assert page.locator("#configurations tbody tr").count() >= 6
    assert page.locator(".winners tbody tr").count() >= 4
    assert not page.locator(".with-js").first.is_visible()
    assert not page.locator("#configurations td.of-likelihood").first.is_visible()
    page.check("#group-likelihood")  # groups of columns are chosen by CSS alone
    assert page.locator("#configurations td.of-likelihood").first.is_visible()
    page.locator("#seeing summary").nth(1).click()
    assert page.locator("#seeing details[open] .sheet img").first.is_visible()
    assert page.locator("#seeing details[open] svg.scatter path").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(write, visit, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(write(likelihood='["bernoulli", "continuous_bernoulli"]'), color_scheme=scheme).page
    found = Axe().run(page).response["violations"]
    assert [(one["impact"], one["id"], one["nodes"][0]["html"][:120]) for one in found] == []


def test_a_figure_is_saved_as_it_is_and_as_png(write, visit, tmp_path):
    from PIL import Image

    page = visit(write()).page
    for kind in ("svg", "png"):
        with page.expect_download() as waiting:
            page.locator(f".plot [data-save={kind}]").first.click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.suffix == f".{kind}"
        if kind == "svg":
            assert "<svg" in path.read_text(encoding="utf-8")
        else:
            assert Image.open(path).width > 1000


def test_a_figure_that_was_never_scrolled_to_is_saved_as_png(write, visit):
    """The browser leaves its image alone until it is near: nothing was saved, and nothing was said."""
    page = visit(write(), viewport={"width": 1000, "height": 300}).page
    images = page.locator(".plot img")
    last = images.count() - 1
    assert not images.nth(last).evaluate("image => image.complete")
    with page.expect_download() as waiting:
        page.locator(".plot [data-save=png]").nth(last).evaluate("button => button.click()")
    assert waiting.value.suggested_filename.endswith(".png")


def test_nothing_moves_when_figures_come(write, visit):
    """A click that is on its way would miss what it was meant for."""
    page = visit(write(), viewport={"width": 1000, "height": 300}).page
    heights = "images => images.map(image => image.getBoundingClientRect().height)"
    images = page.locator(".plot img")
    assert not images.last.evaluate("image => image.complete")
    before = images.evaluate_all(heights)
    images.evaluate_all("async images => { for (const one of images) { one.loading = 'eager'; await one.decode(); } }")
    assert images.evaluate_all(heights) == pytest.approx(before, abs=1.0)


def test_it_prints(write, visit):
    assert len(visit(write()).page.pdf()) > 50_000


def test_answers_are_on_the_first_screen(write, visit):
    page = visit(write(), viewport={"width": 1280, "height": 900}).page
    for question in ("Likelihood", "Reconstruction", "Class structure"):
        box = page.locator(f".winners tr:has(th:text-is('{question}')) .answer").bounding_box()
        assert box["y"] + box["height"] < 900
    box = page.locator(".first .verdict-of").first.bounding_box()
    assert box["y"] + box["height"] < 900
