"""The page in headless Chromium, and its content without one."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from suite import report
from suite.errors import UserError
from suite.expectations import Expectation
from suite.report import Source
from suite.report.scatter import scatter
from suite.report.sheets import montage, sprite
from suite.store import Store

CHROMIUM = os.environ.get("AEBENCH_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH or in AEBENCH_CHROMIUM")
TABLE = "#configurations"
WRITTEN: dict[str, Path] = {}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture
def source(make_study, expand, made_up_store, make_timing) -> Callable[..., Source]:
    """source(seeds=3, ...) -> a made-up study with every run, picture and timing."""

    def made(**changes: Any) -> Source:
        study = make_study(**changes)
        specs = expand(study)
        store, records = made_up_store(specs)
        timings = [make_timing(spec, size) for spec in specs if spec.seed == 0 for size in (128, 1024)]
        return Source(study=study, specs=specs, store=store, records=records, timings=timings)

    return made


@pytest.fixture
def write(source, tmp_path) -> Callable[..., Path]:
    """write(seeds=3, ...) -> the page of such a study."""

    def made(**changes: Any) -> Path:
        if repr(changes) not in WRITTEN:  # a page takes seconds to draw, and no test changes it
            WRITTEN[repr(changes)] = report.write([source(**changes)], tmp_path / "page")
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


@needs_chromium
def test_a_header_sorts_by_number_and_again_the_other_way(write, visit):
    seen = visit(write(latent_dim="[2, 16, 4]"))
    before = seen.column(TABLE, "Reconstruction MSE")
    seen.page.click(f"{TABLE} th[data-name=recon_mse] button")
    rising = [first_number(text) for text in seen.column(TABLE, "Reconstruction MSE")]
    assert rising == sorted(rising) != [first_number(text) for text in before]
    seen.page.click(f"{TABLE} th[data-name=recon_mse] button")
    assert [first_number(text) for text in seen.column(TABLE, "Reconstruction MSE")] == rising[::-1]
    assert seen.page.get_attribute(f"{TABLE} th[data-name=recon_mse]", "aria-sort") == "descending"
    seen.page.click(f"{TABLE} th:has-text('Latent size') button")
    assert seen.column(TABLE, "Latent size") == sorted(seen.column(TABLE, "Latent size"), key=int)


@needs_chromium
def test_filters_leave_the_rows_that_were_asked_for(write, visit):
    seen = visit(write(latent_dim="[2, 16, 4]"))

    def rows() -> list[tuple[str, str, str]]:
        script = """(rows) => rows.filter((row) => !row.hidden)
            .map(({ dataset }) => [dataset.variant, dataset.latent, dataset.beta])"""
        return [tuple(row) for row in seen.page.eval_on_selector_all(f"{TABLE} tbody tr", script)]

    assert len(rows()) == 9
    seen.page.check("input[name=only-latent][value='16']")
    assert rows() == [("ae", "16", ""), ("vae", "16", "1"), ("vae", "16", "4")]
    seen.page.check("input[name=only-latent][value='2']")
    seen.page.check("input[name=only-beta][value='4']")
    assert sorted(rows()) == [("vae", "16", "4"), ("vae", "2", "4")]
    for box in seen.page.query_selector_all("#filters input:checked"):
        box.uncheck()
    assert len(rows()) == 9


@needs_chromium
def test_columns_are_chosen_by_group_and_one_by_one(write, visit):
    seen = visit(write())

    def shown() -> set[str]:
        script = "(heads) => heads.filter((head) => head.offsetParent !== null).map((head) => head.dataset.name)"
        return set(seen.page.eval_on_selector_all(f"{TABLE} th[data-name]", script))

    main = shown()
    assert {"elbo_nats", "recon_mse", "silhouette"} <= main
    assert "rate_nats" not in main
    seen.page.check("#group-likelihood")
    assert {"rate_nats", "distortion_nats"} <= shown()
    seen.page.uncheck("#group-main")
    assert "elbo_nats" not in shown()
    seen.page.click("#pick summary")
    seen.page.get_by_label("ELBO", exact=True).check()
    assert "elbo_nats" in shown()
    assert seen.column(TABLE, "ELBO")[0] == "n/a"


@needs_chromium
def test_interval_and_spread_are_shown_in_turn(write, visit):
    page = visit(write()).page
    cell = page.locator(f"{TABLE} tbody tr").nth(0).locator("td.of-main").nth(1)
    assert re.fullmatch(r"[\d.]+ ± [\d.]+", cell.inner_text().strip())
    page.check("#beside-interval")
    mean, low, high = map(float, re.fullmatch(r"([\d.]+) \[([\d.]+), ([\d.]+)\]", cell.inner_text().strip()).groups())
    values = [(30.0 + np.random.default_rng(seed).normal(0, 0.3)) / 1000 for seed in range(3)]  # as the fixture's AE
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (mean, low, high) == pytest.approx((np.mean(values), *expected), abs=2e-5)


@needs_chromium
def test_what_is_shown_is_copied_as_csv_and_latex(write, visit):
    import io

    import pandas as pd

    page = visit(write()).page
    page.check("input[name=only-variant][value=vae]")
    page.click("#copy-csv")
    frame = pd.read_csv(io.StringIO(page.input_value("#copy-text")))
    assert len(frame) == 4
    assert frame["Latent size"].tolist() == [2, 2, 4, 4]
    noise = [np.random.default_rng(seed).normal(0, 0.3) for seed in range(3)]
    mse = [(20.0 + 10.0 + 2.0 + each) / 1000 for each in noise]  # as the fixture's VAE of β = 1, latent size 2
    assert frame["recon_mse_mean"][0] == pytest.approx(np.mean(mse), rel=1e-6)
    assert frame["recon_mse_sd"][0] == pytest.approx(np.std(mse, ddof=1), abs=1e-5)
    assert frame["recon_mse_n"].tolist() == [3] * 4
    assert "rate_nats_mean" not in frame.columns
    page.click("#copy-latex")
    text = page.input_value("#copy-text")
    assert text.count("\\\\") == 5  # a header and four rows
    assert r"VAE $\beta$=1" in text
    assert r"\mathbf{" in text
    page.wait_for_selector("#copied:has-text('LaTeX: 4 rows, 8 columns')")  # whether or not it may use the clipboard


@needs_chromium
def test_sorting_leaves_rows_without_a_number_below_and_works_from_the_keyboard(write, visit):
    seen = visit(write())
    header = seen.page.locator(f"{TABLE} th[data-name=elbo_nats] button")
    for _ in range(2):
        header.focus()
        seen.page.keyboard.press("Enter")
        texts = seen.column(TABLE, "ELBO")
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


@needs_chromium
def test_the_reader_picks_which_models_stand_side_by_side(write, visit):
    page = visit(write()).page

    def names() -> list[str]:
        script = "(all) => all.filter((one) => !one.hidden).map((one) => one.ariaLabel)"
        return page.eval_on_selector_all(".model", script)

    boxes = page.locator(".picker input")
    for at in range(boxes.count()):
        boxes.nth(at).uncheck()
    assert names() == []
    page.locator(".picker label", has_text="VAE β=4, latent size 4").locator("input").check()
    page.locator(".picker label", has_text="AE, latent size 2").first.locator("input").check()
    assert names() == ["AE, latent size 2", "VAE β=4, latent size 4"]


def canvas_pixels(locator: Any) -> np.ndarray:
    """A canvas's grey values, `(height, width)`."""
    script = """(canvas) => [canvas.height, canvas.width,
        [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]]"""
    height, width, values = locator.evaluate(script)
    return np.reshape(values, (height, width, 4))[..., 0]


