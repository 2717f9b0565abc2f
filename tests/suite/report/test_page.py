"""The page in headless Chromium, and its content without one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite import report
from suite.errors import UserError
from suite.store import Store

CHROMIUM = os.environ.get("AEBENCH_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH or in AEBENCH_CHROMIUM")
WRITTEN: dict[str, Path] = {}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture
def write(make_study, expand, made_up_store, make_timing, tmp_path) -> Callable[..., Path]:
    """write(seeds=3, ...) -> the page of a made-up study with every run, picture and timing."""

    def made(**changes: Any) -> Path:
        if repr(changes) not in WRITTEN:  # a page takes seconds to draw, and no test changes it
            study = make_study(**changes)
            specs = expand(study)
            store, records = made_up_store(specs)
            timings = [make_timing(spec, size) for spec in specs if spec.seed == 0 for size in (128, 1024)]
            WRITTEN[repr(changes)] = report.write(study, specs, store, records, timings, tmp_path / "reports")
        return WRITTEN[repr(changes)]

    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """A page opened in the browser, with everything that it said or asked for."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())

    def column(self, table: str, header: str) -> list[str]:
        """The texts of one column, found by the start of its header."""
        script = """([table, header]) => {
            const found = document.querySelector(table);
            const heads = [...found.tHead.rows[0].cells];
            const at = heads.findIndex((cell) => cell.textContent.trim().startsWith(header));
            return [...found.tBodies[0].rows].map((row) => row.cells[at].textContent.trim());
        }"""
        return self.page.evaluate(script, [table, header])


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def opened(path: Path, **context: Any) -> Visit:
        visits.append(Visit(browser, path, **context))
        return visits[-1]

    yield opened
    for one in visits:
        one.context.close()


def first_number(text: str) -> float:
    return float(re.match(r"[−+]?[\d,.]+", text)[0].replace("−", "-").replace(",", ""))


@needs_chromium
def test_page_asks_for_nothing_and_complains_of_nothing(write, visit):
    path = write()
    seen = visit(path)
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith("data:")] == [path.as_uri()]


@needs_chromium
def test_every_figure_has_pixels_and_an_alt_text(write, visit):
    from PIL import Image

    page = visit(write()).page
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    images = page.query_selector_all("img")
    assert len(images) > 30
    for image in images:
        assert image.get_attribute("alt")
        assert image.evaluate("(image) => image.complete && image.naturalWidth > 1 && image.naturalHeight > 1")
    for image in [*page.query_selector_all(".plot img"), *page.query_selector_all(".pictures img")[:8]]:
        shown = np.asarray(Image.open(BytesIO(image.screenshot())).convert("RGB")).reshape(-1, 3)
        assert len(np.unique(shown, axis=0)) > 2, image.get_attribute("alt")


@needs_chromium
def test_a_header_sorts_by_number_and_again_the_other_way(write, visit):
    seen = visit(write(latent_dim="[2, 16, 4]"))
    table = "#table table.sortable"
    before = seen.column(table, "Reconstruction MSE")
    seen.page.click(f"{table} th:has-text('Reconstruction MSE') button")
    rising = [first_number(text) for text in seen.column(table, "Reconstruction MSE")]
    assert rising == sorted(rising) != [first_number(text) for text in before]
    seen.page.click(f"{table} th:has-text('Reconstruction MSE') button")
    assert [first_number(text) for text in seen.column(table, "Reconstruction MSE")] == rising[::-1]
    assert seen.page.get_attribute(f"{table} th:has-text('Reconstruction MSE')", "aria-sort") == "descending"
    seen.page.click(f"{table} th:has-text('Latent size') button")
    assert seen.column(table, "Latent size") == sorted(seen.column(table, "Latent size"), key=int)


@needs_chromium
def test_sorting_leaves_rows_without_a_number_below_and_works_from_the_keyboard(write, visit):
    seen = visit(write())
    header = seen.page.locator("#table table.sortable th:has-text('ELBO') button").first
    for _ in range(2):
        header.focus()
        seen.page.keyboard.press("Enter")
        texts = seen.column("#table table.sortable", "ELBO")
        assert [text == "n/a" for text in texts] == sorted(text == "n/a" for text in texts)
        assert texts[-1] == "n/a"


