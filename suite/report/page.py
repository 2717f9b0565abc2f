"""The page: everything that its template needs, and the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.compare import Comparison, Configuration, Contrast, PerImage, compare, contrasts
from suite.errors import UserError
from suite.metrics import METRICS
from suite.per_image import per_image
from suite.proof import hold
from suite.record import RunRecord, TimingRecord
from suite.report.answers import Answer, answers
from suite.report.canvas import Plot
from suite.report.cautions import cautions
from suite.report.facts import facts, likelihood_words
from suite.report.look import Looks, looks
from suite.report.numbers import ARROWS, counted, significant
from suite.report.pictures import Gallery, galleries
from suite.report.plots import board_plots
from suite.report.speed import speed_plots, speeds
from suite.report.table import MAIN, MORE, Separation, Table, separation, table
from suite.spec import RunSpec
from suite.store import Store, write_aside
from suite.study import STUDIES, Study
from suite.verdicts import Verdict, evidence, verdicts

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, kw_only=True)
class Board:
    """All that the page shows of one data set and one likelihood; only inside it are numbers ranked."""

    key: str
    title: str
    answers: tuple[Answer, ...]
    verdicts: tuple[Verdict, ...]
    separation: Separation | None
    table: Table
    more: dict[str, Table]
    plots: tuple[Plot, ...]
    galleries: tuple[Gallery, ...]


def write(
    study: Study,
    specs: Sequence[RunSpec],
    store: Store,
    records: Mapping[str, RunRecord],
    timings: Sequence[TimingRecord],
    out: Path,
) -> Path:
    """Writes a study's report as one HTML file that needs no other.

    Args:
        study: the study.
        specs: its whole grid.
        store: where the runs' pictures are.
        records: the finished runs by `run_id`.
        timings: of any configuration and device; may be empty.
        out: the folder to write into.

    Returns:
        Path of the page, `index.html` in `out`.

    Raises:
        UserError: no run of the study has finished, or the file cannot be written.
    """
    comparison = compare(study, specs, records)
    if not comparison.finished:
        raise UserError(
            f"no finished runs of study {study.name!r} in {out}; run `python -m suite bench {_argument(study)}` first"
        )
    page = out / "index.html"
    text = render(comparison, store, timings)
    write_aside(page, lambda file: file.write(text.encode()))
    return page


def render(comparison: Comparison, store: Store, timings: Sequence[TimingRecord]) -> str:
    """The page's HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"significant": significant, "counted": counted}
    return environment.get_template("page.html.j2").render(_content(comparison, store, timings))


def _content(comparison: Comparison, store: Store, timings: Sequence[TimingRecord]) -> dict[str, Any]:
    from markupsafe import Markup

    images = per_image(store)
    shared, pairs, rows = looks(comparison), contrasts(comparison, images), speeds(timings)
    boards = [
        _board(dataset, likelihood, items, pairs, shared, store, images)
        for (dataset, likelihood), items in comparison.boards().items()
    ]
    return {
        "study": comparison.study,
        "comparison": comparison,
        "facts": facts(comparison),
        "cautions": cautions(comparison, rows, shared),
        "boards": boards,
        "held": hold(comparison, comparison.study.expectations),
        "speeds": rows,
        "speed_plots": speed_plots(rows, shared),
        "metrics": METRICS,
        "arrows": ARROWS,
        "argument": _argument(comparison.study),
        "looks": shared,
        "css": Markup((TEMPLATES / "page.css").read_text()),
        "js": Markup((TEMPLATES / "page.js").read_text()),
    }


def _board(
    dataset: str,
    likelihood: str,
    items: Sequence[Configuration],
    pairs: Sequence[Contrast],
    shared: Looks,
    store: Store,
    images: PerImage,
) -> Board:
    return Board(
        key=f"{dataset}-{likelihood}",
        title=f"{dataset}, {likelihood_words(likelihood)}",
        answers=answers(items, pairs, shared, images),
        verdicts=verdicts(evidence(items, store)),
        separation=separation(items, pairs, shared),
        table=table(items, shared, MAIN, images),
        more={
            title: table(items, shared, known, images)
            for title, names in MORE.items()
            if (known := [name for name in names if any(item.summaries[name].n for item in items)])
        },
        plots=tuple(board_plots(items, shared)),
        galleries=tuple(galleries(items, shared, store)),
    )


def _argument(study: Study) -> str:
    """What names the study on the command line: its name if it comes with the suite, else its file."""
    return study.name if study.source.parent == STUDIES else study.source.name