@needs_chromium
def test_the_explorer_shows_the_image_of_the_dot_that_is_pointed_at(source, visit, tmp_path):
    given = source(seeds=1)
    page = visit(report.write([given], tmp_path / "page"), viewport={"width": 1500, "height": 1000}).page
    item = next(one for one in given.comparison.configurations if one.label == "VAE β=1" and one.latent_dim == 4)
    kept = given.store.read_arrays(item.usable[0].run_id, "figures")
    page.locator(".picker label", has_text="VAE β=1, latent size 4").locator("input").check()
    model = page.locator(f".model[data-id='{item.id}']")
    plane, order = kept["embedding_pca"], np.argsort(kept["embedding_labels"], kind="stable")
    lonely = max(range(60), key=lambda at: np.sort(((plane - plane[at]) ** 2).sum(axis=1))[1])
    low, high = plane.min(axis=0), plane.max(axis=0)
    unit = 940 / (high - low).max()
    x, y = (plane[lonely] - (low + high) / 2) * unit * np.array([1, -1]) + 500
    svg = model.locator(".scatter").first
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    page.mouse.move(box["x"] + x * box["width"] / 1000, box["y"] + y * box["height"] / 1000)
    assert f"Test image {3 * lonely}, a {['one', 'two', 'three'][kept['embedding_labels'][lonely]]}" in page.inner_text(
        ".pointed p"
    )
    np.testing.assert_array_equal(
        canvas_pixels(page.locator(".pointed canvas")), kept["embedding_images"][lonely, ..., 0]
    )
    drawn = canvas_pixels(model.locator(".made canvas")).astype(int)
    errors = [np.abs(drawn - image[..., 0]).mean() for image in kept["embedding_reconstructions"]]
    assert np.argmin(errors) == lonely
    page.keyboard.press("Tab")
    svg.focus()
    page.keyboard.press("ArrowRight")
    following = order[(list(order).index(lonely) + 1) % 60]
    np.testing.assert_array_equal(
        canvas_pixels(page.locator(".pointed canvas")), kept["embedding_images"][following, ..., 0]
    )


