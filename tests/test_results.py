"""What a notebook has of finished runs: the answer as HTML and text, tables, plots of the page, trained models."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from aebench.errors import UserError
from aebench.measures import METRICS
from aebench.page.page import render
from aebench.page.plots import board_plots
from aebench.results import Results


class Words(HTMLParser):
    """The text of a piece of HTML, the tags in it, and what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.loads = "", [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href") or name.startswith("on")]

    def handle_data(self, data) -> None:
        self.text += data


@pytest.fixture
def results(made_up_source) -> Results:
    return Results([made_up_source()])


def test_the_first_screen_says_what_the_page_says(results: Results) -> None:
    screen, page = Words(results._repr_html_()), Words(render(results.sources, pictures=False))
    flat = " ".join(page.text.split())
    told = [words for words in re.findall(r"[^\n]+", screen.text) if len(words) > 40 and "{" not in words]
    assert len(told) > 5
    missing = [words for words in told if " ".join(words.split()) not in flat and "on test)" not in words]
    assert [words for words in missing if "Before you believe" not in words and "; " not in words] == []
    assert "script" not in screen.tags
    assert screen.loads == []
    assert len(results._repr_html_()) < 40_000


def test_the_first_screen_escapes_what_others_wrote(made_up_source) -> None:
    made = made_up_source()
    hostile = dataclasses.replace(made, study=dataclasses.replace(made.study, title="<script>alert(1)</script>"))
    html = Results([hostile])._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_text_is_the_table_of_the_command_line(results: Results) -> None:
    lines = repr(results).splitlines()
    assert lines[0].strip().startswith("A made-up study: mean ± sd over seeds, test split")
    assert sum("VAE β=4" in line for line in lines) == 2


def test_frame_has_a_row_a_run_with_units_and_versions(results: Results) -> None:
    frame, records = results.frame(), results.sources[0].records
    assert len(frame) == len(records) == 18
    for row in frame.to_dict("records"):
        record = records[row["run_id"]]
        assert row["recon_mse"] == record.metrics["recon_mse"]
        assert (row["variant"], row["latent_dim"], row["seed"]) == (
            record.spec.variant, record.spec.latent_dim, record.spec.seed,
        )  # fmt: skip
        assert row["beta"] == record.spec.scalars.get("beta") or np.isnan(row["beta"])
    assert frame.attrs["unit"]["elbo_nats"] == "nats/image"
    assert frame.attrs["better"]["recon_mse"] == "lower"
    assert frame.attrs["versions"]["silhouette"] == [METRICS["silhouette"].version]
    assert frame.groupby("variant").size().sum() == 18, "attributes stay out of the way of pandas"


def test_timings_have_a_row_an_operation(results: Results) -> None:
    frame = results.timings()
    assert set(frame["operation"]) == {"train step", "encode", "decode", "sample"}
    assert set(frame["batch_size"]) == {128, 1024}
    assert frame.attrs["unit"]["median"] == "images/s"
    assert ((frame["low"] <= frame["median"]) & (frame["median"] <= frame["high"])).all()


@pytest.mark.parametrize(("name", "key"), [("pareto", "pareto"), ("curves", "learning-curves")])
def test_plots_are_drawn_as_the_pages_are(results: Results, name: str, key: str) -> None:
    from aebench.page.page import shared_looks

    axes = getattr(results.plot, name)()
    (board,) = results.sources[0].comparison.boards().values()
    (same,) = [plot for plot in board_plots(board, shared_looks(board, results.sources)) if plot.key == key]
    assert axes._plot.svg == same.svg
    assert all(type(one).__name__ == "Axes" for one in axes)
    assert axes.figure is axes[0].figure
    before = axes._repr_html_()
    axes[0].set_title("mine")
    assert before != axes._repr_html_(), "what is changed before it is shown is shown"
    assert re.match(r'<img src="data:image/svg\+xml;base64,[^"]+" alt="[^"]+', before)


def test_a_board_is_named_where_there_are_several(made_up_source) -> None:
    results = Results([made_up_source(likelihood='["bernoulli", "gaussian"]')])
    with pytest.raises(UserError, match='2 boards are meant; choose one of: dataset="digits", likelihood="bernoulli"'):
        results.plot.pareto()
    assert results.plot.pareto(likelihood="gaussian")
    with pytest.raises(UserError, match="unknown setting of a board 'likelyhood'"):
        results.plot.pareto(likelyhood="gaussian")


def test_models_are_picked_by_settings_and_seed(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    from aebench.export import files

    monkeypatch.setattr(files, "model", lambda selected: selected.record.spec)
    (spec,) = results.models(variant="vae", beta=4.0, latent_dim=2, seed=1).values()
    assert (spec.scalars, spec.latent_dim, spec.seed) == ({"beta": 4.0}, 2, 1)
    assert len(results.models(variant="ae")) == 6
    with pytest.raises(UserError, match=r"no finished run has beta=3\.0"):
        results.models(beta=3.0)
    with pytest.raises(UserError, match=r"unknown setting 'latentdim'.*did you mean 'latent_dim'"):
        results.models(latentdim=2)


@pytest.mark.parametrize(
    ("shell", "widgets", "moves"),
    [("ZMQInteractiveShell", True, True), ("ZMQInteractiveShell", False, False), ("", True, False)],
)
def test_a_bar_moves_in_a_notebook_that_has_widgets(monkeypatch: pytest.MonkeyPatch, shell, widgets, moves) -> None:
    import builtins

    from aebench.cli import progress

    if shell:
        monkeypatch.setattr(builtins, "get_ipython", lambda: type(shell, (), {})(), raising=False)
    monkeypatch.setattr(progress, "find_spec", lambda name: SimpleNamespace() if widgets else None)
    watcher = progress.TerminalWatcher(progress.console(), ())
    assert watcher._progress.disable != moves
