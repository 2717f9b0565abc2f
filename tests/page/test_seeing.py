"""Pictures, explorer and live decoder in headless Chromium."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from aebench import page as report
from aebench.analysis.sources import Source


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


@pytest.mark.parametrize(("network", "likelihood"), [("mlp", "bernoulli"), ("mlp-200-200", "continuous_bernoulli")])
def test_the_live_decoder_matches_keras(network, likelihood, make_study, expand, made_up_store, visit, tmp_path):
    import keras

    from aebench.backends.weights import get_weights
    from aebench.measures.pictures.dense import dense_decoder
    from aebench.models import VAE

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


def test_draws_of_a_prior_of_its_own_are_those_that_were_kept(visit, made_up_store, make_study, expand, tmp_path):
    study = make_study(seeds=1)
    specs = expand(study)
    store, records = made_up_store(specs)
    spec = next(spec for spec in specs if spec.variant == "vae" and spec.latent_dim == 4)
    own = np.arange(12, dtype="float16").reshape(3, 4)
    store.write_arrays(spec.run_id, "figures", {**store.read_arrays(spec.run_id, "figures"), "prior_codes": own})
    given = Source(study=study, specs=specs, store=store, records=records, timings=[])
    page = visit(report.write([given], tmp_path / "page")).page
    page.select_option("#live select", label="VAE β=1, latent size 4")
    for _ in range(5):
        page.click("#live [data-go=prior]")
        assert json.loads(page.get_attribute("#live .live", "data-code")) in own.tolist()
