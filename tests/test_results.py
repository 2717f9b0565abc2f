"""What a notebook has of finished runs: the answer as HTML and text, tables, plots of the page, trained models."""

from __future__ import annotations

import builtins
import dataclasses
import re
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from aebench.analysis.choices import answers
from aebench.analysis.questions import verdicts
from aebench.analysis.timings import timed_operations
from aebench.cli import notebook, progress
from aebench.errors import UserError
from aebench.export import files
from aebench.measures import METRICS
from aebench.page.page import render, shared_looks
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
    (known,) = results.sources[0].evidence.values()
    claimed = [one for one in verdicts(known) if one.claim]
    assert claimed
    looks = shared_looks(known.board, results.sources)
    chosen = answers(known, looks.title, timed_operations(results.sources[0].timings))
    told = [*(one.answer for one in chosen), *(one.figure for one in chosen), *(one.answer for one in claimed)]
    assert [words for words in told if words not in screen.text or words not in page.text] == []
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
    monkeypatch.setattr(files, "model", lambda selected: selected.record.spec)
    (spec,) = results.models(variant="vae", beta=4.0, latent_dim=2, seed=1).values()
    assert (spec.scalars, spec.latent_dim, spec.seed) == ({"beta": 4.0}, 2, 1)
    assert len(results.models(variant="ae")) == 6
    with pytest.raises(UserError, match=r"no finished run has beta=3\.0"):
        results.models(beta=3.0)
    with pytest.raises(UserError, match=r"unknown setting 'latentdim'.*did you mean 'latent_dim'"):
        results.models(latentdim=2)


class Handle:
    """Stands in for IPython's: remembers what was shown."""

    def __init__(self, first: dict) -> None:
        self.shown = [first["text/plain"]]

    def update(self, bundle: dict, raw: bool) -> None:
        self.shown.append(bundle["text/plain"])


def test_bars_move_in_a_notebook_and_are_gone_at_the_end(
    monkeypatch: pytest.MonkeyPatch, made_up_source, capsys: pytest.CaptureFixture[str]
) -> None:
    handles: list[Handle] = []
    shell = type("ZMQInteractiveShell", (), {})
    monkeypatch.setattr(builtins, "get_ipython", shell, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as kernels have it
    monkeypatch.setattr(notebook, "_EVERY", -1.0)
    display = SimpleNamespace(display=lambda bundle, raw, display_id: handles.append(Handle(bundle)) or handles[-1])
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    specs = tuple(made_up_source().specs[:2])
    with progress.TerminalWatcher(progress.console(), specs) as watcher:
        watcher.epoch(specs, 20, [3.0, 4.0])
        watcher.epoch(specs, 40, [1.0, 2.0])
    (handle,) = handles
    assert "0/80 epochs" in handle.shown[0]
    assert "40/80 epochs" in handle.shown[1]
    assert "80/80 epochs" in handle.shown[2]
    assert "1.00 to 2.00 nats/image" in handle.shown[2]
    assert handle.shown[-1] == ""
    assert capsys.readouterr().out == ""
    assert not any("\x1b" in text for text in handle.shown)


def test_outside_of_a_notebook_there_is_no_bar_of_it() -> None:
    assert not notebook.in_notebook()
    watcher = progress.TerminalWatcher(progress.console(), ())
    assert not isinstance(watcher._progress, notebook.NotebookProgress)