@needs_chromium
@pytest.mark.parametrize("width", [390, 1600])
def test_the_body_never_scrolls_sideways(write, visit, width):
    page = visit(write(), viewport={"width": width, "height": 900}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@needs_chromium
def test_everything_is_there_without_javascript(write, visit):
    page = visit(write(), java_script_enabled=False).page
    assert page.locator("#table table").first.is_visible()
    assert page.locator("#table tbody tr").count() >= 6
    assert page.locator("#answers .card").count() >= 4
    assert not page.locator(".with-js").first.is_visible()
    page.locator("#pictures summary").nth(1).click()
    assert page.locator("#pictures details[open] img").first.is_visible()


@needs_chromium
def test_it_prints(write, visit):
    assert len(visit(write()).page.pdf()) > 50_000


@needs_chromium
def test_answers_are_on_the_first_screen(write, visit):
    page = visit(write(), viewport={"width": 1280, "height": 900}).page
    for question in ("Best likelihood", "Best reconstruction", "Best class separation"):
        box = page.locator(f".card:has-text('{question}') .answer").bounding_box()
        assert box["y"] + box["height"] < 900


def test_titles_and_labels_are_text_and_never_markup(write):
    text = write(title="<script>alert(1)</script> & Co").read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in text


def test_numbers_on_the_page_are_those_of_the_records(write):
    text = write().read_text()
    values = [20.0 + 20.0 / 4 + np.random.default_rng(seed).normal(0, 0.3) for seed in range(3)]  # as the fixture's AE
    assert f">{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}<" in text


def test_configurations_of_two_likelihoods_are_never_in_one_table(write):
    text = write(likelihood='["bernoulli", "continuous_bernoulli"]').read_text()
    tables = re.findall(r"Configurations on ([^<\"]+)<", text)
    assert len(tables) == len(set(tables)) == 2
    assert text.count("Best likelihood") == 2


def test_missing_diverged_and_untimed_runs_are_told(make_study, expand, made_up_store, make_record, tmp_path):
    study = make_study(seeds=3)
    specs = expand(study)
    store, records = made_up_store(specs)
    gone, bad = specs[0], specs[4]
    del records[gone.run_id]
    records[bad.run_id] = make_record(bad, outcome="diverged")
    text = report.write(study, specs, store, records, [], tmp_path / "reports").read_text()
    assert "2 of 3" in text
    assert "diverged" in text
    assert "No timings were taken" in text
    assert "17 of 18" in text


def test_a_page_without_pictures_says_so(make_study, expand, make_record, tmp_path):
    study = make_study(seeds=1)
    specs = expand(study)
    records = {spec.run_id: make_record(spec) for spec in specs}
    text = report.write(study, specs, Store(tmp_path), records, [], tmp_path / "reports").read_text()
    assert "No pictures were kept" in text


def test_without_labels_class_measures_are_not_available(make_study, expand, make_record, tmp_path):
    study = make_study(seeds=2)
    specs = expand(study)
    without = dict.fromkeys(("silhouette", "silhouette_pixels", "silhouette_pca", "silhouette_untrained"))
    records = {spec.run_id: make_record(spec, **without) for spec in specs}
    text = report.write(study, specs, Store(tmp_path), records, [], tmp_path / "reports").read_text()
    assert "n/a" in text
    assert "no labels" in text


def test_no_finished_run_is_an_error_in_one_line(make_study, expand, tmp_path):
    study = make_study()
    with pytest.raises(UserError, match=r"no finished runs of study 'made-up' .* run `python -m suite bench"):
        report.write(study, expand(study), Store(tmp_path), {}, [], tmp_path / "reports")


def test_nothing_outside_the_file_is_named(write):
    text = write().read_text()
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*\"", text)
    assert "@import" not in text
    assert not re.findall(r"url\((?!data:)", text)