@needs_chromium
@pytest.mark.parametrize(("network", "likelihood"), [("mlp", "bernoulli"), ("mlp-200-200", "continuous_bernoulli")])
def test_the_live_decoder_matches_keras(network, likelihood, make_study, expand, made_up_store, visit, tmp_path):
    import keras

    from models import VAE
    from suite.measure.dense import dense_decoder
    from suite.weights import get_weights

    study = make_study(seeds=1, latent_dim="[4]", beta="[1.0]", likelihood=f'["{likelihood}"]')
    specs = expand(study)
    store, records = made_up_store(specs)
    model = VAE(4, network=network, likelihood=likelihood, seed=1)
    model.adapt(np.random.default_rng(0).random((50, 8, 8, 1)) ** 3)
    random = np.random.default_rng(1)
    for weight in model.trainable_weights:  # as large as trained ones
        weight.assign(weight + random.normal(0, 0.3, weight.shape))
    spec = next(spec for spec in specs if spec.variant == "vae")
    kept = store.read_arrays(spec.run_id, "figures")
    trained = dense_decoder(model, get_weights(model))
    store.write_arrays(spec.run_id, "figures", {**kept, **trained})
    given = Source(study=study, specs=specs, store=store, records=records, timings=[])
    page = visit(report.write([given], tmp_path / "page")).page
    page.select_option("#live select", label="VAE β=1, latent size 4")
    contrast = []
    for button in ["mean", "prior", "prior", "image", "image"]:
        page.click(f"#live [data-go={button}]")
        code = json.loads(page.get_attribute("#live .live", "data-code"))
        expected = keras.ops.convert_to_numpy(model.decode_mean(np.array([code], "float32")))[0, ..., 0]
        np.testing.assert_allclose(canvas_pixels(page.locator("#live canvas")), (255 * expected).round(), atol=1)
        contrast.append(np.ptp(expected))
    assert min(contrast) > 0.5
    pad = page.locator("#live .pad")
    pad.scroll_into_view_if_needed()
    before, box = code, pad.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 30, box["y"] + 60)
    page.mouse.up()
    assert json.loads(page.get_attribute("#live .live", "data-code")) != before
    slider = page.locator("#live .sliders input").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    moved = json.loads(page.get_attribute("#live .live", "data-code"))[int(slider.get_attribute("data-dim"))]
    assert moved == pytest.approx(float(slider.input_value()))


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(write, visit, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(write(likelihood='["bernoulli", "continuous_bernoulli"]'), color_scheme=scheme).page
    found = Axe().run(page).response["violations"]
    assert [(one["impact"], one["id"], one["nodes"][0]["html"][:120]) for one in found] == []


@needs_chromium
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


@needs_chromium
def test_it_prints(write, visit):
    assert len(visit(write()).page.pdf()) > 50_000


@needs_chromium
def test_answers_are_on_the_first_screen(write, visit):
    page = visit(write(), viewport={"width": 1280, "height": 900}).page
    for question in ("Likelihood", "Reconstruction", "Class structure"):
        box = page.locator(f".winners tr:has(th:text-is('{question}')) .answer").bounding_box()
        assert box["y"] + box["height"] < 900
    box = page.locator(".first .verdict-of").first.bounding_box()
    assert box["y"] + box["height"] < 900


def test_titles_and_labels_are_text_and_never_markup(write):
    text = write(title="<script>alert(1)</script> & Co").read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in text


def test_numbers_on_the_page_are_those_of_the_records(write):
    text = write().read_text()
    values = [(30.0 + np.random.default_rng(seed).normal(0, 0.3)) / 1000 for seed in range(3)]  # as the fixture's AE
    assert f'>{np.mean(values):.6f} <span class="sd">± {np.std(values, ddof=1):.6f}<' in text


def test_configurations_of_two_likelihoods_are_never_ranked_together(write):
    text = write(likelihood='["bernoulli", "continuous_bernoulli"]').read_text()
    bodies = re.findall(r'<tbody data-title="([^"]+)">(.*?)</tbody>', text, re.DOTALL)
    assert len({title for title, _ in bodies}) == len(bodies) == 2
    for _, body in bodies:
        assert "best" in body
    assert text.count(">Likelihood</th>") == 2


def test_several_studies_share_a_page(source, tmp_path):
    one = source(seeds=2)
    other = replace(one, study=replace(one.study, name="other", title="Another study"))
    text = report.write([one, other], tmp_path / "page").read_text()
    assert "A made-up study and Another study" in text
    titles = re.findall(r'<tbody data-title="([^"]+)">', text)
    assert [title.rpartition(", ")[2] for title in titles] == ["study made-up", "study other"]
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_two_backends_of_a_study_stand_side_by_side(source, tmp_path):
    one = source(seeds=2)
    specs = [spec.model_copy(update={"backend": "jax"}) for spec in one.specs]
    moved = dict(zip((spec.run_id for spec in one.specs), specs, strict=True))
    records = {
        moved[name].run_id: record.model_copy(update={"spec": moved[name], "run_id": moved[name].run_id})
        for name, record in one.records.items()
    }
    text = report.write([one, replace(one, specs=specs, records=records)], tmp_path / "page").read_text()
    titles = re.findall(r'<tbody data-title="([^"]+)">', text)
    assert [title.rpartition(", ")[2] for title in titles] == ["on tensorflow", "on jax"]
    assert "How made-up on jax was run" in text
    assert "python -m suite bench made-up.toml --backend jax" in text
    assert text.count("AE and β-VAE on made-up images") == 3  # above, and in the study's file of each
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_known_values_are_told_on_the_first_screen(source, tmp_path):
    given = source(seeds=2)
    wanted = {
        "title": "a value",
        "variant": "ae",
        "metric": "recon_mse",
        "low": -0.001,
        "high": 0.001,
        "source": "here",
    }
    held = tuple(Expectation(**wanted, value=value, settings={"latent_dim": 2}) for value in (0.03, 0.03, 0.5))
    study = replace(given.study, expectations=held)
    text = report.write([replace(given, study=study)], tmp_path / "page").read_text()
    assert "Held against known values: 2 pass, 1 fail; " in text
    assert text.index("Held against known values: 2") < text.index("What to choose") < text.index('id="held"')


def test_figures_are_written_as_files_too(source, tmp_path):
    written = report.write_figures([source(seeds=2)], tmp_path / "figures")
    assert len(written) == len(set(written)) > 40
    kinds = {path.suffix for path in written}
    assert kinds == {".svg", ".pdf", ".png"}
    assert all(path.stat().st_size > 300 for path in written)
    assert any("prior-samples-vae-beta-4-latent-size-4" in path.name for path in written)


def test_missing_diverged_and_untimed_runs_are_told(source, make_record, tmp_path):
    given = source(seeds=3)
    records = dict(given.records)
    gone, bad = given.specs[0], given.specs[4]
    del records[gone.run_id]
    records[bad.run_id] = make_record(bad, outcome="diverged")
    text = report.write([replace(given, records=records, timings=[])], tmp_path / "page").read_text()
    assert "2 of 3" in text
    assert "diverged" in text
    assert "No timings were taken" in text
    assert "17 of 18" in text


def test_a_page_without_pictures_says_so(source, tmp_path):
    text = report.write([replace(source(seeds=1), store=Store(tmp_path / "none"))], tmp_path / "page").read_text()
    assert "No pictures were kept" in text
    assert 'id="live"' not in text


def test_without_labels_class_measures_are_not_available(source, make_record, tmp_path):
    given = source(seeds=2)
    without = dict.fromkeys(("silhouette", "silhouette_pixels", "silhouette_pca", "silhouette_untrained"))
    records = {spec.run_id: make_record(spec, **without) for spec in given.specs}
    text = report.write([replace(given, records=records)], tmp_path / "page").read_text()
    assert "n/a: no labels" in text


def test_no_finished_run_is_an_error_in_one_line(source, tmp_path):
    with pytest.raises(UserError, match=r"no finished runs of study 'made-up' .* run `python -m suite bench"):
        report.write([replace(source(), records={})], tmp_path / "page")


def test_nothing_outside_the_file_is_named(write):
    text = write().read_text()
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*\"", text)
    assert "@import" not in text
    assert not re.findall(r"url\((?!data:)", text)


