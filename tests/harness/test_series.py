"""Time series from their file to a page and a model, by the commands that their owner would type."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benches import records, typed
from PIL import Image

from aebench.measures import OF_IMAGES
from aebench.page import panels
from aebench.records.kept import Figures, Kept
from aebench.study import read
from aebench.workspace import store_of

STEPS = 10
STUDY = """
dataset = "walks"
network = "mlp-256"
likelihood = "student_t"
seeds = 1
epochs = 2
batch_size = 16
latent_dim = 2
timed_batch_sizes = [1]

[[variant]]
name = "vae"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long table of 90 series in two channels, imported, benched, and the page."""
    folder, rng = tmp_path_factory.mktemp("series"), np.random.default_rng(0)
    at, step = np.divmod(np.arange(90 * STEPS), STEPS)
    walks = rng.normal(size=(90, STEPS, 2)).cumsum(axis=1) * [1.0, 1e3]
    frame = pd.DataFrame(walks.reshape(-1, 2), columns=["heat", "flow"])
    frame.assign(walk=at, minute=step, kind=np.array(["a", "b"])[at % 2]).to_csv(folder / "walks.csv", index=False)
    columns = ("--id", "walk", "--time", "minute", "--label", "kind")
    told = typed("data", "import", "walks", folder / "walks.csv", *columns).stdout
    assert told.startswith("walks: 58 train, 14 validation, 18 test series of 10x2 real numbers, standardised; A strat")
    (folder / "walks.toml").write_text(STUDY)
    typed("bench", folder / "walks.toml", "--out", folder / "out")
    typed("report", folder / "walks.toml", "--out", folder / "out")
    return folder


@pytest.fixture(scope="module")
def figures(folder: Path) -> dict[str, np.ndarray]:
    (record,) = records(folder / "out").values()
    kept = store_of(read(str(folder / "walks.toml")), folder / "out", print).read_arrays(record.run_id, Kept.FIGURES)
    assert kept is not None
    return kept


def test_what_is_of_images_alone_is_left_out(folder: Path) -> None:
    (record,) = records(folder / "out").values()
    assert OF_IMAGES & record.metrics.keys() == set()
    assert {"elbo_nats", "nll_nats", "recon_mse", "silhouette"} <= record.metrics.keys()
    assert record.metrics["elbo_bits_per_dim"] == pytest.approx(
        -record.metrics["elbo_nats"] / (STEPS * 2 * np.log(2.0)), rel=1e-6
    )
    assert (
        "what makes sense of images alone, such as SSIM, is not measured" in (folder / "out" / "index.html").read_text()
    )


def test_scales_of_channels_are_part_of_the_record(folder: Path) -> None:
    (known,) = store_of(read(str(folder / "walks.toml")), folder / "out", print).read_datasets()
    assert known.image_shape == (STEPS, 2)
    assert [column.name for column in known.columns] == ["heat", "flow"]
    assert known.log_scale == pytest.approx(STEPS * sum(np.log(column.scale) for column in known.columns))
    page = (folder / "out" / "index.html").read_text()
    assert f"{known.log_scale:.2f} nats a series lower" in page
    assert "test series of 10×2 real numbers" in page


def test_pictures_are_lines(folder: Path, figures: dict[str, np.ndarray]) -> None:
    assert figures[Figures.RECONSTRUCTIONS].shape == (10, STEPS, 2)
    assert figures[Figures.COLUMN_NAMES].tolist() == ["heat", "flow"]
    assert Figures.MANIFOLD not in figures
    page = (folder / "out" / "index.html").read_text()
    assert "Each panel is a series" in page
    assert page.count('<p class="channels">') == 1
    assert 'aria-label="The decoded series"' in page


def test_the_live_decoder_draws_what_keras_decodes(folder: Path, figures: dict[str, np.ndarray], visit) -> None:
    """The mean of the first column of pixels' line is where the panel's scale puts the first value of `heat`."""
    page = visit(folder / "out" / "index.html").page
    page.click("#live [data-go=image]")
    places = page.eval_on_selector(
        "#live canvas",
        """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, 2, canvas.height);
            const found = [];
            for (let row = 0; row < canvas.height; row += 1) found.push([...data.slice(8 * row, 8 * row + 3)]);
            return found;
        }""",
    )
    code = np.array(json.loads(page.get_attribute("#live .live", "data-code")))
    nearest = np.abs(figures[Figures.EMBEDDING_CODES] - code).sum(axis=1).argmin()
    low, high = panels.scale(figures)
    expected = (figures[Figures.EMBEDDING_RECONSTRUCTIONS][nearest, 0] - low) / (high - low)
    background = np.array([243, 244, 246])
    inked = np.flatnonzero(np.abs(np.array(places) - background).max(axis=1) > 60)
    seen = 1.0 - (inked - 4.0) / (374.0 - 8.0)
    for share in np.clip(expected, 0.0, 1.0):
        assert np.abs(seen - share).min() < 0.01


def test_a_run_is_exported_and_tracked_as_series(folder: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (record,) = records(folder / "out").values()
    typed("export", folder / "walks.toml", record.run_id, folder / "model", "--out", folder / "out")
    card = (folder / "model" / "README.md").read_text()
    assert "series (n, 10, 2), each less its `mean` and over its `scale`" in card
    assert "18 test series of 10x2" in card
    assert Image.open(folder / "model" / "pictures.png").width % (5 * (panels.WIDTH + panels.GAP)) == 0
    typed("track", "tensorboard", folder / "walks.toml", folder / "board", "--out", folder / "out")
    found = EventAccumulator(str(folder / "board" / record.run_id), size_guidance={"images": 0}).Reload()
    shown = Image.open(io.BytesIO(found.Images("pictures/originals")[0].encoded_image_string))
    assert shown.size[0] % panels.WIDTH == 0