@pytest.mark.parametrize(("side", "channels", "below"), [(8, 1, 0), (28, 1, 13), (32, 3, 0)])
def test_a_montage_keeps_every_pixel(side, channels, below):
    images = np.random.default_rng(0).integers(0, 255, (3, side, side, channels), dtype=np.uint8)
    paper = montage([images[:2], images[2:]], below)
    step = side + 1 + below
    assert paper.shape[:2] == (2 * step, 2 * (side + 1))
    assert (paper[step : step + side, :side].reshape(images[2].shape) == images[2]).all()
    assert (paper[step:, side + 1 :] == 255).all()


def test_a_sprite_holds_every_image_in_its_place():
    from PIL import Image

    images = np.random.default_rng(0).integers(0, 255, (93, 6, 5, 1), dtype=np.uint8)
    made = sprite(images, exact=True)
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(made.src.partition(",")[2]))))
    for at in (0, 39, 40, 92):
        row, column = divmod(at, made.columns)
        np.testing.assert_array_equal(pixels[row * 6 : row * 6 + 6, column * 5 : column * 5 + 5], images[at, ..., 0])


def test_dots_lie_where_their_codes_do_with_the_second_axis_upwards():
    points = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
    drawn = scatter(points, np.array([0, 0, 1, 1]), ("a", "b"))
    assert [one.path for one in drawn] == ["M30 735h0M970 735h0", "M30 265h0M970 265h0"]
    assert [(one.name, one.x, one.y) for one in drawn] == [("a", 500, 735), ("b", 500, 265)]
